import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../temporary_directory.ts";

const script = fileURLToPath(new URL("../../scripts/agent", import.meta.url));

/** As an operator does, with the permissions that the script grants. */
async function agent(args: readonly string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(script, {
    args: [...args],
    cwd,
    env: { DENO: Deno.execPath(), NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("init: lays out a home that check takes, relative to where it is called", async () => {
  await using dir = await temporaryDirectory();
  const init = await agent(["init", "a new/home"], dir.path);
  assert.equal(init.code, 0, init.err);
  assert.match(init.out, /^made {5}extensions\/launcher$/m);
  assert.match(init.out, /is a home: set mb\.urls/);
  const home = join(dir.path, "a new/home");
  await Deno.copyFile(
    join(home, "payload/launch-params.example"),
    join(home, "payload/launch-params"),
  );
  const set = ["--set", "mb.urls=127.0.0.1:1883"];
  const check = await agent(["check", "--home", home, ...set], dir.path);
  assert.equal(check.code, 0, check.err);
  assert.doesNotMatch(check.out, /launcher of this version/);
  assert.match(check.out, /InstanceStartedEvent +bash\/InstanceStartedEvent\.sh/);
});

Deno.test("init: done again changes nothing, and says what stays different", async () => {
  await using dir = await temporaryDirectory();
  await agent(["init", "home"], dir.path);
  const conf = join(dir.path, "home/agent.conf");
  const again = await agent(["init", "home"], dir.path);
  assert.equal(again.code, 0, again.err);
  assert.equal(again.out.trimEnd().split("\n").length, 1, again.out);
  await Deno.writeTextFile(conf, "[agent]\nmb.urls = mine:1883\n");
  const kept = await agent(["init", "home"], dir.path);
  assert.equal(kept.code, 0);
  assert.match(kept.out, /^kept {5}agent\.conf\n1 file differs and stayed: see --force$/m);
  assert.match(await Deno.readTextFile(conf), /mine/);
  const forced = await agent(["init", "--force", "home"], dir.path);
  assert.match(forced.out, /^replaced agent\.conf$/m);
  assert.doesNotMatch(await Deno.readTextFile(conf), /mine/);
});

Deno.test("init --launcher: replaces the launcher that check warns about, and nothing else", async () => {
  await using dir = await temporaryDirectory();
  const home = join(dir.path, "home");
  await agent(["init", home], dir.path);
  await Deno.copyFile(
    join(home, "payload/launch-params.example"),
    join(home, "payload/launch-params"),
  );
  await Deno.writeTextFile(join(home, "agent.conf"), "[agent]\nmb.urls = mine:1883\n");
  await Deno.writeTextFile(join(home, "extensions/launcher"), "# older\n", { append: true });
  const check = () => agent(["check", "--home", home], dir.path);
  assert.match(
    (await check()).out,
    /extensions\/launcher is not the launcher of this version: "init --launcher .*home" replaces it/,
  );
  const { code, out } = await agent(["init", "--launcher", home], dir.path);
  assert.equal(code, 0);
  assert.match(out, /^replaced extensions\/launcher$/m);
  assert.match(out, /^kept {5}agent\.conf$/m);
  assert.doesNotMatch((await check()).out, /launcher of this version/);
});

Deno.test("init: ends with 64 without a directory or with two, with 78 where none can be made", async () => {
  await using dir = await temporaryDirectory();
  const missing = await agent(["init"], dir.path);
  assert.equal(missing.code, 64);
  assert.match(missing.err, /init: the directory is missing/);
  assert.equal((await agent(["init", "one", "two"], dir.path)).code, 64);
  assert.equal((await agent(["init", "--quickly", "one"], dir.path)).code, 64);
  await Deno.writeTextFile(join(dir.path, "file"), "");
  const file = await agent(["init", "file"], dir.path);
  assert.equal(file.code, 78, file.err);
  assert.match(file.err, /Cannot lay out ".*file\//);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["file"]);
});
