import assert from "node:assert/strict";
import { withDeadline } from "../../src/base/clock.ts";
import { AgentError } from "../../src/base/errors.ts";
import type { CheckoutDone, CheckoutJob } from "../../src/artifacts/git_job.ts";
import type { GitWorkerOptions } from "../../src/artifacts/git_worker_run.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";
import { done, encrypted, openSync, SilentServer, sourceFor } from "./sync_playground.ts";

const never = new AbortController().signal;
const intervalMs = 15_000;

/** Jobs that run until they are told to end or are cancelled. */
class HeldJobs {
  readonly running: string[] = [];
  most = 0;
  readonly #ends = new Map<string, PromiseWithResolvers<CheckoutDone>>();
  #changed = Promise.withResolvers<void>();

  runJob = async (job: CheckoutJob, options: GitWorkerOptions): Promise<CheckoutDone> => {
    const { timeoutMs, clock, signal } = options;
    const name = job.url.split("/").at(-1) ?? "";
    const end = Promise.withResolvers<CheckoutDone>();
    this.#ends.set(name, end);
    this.running.push(name);
    this.most = Math.max(this.most, this.running.length);
    this.#ring();
    try {
      const tooSlow = () => new AgentError("too slow", { kind: "limit" });
      return await withDeadline(end.promise, timeoutMs, tooSlow, clock, signal);
    } finally {
      this.running.splice(this.running.indexOf(name), 1);
      this.#ring();
    }
  };

  end(name: string) {
    this.#ends.get(name)?.resolve(done);
  }

  fail(name: string) {
    this.#ends.get(name)?.reject(new AgentError(`no ${name}`, { kind: "unavailable" }));
  }

  async untilRunning(...names: string[]) {
    while (this.running.toSorted().join() !== names.toSorted().join()) await this.#changed.promise;
  }

  #ring() {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Room for what would happen too early. */
async function pause() {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

function named(playground: Playground, tenantId: number, name: string) {
  return sourceFor(playground, { tenantId, repoUrl: playground.remote.url(name) });
}

peerTest(
  "ArtifactSync: runs three jobs at once, whatever the number of tenants",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const jobs = new HeldJobs();
    const { sync } = openSync(playground, { multiTenant: true }, { runJob: jobs.runJob });
    await using _ = sync;
    const checkOut = (tenantId: number, signal = never) =>
      sync.checkOut(named(playground, tenantId, `${tenantId}`), signal);
    const abort = new AbortController();
    const first = [1, 2, 3].map((tenantId) => checkOut(tenantId));
    await jobs.untilRunning("1.git", "2.git", "3.git");
    const given = checkOut(4, abort.signal);
    const last = checkOut(5);
    await pause();
    abort.abort();
    assert.deepEqual(await given, { kind: "cancelled" });
    // A newer source of a tenant that waits takes the place of the one before.
    const newest = sync.checkOut(named(playground, 5, "newest"), never);
    assert.deepEqual(await last, { kind: "cancelled" });
    await pause();
    assert.equal(jobs.most, 3);
    jobs.end("2.git");
    await jobs.untilRunning("1.git", "3.git", "newest.git");
    for (const name of ["1.git", "3.git", "newest.git"]) jobs.end(name);
    const outcomes = await Promise.all([...first, newest]);
    assert.deepEqual(outcomes.map(({ kind }) => kind), Array(4).fill("checkedOut"));
    assert.equal(jobs.most, 3);
  },
);

peerTest("ArtifactSync: counts a job's time from its own start", ["git"], async () => {
  await using playground = await Playground.open();
  const clock = new FakeClock();
  const jobs = new HeldJobs();
  const { sync } = openSync(playground, { multiTenant: true }, { clock, runJob: jobs.runJob });
  await using _ = sync;
  const outcomes = [1, 2, 3].map((id) => sync.checkOut(named(playground, id, `${id}`), never));
  await jobs.untilRunning("1.git", "2.git", "3.git");
  const late = sync.checkOut(named(playground, 4, "4"), never);
  await pause();
  await clock.advance(60_000);
  for (const outcome of outcomes) assert.equal((await outcome).kind, "failed");
  await jobs.untilRunning("4.git");
  await clock.advance(59_999);
  await pause();
  assert.deepEqual(jobs.running, ["4.git"]);
  await clock.advance(1);
  assert.deepEqual(await late, { kind: "failed", reason: "too slow", refused: false });
});

peerTest(
  "one tenant: another one's event waits, and its source stays when it works",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const jobs = new HeldJobs();
    const { sync, redactor } = openSync(playground, { cloneRetries: 1 }, { runJob: jobs.runJob });
    await using _ = sync;
    const hidden = (text: string) => redactor.redact(text) === "***";
    const of = (tenantId: number, name: string) =>
      sync.checkOut({
        ...named(playground, tenantId, name),
        repoPassword: encrypted(`word ${name}`),
      }, never);
    const own = of(1, "own");
    await jobs.untilRunning("own.git");
    const other = of(7, "other");
    await pause();
    assert.deepEqual(jobs.running, ["own.git"]);
    assert(hidden("word own") && hidden("word other"));
    jobs.end("own.git");
    assert.equal((await own).kind, "checkedOut");
    await jobs.untilRunning("other.git");
    jobs.end("other.git");
    assert.equal((await other).kind, "checkedOut");
    assert(!hidden("word own") && hidden("word other"));
    // Now it is the other's directory, until the configured tenant comes again.
    assert.equal((await sync.remove(1, never)).kind, "removed");
    const again = of(7, "again");
    await jobs.untilRunning("again.git");
    const back = of(1, "back");
    assert.deepEqual(await again, { kind: "cancelled" });
    await jobs.untilRunning("back.git");
    jobs.end("back.git");
    assert.equal((await back).kind, "checkedOut");
  },
);

