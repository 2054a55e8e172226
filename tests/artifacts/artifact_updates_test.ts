import assert from "node:assert/strict";
import { join } from "node:path";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { Playground, repository } from "./playground.ts";
import { openSync, SilentServer, sourceFor } from "./sync_playground.ts";

const never = new AbortController().signal;
const intervalMs = 15_000;

/** Something to be awaited again and again. */
class Bell {
  #rung = Promise.withResolvers<void>();
  readonly ring = () => {
    this.#rung.resolve();
    return Promise.resolve();
  };

  async rung() {
    await this.#rung.promise;
    this.#rung = Promise.withResolvers<void>();
  }
}

/** Moves time to the next poll and waits until it has ended and the loop sleeps again. */
async function poll(clock: FakeClock, playground: Playground) {
  await clock.untilSleeping();
  const requests = playground.remote.requests;
  await clock.advance(intervalMs);
  await clock.untilNextIn(intervalMs);
  assert(playground.remote.requests > requests, "nobody asked");
}

peerTest("updates: follow the remote and tell of what changed files", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, {}, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  let updates = 0;
  const bell = new Bell();
  sync.startUpdates(1, () => {
    updates++;
    return bell.ring();
  });
  await poll(clock, playground);
  assert.equal(updates, 0);
  await playground.commit({ "a": "2", "b": "3" });
  await clock.advance(intervalMs);
  await bell.rung();
  assert.deepEqual(playground.files(), { "a": "2", "b": "3" });
  // A new commit without a change to files is nobody's business.
  await playground.remote.commit(repository, {}, "empty");
  await poll(clock, playground);
  assert.equal(updates, 1);
  assert.match(log.text(), /Nothing changed by commit/);
});

peerTest("updates: one request and no worker when nothing changed", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, {}, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  sync.startUpdates(1, () => Promise.resolve());
  await poll(clock, playground);
  const requests = playground.remote.requests;
  const lines = log.records.length;
  await poll(clock, playground);
  await poll(clock, playground);
  assert.equal(playground.remote.requests, requests + 2);
  assert.equal(log.records.length, lines);
});

peerTest("updates: discard local changes with a warning that names them", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1" });
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, {}, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const bell = new Bell();
  sync.startUpdates(1, bell.ring);
  await clock.untilSleeping();
  await Deno.writeTextFile(join(playground.app, "b"), "mine");
  await playground.commit({ "a": "2" });
  await clock.advance(intervalMs);
  await bell.rung();
  assert.deepEqual(playground.files(), { "a": "2", "b": "1" });
  const warnings = log.records.filter(({ level }) => level === "warning");
  assert.match(warnings[0]?.message ?? "", /discarded in favour of the repository: "b"$/);
});

peerTest("updates: a conflict keeps the local commit and says so once", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, { autoCommit: true }, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  sync.startUpdates(1, () => Promise.reject(new Error("nothing to tell")));
  await clock.untilSleeping();
  await Deno.writeTextFile(join(playground.app, "a"), "mine");
  await playground.commit({ "a": "2" });
  await poll(clock, playground);
  await poll(clock, playground);
  assert.deepEqual(playground.files(), { "a": "2" });
  const errors = log.records.filter(({ message }) => message.includes("conflict"));
  assert.equal(errors.length, 1, log.text());
  assert.match(
    errors[0]?.message ?? "",
    /whose version is in place now: "a"; nothing is lost: .* refs\/cartridge-agent\/conflicts\/\S+ of/,
  );
});

peerTest("updates: survive an empty repository and its first commit", ["git"], async () => {
  await using playground = await Playground.open();
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, {}, { clock });
  await using _ = sync;
  assert.deepEqual(await sync.checkOut(sourceFor(playground), never), {
    kind: "checkedOut",
    files: 0,
  });
  const bell = new Bell();
  sync.startUpdates(1, bell.ring);
  await poll(clock, playground);
  await poll(clock, playground);
  assert.equal(log.records.length, 1, log.text());
  await playground.commit({ "a": "1" });
  await clock.advance(intervalMs);
  await bell.rung();
  assert.deepEqual(playground.files(), { "a": "1" });
});

