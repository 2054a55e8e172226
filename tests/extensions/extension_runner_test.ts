import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExtensionPort } from "../../src/lifecycle/ports.ts";
import {
  never,
  openExtensionHome,
  requestOf,
  runnerOn,
  untilExists,
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

Deno.test("extension runner: reports 128 + n when a signal ends the script", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "kill -KILL $$");
  await using runner = runnerOn(home, watchedLog());
  const outcome = await runner.run(requestOf("clean"), never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /exit status 137/);
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

Deno.test("extension runner: runs although facts cannot be written, and warns", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  await Deno.writeTextFile(join(home.stateDir, "extensions"), "in the way");
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const facts = {
    topology: {},
    serviceProperties: {},
    clusterProperties: {},
    memberProperties: {},
  };
  assert.equal((await runner.run(requestOf("clean", {}, facts), never)).kind, "succeeded");
  assert.ok(
    log.records.some(({ message }) => message.startsWith("STRATOS_TOPOLOGY_JSON is not in")),
  );
});

Deno.test("extension runner: runs the event's folder after the script, though one fails", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", "echo script; exit 4");
  await home.script("StartServers.d/10-a", "echo a; exit 5");
  await home.script("StartServers.d/20-b", "echo never", 0o644);
  await home.script("StartServers.d/30-c", `echo "c in $PWD"`);
  await home.script("StartServers.d/30-c~", "echo never");
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const outcome = await runner.run(requestOf("StartServers"), never);
  const dir = join(home.extensionsDir, "StartServers.d");
  assert.deepEqual(log.output, ["script", "a", `c in ${dir}`]);
  assert(outcome.kind === "failed");
  assert.match(
    outcome.reason,
    /status 4.*; StartServers\.d\/10-a: .*5.*; .*20-b is not executable/,
  );
  const debug = log.records.filter(({ level }) => level === "debug").map((r) => r.message);
  assert.deepEqual(debug, [
    "StartServers.d/30-c~ is no extension: left by an editor or a package manager",
  ]);
});

Deno.test("extension runner: runs nothing after the one that was cancelled", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.d/1", "echo one; sleep 1000");
  await home.script("clean.d/2", "echo two");
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  const stop = new AbortController();
  const running = runner.run(requestOf("clean"), stop.signal);
  await log.until("one");
  stop.abort();
  assert.deepEqual(await running, { kind: "cancelled" });
  assert.deepEqual(log.output, ["one"]);
});

Deno.test("extension runner: gives SOURCE and DEST as arguments when artifacts are copied", async () => {
  await using home = await openExtensionHome();
  await home.script("CopyArtifacts.sh", `echo "$#|$1|$2|$STRATOS_SOURCE|$STRATOS_DEST"`);
  const log = watchedLog();
  await using runner = runnerOn(home, log);
  await runner.run(requestOf("CopyArtifacts", { SOURCE: "/a b", DEST: "/c*" }), never);
  assert.deepEqual(log.output, ["2|/a b|/c*|/a b|/c*"]);
});

Deno.test("extension runner: holds more outputs open than one guard can", async () => {
  await using home = await openExtensionHome();
  await home.script(
    "StartServers.sh",
    `(until [ -e "$STRATOS_GO" ]; do sleep 0.05; done; head -c 100000 /dev/zero; : >"$STRATOS_DONE") &`,
  );
  const go = join(home.dir, "go");
  const dones = Array.from({ length: 18 }, (_, i) => join(home.dir, `done-${i}`));
  {
    await using runner = runnerOn(home, watchedLog());
    await Promise.all(
      dones.map((DONE) => runner.run(requestOf("StartServers", { GO: go, DONE }), never)),
    );
  }
  await Deno.writeTextFile(go, "");
  await Promise.all(dones.map(untilExists));
});

Deno.test("extension runner: what outlives the agent has none of the agent's environment", async () => {
  await using home = await openExtensionHome();
  await home.script("StartServers.sh", "exit 0");
  await using runner = runnerOn(home, watchedLog());
  await runner.run(requestOf("StartServers"), never);
  const guards: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (!line.includes(`${home.launcher}\0guard`)) continue;
    guards.push(await Deno.readTextFile(`/proc/${name}/environ`));
  }
  assert.equal(guards.length, 1);
  assert.equal(guards[0]?.replaceAll("\0", " ").trim(), "CARTRIDGE_AGENT_UNSET=");
});
