import assert from "node:assert/strict";
import { join } from "node:path";
import type { ArtifactPort } from "../../src/lifecycle/ports.ts";
import { runRemovalWorker } from "../../src/artifacts/git_worker_run.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { canaryPassword, Playground } from "./playground.ts";
import { openSync, SilentServer, sourceFor } from "./sync_playground.ts";

const never = new AbortController().signal;

peerTest("remove: takes the files away, and a checkout begins from the start", [
  "git",
], async () => {
  await using playground = await Playground.open();
  const commit = await playground.commit({ "a": "1", "dir/b": "2" });
  await Deno.writeTextFile(join(playground.app, "before"), "x");
  const { sync, log, redactor } = openSync(playground, { backupInitial: true });
  await using port: ArtifactPort & AsyncDisposable = sync;
  for (let round = 1; round <= 2; round++) {
    const outcome = await port.checkOut(sourceFor(playground), never);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 2, commit });
    assert.deepEqual(playground.surroundings(), ["app", "app_backup", "state"]);
    assert.equal(redactor.redact(canaryPassword), "***");
    assert.deepEqual(await port.remove(1, never), { kind: "removed", files: 2 });
    assert.deepEqual(playground.files(), { "before": "x" });
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
    assert.equal(redactor.redact(canaryPassword), canaryPassword, "the password is forgotten");
  }
  assert.match(log.text(), /info artifacts Removed 2 files that were checked out into \S+app$/m);
  assert.deepEqual(await port.remove(1, never), { kind: "removed", files: 0 });
});

peerTest("remove: says which changed files stay", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit(
    Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`file${n}`, `${n}`])),
  );
  const { sync, log } = openSync(playground);
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  for (let n = 0; n < 25; n++) await Deno.writeTextFile(join(playground.app, `file${n}`), "mine");
  assert.deepEqual(await sync.remove(1, never), { kind: "removed", files: 0 });
  assert.equal(Object.keys(playground.files()).length, 25);
  assert.match(log.text(), /warning artifacts Files in \S+ were changed .*"file0", .* and 5 more/);
});

peerTest("remove: ends the update loop", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const allowedHosts = [playground.remote.address, silent.address];
  const { sync, log } = openSync(playground, { allowedHosts, cloneRetries: 1 }, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  // The loop hangs in a poll when the removal comes.
  const abort = new AbortController();
  const hanging = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), abort.signal);
  await silent.arrived.promise;
  abort.abort();
  assert.deepEqual(await hanging, { kind: "cancelled" });
  sync.startUpdates(1, () => assert.fail("nothing is updated"));
  await clock.untilSleeping();
  await clock.advance(15_000);
  assert.deepEqual(await sync.remove(1, never), { kind: "removed", files: 1 });
  assert.deepEqual(playground.files(), {});
  const { requests } = playground.remote;
  await clock.advance(600_000);
  assert.equal(playground.remote.requests, requests);
  assert.equal(clock.nextInMs, undefined, "nobody sleeps any more");
  sync.startUpdates(1, () => assert.fail("nothing is updated"));
  assert.match(log.text(), /is not followed: there is none/);
});

peerTest("remove: sets a checkout in progress aside", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  await playground.commit({ "a": "1" });
  const allowedHosts = [playground.remote.address, silent.address];
  const { sync, redactor } = openSync(playground, { allowedHosts });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const hanging = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), never);
  await silent.arrived.promise;
  assert.deepEqual(await sync.remove(1, never), { kind: "removed", files: 1 });
  assert.deepEqual(await hanging, { kind: "cancelled" });
  assert.equal(redactor.redact(canaryPassword), canaryPassword);
  assert.deepEqual(playground.files(), {});
});

peerTest("remove: removes one tenant's files and the directory made for them", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a/b": "1" });
  const tenants = join(playground.app, "repository/tenants");
  await Deno.mkdir(join(tenants, "6"), { recursive: true });
  const { sync, log } = openSync(playground, { multiTenant: true });
  await using _ = sync;
  for (const tenantId of [-1234, 5, 6, 7]) {
    await sync.checkOut(sourceFor(playground, { tenantId }), never);
  }
  // Its directory has gone meanwhile.
  await Deno.remove(join(tenants, "7"), { recursive: true });
  for (const [tenantId, files] of [[5, 1], [6, 1], [7, 0], [8, 0], [NaN, 0]] as const) {
    assert.deepEqual(await sync.remove(tenantId, never), { kind: "removed", files }, log.text());
  }
  assert.deepEqual(playground.files(), { "repository/deployment/server/a/b": "1" });
  // What was there before stays.
  assert.deepEqual([...Deno.readDirSync(tenants)].map(({ name }) => name), ["6"]);
  const left = [...Deno.readDirSync(join(playground.stateDir, "git"))].map(({ name }) => name);
  assert.deepEqual(left, ["-1234"]);
});

peerTest("remove: refuses to go through a link to the tenant's directory", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { sync, log } = openSync(playground, { multiTenant: true });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground, { tenantId: 5 }), never);
  const tenants = join(playground.app, "repository/tenants");
  const outside = join(playground.root, "outside");
  await Deno.rename(tenants, outside);
  await Deno.symlink(outside, tenants);
  const outcome = await sync.remove(5, never);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /tenants" is a link or a file/);
  assert.match(log.text(), /error artifacts.5 The artifacts are not removed/);
  assert.deepEqual(playground.files(outside), { "5/a": "1" });
  await Deno.remove(tenants);
  await Deno.rename(outside, tenants);
  assert.deepEqual(await sync.remove(5, never), { kind: "removed", files: 1 });
});

peerTest("remove: works on what an earlier agent process checked out", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  {
    const { sync } = openSync(playground);
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
  }
  const { sync } = openSync(playground);
  await using _ = sync;
  assert.deepEqual(await sync.remove(1, never), { kind: "removed", files: 1 });
  assert.deepEqual(playground.files(), {});
});

peerTest("remove: another tenant's sign-up does not take the one application's files", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { sync, log } = openSync(playground);
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  assert.deepEqual(await sync.remove(7, never), { kind: "removed", files: 0 });
  assert.deepEqual(playground.files(), { "a": "1" });
  assert.match(log.text(), /The artifacts stay: they are those of tenant 1, not of 7/);
  await sync.checkOut(sourceFor(playground, { tenantId: 7 }), never);
  assert.deepEqual(await sync.remove(7, never), { kind: "removed", files: 1 });
});

peerTest("remove: is cancelled by its signal, and finished by the next checkout", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "2" });
  await Deno.writeTextFile(join(playground.app, "a"), "initial");
  const abort = new AbortController();
  const { sync, log } = openSync(playground, { backupInitial: true }, {
    runRemoval: (job, options) => {
      // As a worker that was ended after its first step would leave it.
      Deno.writeTextFileSync(join(job.gitDirectory, "removing"), "");
      Deno.removeSync(join(job.destination, "b"));
      abort.abort();
      return runRemovalWorker(job, options);
    },
  });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  assert.deepEqual(await sync.remove(1, abort.signal), { kind: "cancelled" });
  const backup = join(playground.root, "app_backup");
  assert.deepEqual(playground.files(backup), { "a": "initial" });
  assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "checkedOut");
  assert.deepEqual(playground.files(), { "a": "1", "b": "2" });
  assert.deepEqual(playground.files(backup), { "a": "initial" });
  assert.match(log.text(), /Removed 1 files .*, 1 came back from the backup/);
});
