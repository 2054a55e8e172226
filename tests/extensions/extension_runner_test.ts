import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExtensionPort } from "../../src/lifecycle/ports.ts";
import {
  isAlive,
  never,
  openExtensionHome,
  requestOf,
  runnerOn,
  untilExists,
  untilGone,
  watchedLog,
} from "./extension_home.ts";

Deno.test("extension runner: does nothing when nothing is installed", async () => {
  await using home = await openExtensionHome();
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const port: ExtensionPort = runner;
  assert.deepEqual(await port.run(requestOf("StartServers"), never), { kind: "none" });
  assert.deepEqual(log.records.map((r) => [r.level, r.message]), [
    ["debug", "no extension for StartServers"],
  ]);
});

Deno.test("extension runner: runs a script in its own folder with empty input and logs its output", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "bash/StartServers.sh",
    'echo "in $PWD as $0"; echo "$STRATOS_EVENT" >&2; wc -c',
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const outcome = await runner.run(requestOf("StartServers"), never);
  assert.deepEqual(outcome, { kind: "succeeded" });
  const dir = join(home.extensionsDir, "bash");
  assert.deepEqual(log.output, [`in ${dir} as ${dir}/StartServers.sh`, "StartServers", "0"]);
  const facts = log.records.find((r) => r.name === "extensions.output")?.facts;
  assert.equal(facts?.event, "StartServers");
  assert.equal(facts?.script, "bash/StartServers.sh");
  assert.equal(typeof facts?.pid, "number");
  const last = log.records.at(-1);
  assert.equal(last?.level, "info");
  assert.match(
    last?.message ?? "",
    /^extension StartServers bash\/StartServers\.sh status=0 ms=\d+$/,
  );
});

Deno.test("extension runner: fails with status and last lines when a script fails", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "StartServers.sh",
    "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i; done; exit 3",
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const outcome = await runner.run(requestOf("StartServers"), never);
  assert(outcome.kind === "failed");
  assert.match(
    outcome.reason,
    /^StartServers\.sh: exit status 3, last output: line 2 \| .* \| line 11$/,
  );
  const last = log.records.at(-1);
  assert.equal(last?.level, "error");
  assert.match(last?.message ?? "", /^extension StartServers StartServers\.sh status=3 ms=\d+: /);
  assert.equal(last?.facts.status, 3);
});

Deno.test("extension runner: succeeds when a script writes to standard error and ends well", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "echo trouble >&2");
  await using runner = runnerOn(home, watchedLog());
  assert.deepEqual(await runner.run(requestOf("clean"), never), { kind: "succeeded" });
});

Deno.test("extension runner: reports 128 + n when a signal ends the script", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "kill -KILL $$");
  await using runner = runnerOn(home, watchedLog());
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /exit status 137/);
});

Deno.test("extension runner: names path and remedy when a script is not executable", async () => {
  await using home = await openExtensionHome();
  const path = await home.script("bash/clean.sh", "echo ran", 0o644);
  await using runner = runnerOn(home, watchedLog());
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert(outcome.reason.includes(`chmod +x ${path}`), outcome.reason);
});

Deno.test("extension runner: fails with a hint when the interpreter is missing", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "#!/nonexistent/interpreter\n");
  await using runner = runnerOn(home, watchedLog());
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /exit status 127 \(a command or the script's interpreter/);
});

Deno.test("extension runner: fails without a rejection when the launcher is missing", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  await Deno.remove(home.launcher);
  await using runner = runnerOn(home, watchedLog());
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert(outcome.reason.includes(home.launcher), outcome.reason);
});

Deno.test("extension runner: refuses a script that is a link to the outside", async () => {
  await using home = await openExtensionHome();
  await home.script("../outside.sh", "echo ran");
  await Deno.symlink(join(home.dir, "outside.sh"), join(home.extensionsDir, "clean.sh"));
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /leads outside the extensions folder/);
  assert.deepEqual(log.output, []);
});

Deno.test("extension runner: kills grandchildren when the time limit passes", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "sleep 1000 & echo pid $!; wait");
  const log = watchedLog();
  await using runner = runnerOn(home, log, { timeoutMsByEvent: { clean: 500 } });
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /stopped at its time limit/);
  await untilGone(pidIn(log.output));
});

