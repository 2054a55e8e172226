import assert from "node:assert/strict";
import { join } from "node:path";
import { isOwnLauncher, layOutHome } from "../../src/agent/new_home.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const never = () => false;

Deno.test("new home: holds templates, launcher and extensions, programs executable", async () => {
  await using dir = await temporaryDirectory();
  const home = join(dir.path, "a new", "home");
  const laidOut = await layOutHome(home, never);
  assert.ok(laidOut.every(({ outcome }) => outcome === "made"));
  const modeOf = (path: string) => (Deno.statSync(join(home, path)).mode ?? 0) & 0o777;
  assert.equal(modeOf("extensions/launcher"), 0o755);
  assert.equal(modeOf("extensions/bash/StartServers.sh"), 0o755);
  assert.equal(modeOf("extensions/bash/lib/told.sh"), 0o644);
  // Somebody may write a password there.
  assert.equal(modeOf("agent.conf"), 0o640);
  assert.ok(await isOwnLauncher(join(home, "extensions/launcher")));
  assert.deepEqual(
    laidOut.map(({ path }) => path).filter((path) => !path.startsWith("extensions/")),
    ["agent.conf", "logging.ini", "payload/launch-params.example"],
  );
});

Deno.test("new home: keeps what somebody changed, and brings what is missing", async () => {
  await using dir = await temporaryDirectory();
  await layOutHome(dir.path, never);
  const conf = join(dir.path, "agent.conf");
  await Deno.writeTextFile(conf, "[agent]\nmb.urls = mine:1883\n");
  await Deno.remove(join(dir.path, "logging.ini"));
  const outcomes = new Map(
    (await layOutHome(dir.path, never)).map(({ path, outcome }) => [path, outcome]),
  );
  assert.equal(outcomes.get("agent.conf"), "kept");
  assert.equal(outcomes.get("logging.ini"), "made");
  assert.equal(outcomes.get("extensions/launcher"), "same");
  assert.match(await Deno.readTextFile(conf), /mine:1883/);
});

Deno.test("new home: replaces what it is told to, and nothing else", async () => {
  await using dir = await temporaryDirectory();
  await layOutHome(dir.path, never);
  const launcher = join(dir.path, "extensions/launcher");
  await Deno.writeTextFile(launcher, "an older one");
  await Deno.writeTextFile(join(dir.path, "logging.ini"), "mine");
  assert.equal(await isOwnLauncher(launcher), false);
  const laidOut = await layOutHome(dir.path, (path) => path === "extensions/launcher");
  const changed = laidOut.filter(({ outcome }) => outcome !== "same");
  assert.deepEqual(changed, [
    { path: "extensions/launcher", outcome: "replaced" },
    { path: "logging.ini", outcome: "kept" },
  ]);
  assert.ok(await isOwnLauncher(launcher));
});

Deno.test("new home: says what it cannot write", async () => {
  await using dir = await temporaryDirectory();
  await Deno.writeTextFile(join(dir.path, "file"), "");
  await assert.rejects(layOutHome(join(dir.path, "file"), never), /Cannot lay out ".*\/file\//);
});