peerTest("updates: use a new source from the next poll on", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.remote.createRepository("other");
  await playground.remote.commit("other", { "b": "1" });
  const clock = new FakeClock();
  const { sync } = openSync(playground, {}, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const bell = new Bell();
  sync.startUpdates(1, bell.ring);
  await sync.checkOut(sourceFor(playground, { repoUrl: playground.remote.url("other") }), never);
  assert.deepEqual(playground.files(), { "b": "1" });
  await clock.untilSleeping();
  await playground.commit({ "a": "2" });
  await playground.remote.commit("other", { "b": "2" });
  await clock.advance(intervalMs);
  await bell.rung();
  assert.deepEqual(playground.files(), { "b": "2" });
});

peerTest("updates: try again what the first checkout could not", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.remote.git(repository, ["symbolic-ref", "HEAD", "refs/heads/later"]);
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync } = openSync(playground, { branch: "later", cloneRetries: 1 }, { clock });
  await using _ = sync;
  assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "failed");
  const bell = new Bell();
  sync.startUpdates(1, bell.ring);
  await clock.untilSleeping();
  await playground.remote.git(repository, ["update-ref", "refs/heads/later", "refs/heads/main"]);
  await clock.advance(intervalMs);
  await bell.rung();
  assert.deepEqual(playground.files(), { "a": "1" });
});

peerTest(
  "updates: none when the configuration does not want them, or there is no source",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    for (const config of [{ update: false }, { autoCheckout: false }]) {
      const clock = new FakeClock();
      const { sync } = openSync(playground, config, { clock });
      await using _ = sync;
      await sync.checkOut(sourceFor(playground), never);
      sync.startUpdates(1, () => Promise.resolve());
      assert.equal(clock.sleeping, 0);
    }
    const { sync, log } = openSync(playground);
    await using _ = sync;
    sync.startUpdates(9, () => Promise.resolve());
    assert.match(log.text(), /warning .*there is none/);
  },
);

peerTest("updates: start again in place of the former loop, and stop", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync } = openSync(playground, {}, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const bell = new Bell();
  sync.startUpdates(1, () => Promise.reject(new Error("the former listener")));
  await clock.untilSleeping();
  sync.startUpdates(1, bell.ring);
  await clock.advance(0);
  assert.equal(clock.sleeping, 1);
  await playground.commit({ "a": "2" });
  await clock.advance(intervalMs);
  await bell.rung();
  await clock.untilSleeping();
  await sync.stopUpdates();
  assert.equal(clock.sleeping, 0);
});

peerTest("updates: stop at once though the server is silent", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  const clock = new FakeClock();
  const { sync } = openSync(playground, {
    allowedHosts: [playground.remote.address, silent.address],
  }, { clock });
  await using _ = sync;
  const abort = new AbortController();
  const checkout = sync.checkOut(sourceFor(playground, { repoUrl: silent.url }), abort.signal);
  await silent.arrived.promise;
  abort.abort();
  assert.equal((await checkout).kind, "cancelled");
  sync.startUpdates(1, () => Promise.resolve());
  await clock.untilSleeping();
  await clock.advance(intervalMs);
  await sync.stopUpdates();
  assert.equal(clock.sleeping, 0);
});

peerTest("updates: do again what failed, though the remote went back", ["git"], async () => {
  await using playground = await Playground.open();
  const first = await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const failures = [undefined, new Error("half done")];
  let jobs = 0;
  const { sync } = openSync(playground, {}, {
    clock,
    runJob: async (job, options) => {
      jobs++;
      const failure = failures.shift();
      if (failure) throw failure;
      return await runGitWorker(job, options);
    },
  });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  sync.startUpdates(1, () => Promise.resolve());
  await clock.untilSleeping();
  await playground.commit({ "a": "2" });
  await poll(clock, playground);
  assert.equal(jobs, 2);
  await playground.remote.git(repository, ["update-ref", "refs/heads/main", first]);
  await poll(clock, playground);
  assert.equal(jobs, 3);
});