peerTest("one tenant: another one's source that fails changes nothing", ["git"], async () => {
  await using playground = await Playground.open();
  await using silent = new SilentServer();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const allowedHosts = [playground.remote.address, silent.address];
  const config = { allowedHosts, cloneRetries: 1 };
  const { sync, log, redactor } = openSync(playground, config, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  const updated = Promise.withResolvers<void>();
  sync.startUpdates(1, () => updated.resolve());
  const bad = { ...named(playground, 7, "nosuch"), repoPassword: encrypted("other's word") };
  const outcome = await sync.checkOut(bad, never);
  assert.equal(outcome.kind, "failed");
  assert.match(log.text(), /warning .*stay those of tenant 1: the ones of 7 failed/);
  assert.equal(redactor.redact("other's word"), "other's word");
  // Whoever hears of a failure has the repository followed; it is not that tenant's.
  sync.startUpdates(7, () => Promise.reject(new Error("the other's listener")));
  await playground.commit({ "a": "2" });
  await clock.untilSleeping();
  await clock.advance(intervalMs);
  await updated.promise;
  assert.deepEqual(playground.files(), { "a": "2" });
  assert.doesNotMatch(log.text(), /listener/);
});

peerTest(
  "one tenant: only the latest of other tenants is tried, and none that left",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const jobs = new HeldJobs();
    const { sync } = openSync(playground, { cloneRetries: 1 }, { runJob: jobs.runJob });
    await using _ = sync;
    const own = sync.checkOut(named(playground, 1, "own"), never);
    await jobs.untilRunning("own.git");
    const others = [7, 8, 9].map((id) => sync.checkOut(named(playground, id, `${id}`), never));
    assert.deepEqual(await others[0], { kind: "cancelled" });
    assert.deepEqual(await others[1], { kind: "cancelled" });
    assert.deepEqual(await sync.remove(9, never), { kind: "removed", files: 0 });
    assert.deepEqual(await others[2], { kind: "cancelled" });
    assert.deepEqual(jobs.running, ["own.git"]);
    jobs.end("own.git");
    assert.equal((await own).kind, "checkedOut");
    const failing = sync.checkOut(named(playground, 7, "7"), never);
    await jobs.untilRunning("7.git");
    jobs.fail("7.git");
    assert.deepEqual(await failing, { kind: "failed", reason: "no 7.git", refused: false });
  },
);