Deno.test("extension runner: kills after the grace when a script and its child ignore TERM", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "clean.sh",
    "trap 'echo told' TERM\n(trap '' TERM; exec sleep 1000) &\necho pid $!\nwhile :; do sleep 0.1; done",
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log, { graceMs: 300 });
  const stop = new AbortController();
  const running = runner.run(requestOf("clean"), stop.signal);
  const { facts } = await log.until("pid ");
  stop.abort();
  const before = performance.now();
  assert.deepEqual(await running, { kind: "cancelled" });
  assert(performance.now() - before >= 250, "there was no grace");
  assert(log.output.includes("told"), "TERM did not come first");
  await untilGone(pidIn(log.output));
  await untilGone(facts.pid as number);
});

Deno.test("extension runner: gives a child its grace when the script itself ends at once", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "clean.sh",
    `(trap 'sleep 0.3; : >"$STRATOS_DONE"; exit' TERM
      echo ready; exec >/dev/null 2>&1; while :; do sleep 0.05; done) & wait`,
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log, { graceMs: 5_000 });
  const stop = new AbortController();
  const done = join(home.dir, "done");
  const running = runner.run(requestOf("clean", { DONE: done }), stop.signal);
  await log.until("ready");
  stop.abort();
  const before = performance.now();
  assert.deepEqual(await running, { kind: "cancelled" });
  assert((await Deno.stat(done)).isFile);
  assert(performance.now() - before < 4_000, "it waited though nobody was left");
});

Deno.test("extension runner: starts nothing when it is cancelled beforehand", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", `: >"$STRATOS_DONE"`);
  await using runner = runnerOn(home, watchedLog());
  const done = join(home.dir, "done");
  const outcome = await runner.run(requestOf("clean", { DONE: done }), AbortSignal.abort());
  assert.deepEqual(outcome, { kind: "cancelled" });
  await assert.rejects(Deno.stat(done), Deno.errors.NotFound);
});

Deno.test("extension runner: background children live on and may write when nobody listens", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "StartServers.sh",
    `(echo "pid $(exec sh -c 'echo $PPID')"
      until [ -e "$STRATOS_GO" ]; do sleep 0.02; done
      i=0; while [ $i -lt 3000 ]; do echo "more than a pipe can hold, by far, by far"; i=$((i+1)); done
      : >"$STRATOS_DONE") &\necho started; exit 0`,
  );
  const log = watchedLog();
  const [go, done] = [join(home.dir, "go"), join(home.dir, "done")];
  {
    await using runner = runnerOn(home, log);
    const outcome = await runner.run(requestOf("StartServers", { GO: go, DONE: done }), never);
    assert.deepEqual(outcome, { kind: "succeeded" });
    await log.until("pid ");
    assert(await isAlive(pidIn(log.output)));
  }
  await Deno.writeTextFile(go, "");
  await untilExists(done);
});

Deno.test("extension runner: goes on logging what a background child writes", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "StartServers.sh",
    `(until [ -e "$STRATOS_GO" ]; do sleep 0.02; done; echo late; sleep 0.2) & exit 0`,
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const go = join(home.dir, "go");
  await runner.run(requestOf("StartServers", { GO: go }), never);
  await Deno.writeTextFile(go, "");
  const record = await log.until("late");
  assert.equal(record.facts.script, "StartServers.sh");
});

Deno.test("extension runner: bounds what it passes on when a script writes 100 MB", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "yes 'a line of output' | head -c 100000000; echo; echo the end");
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const before = performance.now();
  assert.deepEqual(await runner.run(requestOf("clean"), never), { kind: "succeeded" });
  assert(performance.now() - before < 20_000);
  const bytes = log.output.reduce((sum, line) => sum + line.length + 1, 0);
  assert(bytes > 100_000 && bytes < 1_200_000, `${bytes}`);
  assert.match(log.output.at(-1) ?? "", /^\d+ bytes of output left out$/);
});

Deno.test("extension runner: shows binary output as text, long lines cut", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "clean.sh",
    `printf '\\033[31mred\\000\\377\\r\\n'; head -c 20000 /dev/zero | tr '\\0' x`,
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  await runner.run(requestOf("clean"), never);
  assert.equal(log.output[0], "\\x1b[31mred\\x00\ufffd");
  assert.equal(log.output[1], "x".repeat(8192) + " … (11808 more bytes)");
});

