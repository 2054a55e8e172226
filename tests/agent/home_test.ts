import assert from "node:assert/strict";
import { join } from "node:path";
import { lockHome } from "../../src/agent/home_lock.ts";
import { prepareStateDirectory } from "../../src/agent/state_directory.ts";
import { StateMemory } from "../../src/agent/state_memory.ts";
import { untilTerminator } from "../../src/agent/terminator_file.ts";
import { AgentError } from "../../src/base/errors.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const owner = { memberId: "m-1", clusterInstanceId: "c-1" };

Deno.test("state directory: is made for the owner alone, and an existing one is closed to others", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "home", "state");
  await prepareStateDirectory(path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
  await Deno.chmod(path, 0o755);
  await prepareStateDirectory(path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
});

Deno.test("state directory: is refused when others may write there", async () => {
  await using directory = await temporaryDirectory();
  await Deno.chmod(directory.path, 0o777);
  await assert.rejects(
    prepareStateDirectory(directory.path),
    (error) =>
      error instanceof AgentError && error.kind === "configuration" &&
      /chmod go-w/.test(error.message),
  );
});

Deno.test("state directory: is refused when it belongs to somebody else", {
  // Only root can give a directory away, and only for root would nothing else refuse it.
  ignore: Deno.uid() !== 0,
}, async () => {
  await using directory = await temporaryDirectory();
  await Deno.chown(directory.path, 12_345, 12_345);
  await assert.rejects(
    prepareStateDirectory(directory.path),
    (error) =>
      error instanceof AgentError && error.kind === "configuration" &&
      /belongs to user 12345.*chown it to user 0/.test(error.message),
  );
});

Deno.test("state directory: keeps nothing of the look at whose it is", async () => {
  await using directory = await temporaryDirectory();
  await prepareStateDirectory(directory.path);
  assert.deepEqual([...Deno.readDirSync(directory.path)], []);
});

Deno.test("lock: refuses a second agent of a home until the first has ended", async () => {
  await using directory = await temporaryDirectory();
  {
    using _first = await lockHome(directory.path);
    await assert.rejects(
      lockHome(directory.path),
      (error) => error instanceof AgentError && error.kind === "locked",
    );
  }
  using _second = await lockHome(directory.path);
});

Deno.test("memory: gives back what was saved last, nothing at the first start", async () => {
  await using directory = await temporaryDirectory();
  const memory = new StateMemory(directory.path, owner);
  const log = memoryLog();
  assert.deepEqual(await memory.load(log, 0), {});
  await memory.save({ published: "started" });
  await memory.save({ published: "maintenance", cleanUp: true });
  assert.deepEqual(await new StateMemory(directory.path, owner).load(log, 0), {
    published: "maintenance",
    cleanUp: true,
  });
  assert.deepEqual(log.records, []);
});

Deno.test("memory: sets aside what another member left, its outbox too, and begins anew", async () => {
  await using directory = await temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const log = memoryLog();
  const former = new StateMemory(directory.path, { ...owner, memberId: "m-0" });
  await former.save({ published: "readyToShutdown", cleanUp: true, cleaned: true });
  await Deno.writeTextFile(path("outbox.jsonl"), "waiting");
  assert.deepEqual(await new StateMemory(directory.path, owner).load(log, 7), {});
  assert.match(log.text(), /warning .*belongs to another member/);
  assert.equal(await Deno.readTextFile(path("outbox.jsonl.other-member-7")), "waiting");
  const later = new StateMemory(directory.path, owner);
  await later.save({ published: "started" });
  assert.deepEqual(await later.load(log, 8), { published: "started" });
});

for (const content of ["", "{", "[]", "null", "7", '{"published":"elsewhere"}', "\u0000\u0000"]) {
  Deno.test(`memory: sets a file aside that holds ${JSON.stringify(content)}, and says so`, async () => {
    await using directory = await temporaryDirectory();
    await Deno.writeTextFile(join(directory.path, "lifecycle.json"), content);
    const log = memoryLog();
    const remembered = await new StateMemory(directory.path, owner).load(log, 7);
    assert.deepEqual(remembered, {});
    assert.equal(log.records[0]?.level, "error");
    assert.equal(
      await Deno.readTextFile(join(directory.path, "lifecycle.json.corrupt-7")),
      content,
    );
  });
}

const strange: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ["a directory", (path) => Deno.mkdir(path)],
  ["a link that leads away", (path) => Deno.symlink("/etc/passwd", path)],
  ["far too much", (path) => Deno.writeTextFile(path, " ".repeat(100_000))],
  ["what is no text", (path) => Deno.writeFile(path, new Uint8Array([0xff, 0xfe, 0x00]))],
];
for (const [title, make] of strange) {
  Deno.test(`memory: sets aside ${title} in its place, and says so`, async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "lifecycle.json");
    await make(path);
    const before = await Deno.lstat(path);
    const log = memoryLog();
    const memory = new StateMemory(directory.path, owner);
    assert.deepEqual(await memory.load(log, 7), {});
    assert.match(log.text(), /^error .*set aside as/);
    assert.equal((await Deno.lstat(`${path}.corrupt-7`)).ino, before.ino);
    await memory.save({ published: "started" });
    assert.equal((await Deno.lstat(path)).mode! & 0o777, 0o600);
    assert.deepEqual(await memory.load(log, 8), { published: "started" });
  });
}

Deno.test("terminator file: ends the agent once it holds true, not before", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "terminator.txt");
  const { signal } = new AbortController();
  const clock = new FakeClock();
  const log = memoryLog();
  let ended = false;
  const waiting = untilTerminator(path, log, clock, signal).then(() => void (ended = true));
  for (const content of [undefined, "", "false", "truely"]) {
    if (content !== undefined) await Deno.writeTextFile(path, content);
    await clock.untilSleeping();
    await clock.advance(1_000);
    assert.equal(ended, false);
  }
  await clock.untilSleeping();
  await Deno.remove(path);
  await Deno.mkdir(path);
  for (let look = 0; look < 3; look++) {
    await clock.advance(1_000);
    await clock.untilSleeping();
  }
  assert.equal(log.records.length, 1, "said once, and the watch goes on");
  await Deno.remove(path);
  await Deno.writeTextFile(path, " True\n");
  await clock.advance(1_000);
  await waiting;
});