Deno.test("extension runner: runs two scripts at the same time", async () => {
  await using home = await openExtensionHome();
  const meet = (own: string, other: string) =>
    `: >"$STRATOS_DIR/${own}"; until [ -e "$STRATOS_DIR/${other}" ]; do sleep 0.02; done; echo ${own}`;
  await home.script("clean.sh", meet("a", "b"));
  await home.script("StartServers.sh", meet("b", "a"));
  const log = watchedLog();
  await using runner = runnerOn(home, log, { timeoutMs: 10_000 });
  const outcomes = await Promise.all(
    ["clean", "StartServers"].map((event) =>
      runner.run(requestOf(event, { DIR: home.dir }), never)
    ),
  );
  assert.deepEqual(outcomes, [{ kind: "succeeded" }, { kind: "succeeded" }]);
  assert.deepEqual(log.output.toSorted(), ["a", "b"]);
});

Deno.test("extension runner: gives the mapping as first argument and VALUE1 when it mounts volumes", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "mount_volumes.sh",
    `echo "$#" "$1" "$STRATOS_VALUE1" "$STRATOS_PERSISTENCE_MAPPINGS"`,
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log, { persistenceMapping: "/dev/vdb|/var/data dir" });
  await runner.run(requestOf("VolumeMount"), never);
  const mapping = "/dev/vdb|/var/data dir";
  assert.deepEqual(log.output, [`1 ${mapping} ${mapping} ${mapping}`]);
});

Deno.test("extension runner: gives a value over 128 KiB as a file alone", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "CompleteTopologyEvent.sh",
    `echo "topology \${STRATOS_TOPOLOGY_JSON-absent} $(wc -c <"$STRATOS_TOPOLOGY_JSON_FILE")"
     echo "members $STRATOS_MEMBER_LIST_JSON $(cat "$STRATOS_MEMBER_LIST_JSON_FILE")"
     echo "mode $(stat -c %a "$STRATOS_MEMBER_LIST_JSON_FILE")"
     echo "long \${STRATOS_LONG-absent} $(wc -c <"$STRATOS_LONG_FILE")"`,
  );
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const facts = {
    topology: { x: "y".repeat(200_000) },
    members: { m: 1 },
    serviceProperties: {},
    clusterProperties: {},
    memberProperties: {},
  };
  const request = requestOf("CompleteTopologyEvent", { LONG: "z".repeat(140_000) }, facts);
  assert.deepEqual(await runner.run(request, never), { kind: "succeeded" });
  assert.deepEqual(log.output, [
    "topology absent 200008",
    'members {"m":1} {"m":1}',
    "mode 600",
    "long absent 140000",
  ]);
  assert.deepEqual([...Deno.readDirSync(join(home.stateDir, "extensions", "runs"))], []);
});

Deno.test("extension runner: fails with a reason when an argument is too long for the system", async () => {
  await using home = await openExtensionHome();
  await home.script("VolumeMount.sh", "true");
  await using runner = runnerOn(home, watchedLog(), { persistenceMapping: "x".repeat(200_000) });
  const outcome = await runner.run(requestOf("VolumeMount"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /Argument list too long/);
});

Deno.test("extension runner: warns once when a script hides one under an older name", async () => {
  await using home = await openExtensionHome();
  await home.script("bash/StartServers.sh", "echo new");
  await home.script("start-servers.sh", "echo old");
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  await runner.run(requestOf("StartServers"), never);
  await runner.run(requestOf("StartServers"), never);
  assert.deepEqual(log.output, ["new", "new"]);
  assert.deepEqual(log.records.filter((r) => r.level === "warning").map((r) => r.message), [
    "extension start-servers.sh does not run because there is bash/StartServers.sh",
  ]);
});

Deno.test("extension runner: fails without a rejection when facts cannot be written", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  await Deno.writeTextFile(join(home.stateDir, "extensions"), "in the way");
  await using runner = runnerOn(home, watchedLog());
  const facts = {
    topology: {},
    serviceProperties: {},
    clusterProperties: {},
    memberProperties: {},
  };
  assert.equal((await runner.run(requestOf("clean", {}, facts), never)).kind, "failed");
});

function pidIn(output: readonly string[]): number {
  const pid = output.map((line) => /^pid (\d+)$/.exec(line)?.[1]).find((found) => found);
  assert(pid, `no pid in ${output.join(" | ")}`);
  return Number(pid);
}
