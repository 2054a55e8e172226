import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import type { CheckoutJob } from "../../src/artifacts/git_job.ts";
import { permissionsOf, runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { WarmWorkers } from "../../src/artifacts/warm_workers.ts";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };

async function openPlayground(): Promise<Playground> {
  const playground = await Playground.openForWorkers();
  await playground.commit({ "a": "0" });
  return playground;
}

peerTest("warm worker: carries out the next job of the same permissions", ["git"], async () => {
  await using playground = await openPlayground();
  using warm = new WarmWorkers(new FakeClock());
  const permissions = permissionsOf(playground.job());
  let first: Worker | undefined;
  for (const content of ["1", "2", "3"]) {
    await playground.commit({ "a": content });
    await runGitWorker(playground.job(), { ...options, warm });
    assert.deepEqual(playground.files(), { "a": content });
    const kept = warm.take(permissions)?.worker;
    assert(kept);
    assert.equal(kept, first ??= kept);
    warm.keep(permissions, kept);
  }
});

peerTest("warm worker: serves nobody with other permissions", ["git"], async () => {
  await using playground = await openPlayground();
  using warm = new WarmWorkers(new FakeClock());
  await runGitWorker(playground.job(), { ...options, warm });
  const other = (changes: Partial<CheckoutJob>) => permissionsOf(playground.job(changes));
  assert.equal(warm.take(other({ url: "http://127.0.0.1:1/x.git" })), undefined);
  assert.equal(warm.take(other({ destination: "/elsewhere" })), undefined);
  assert.equal(warm.take(other({ backup: `${playground.app}_backup` })), undefined);
  assert.equal(warm.size, 1);
});

peerTest("warm worker: none is left by a job that failed", ["git"], async () => {
  await using playground = await openPlayground();
  using warm = new WarmWorkers(new FakeClock());
  await runGitWorker(playground.job(), { ...options, warm });
  assert.equal(warm.size, 1);
  const missing = playground.job({ url: playground.remote.url("missing") });
  await assert.rejects(runGitWorker(missing, { ...options, warm }), /404/);
  assert.equal(warm.size, 0);
});

peerTest("warm worker: none is left that holds more than 256 MiB", ["git"], async () => {
  await using playground = await openPlayground();
  const mebibyte = 1024 * 1024;
  let held = 100 * mebibyte;
  using warm = new WarmWorkers(new FakeClock(), () => held);
  const run = async (content: string, heldAfterwards: number) => {
    await playground.commit({ "a": content });
    const done = runGitWorker(playground.job(), { ...options, warm });
    held = heldAfterwards;
    await done;
    return warm.size;
  };
  assert.equal(await run("1", 150 * mebibyte), 1);
  // What counts is the growth since it started, over all its jobs.
  assert.equal(await run("2", 356 * mebibyte), 1);
  assert.equal(await run("3", 357 * mebibyte), 0);
  assert.equal(await run("4", 357 * mebibyte), 1);
});

peerTest(
  "warm worker: ends after a minute without work, and there are never many",
  ["git"],
  async () => {
    await using playground = await openPlayground();
    const clock = new FakeClock();
    using warm = new WarmWorkers(clock);
    const at = (count: number) =>
      playground.job({ stagingDirectories: [`${playground.root}/staging${count}`] });
    for (const count of [1, 2, 3, 4]) await runGitWorker(at(count), { ...options, warm });
    assert.equal(warm.size, 3);
    assert.equal(warm.take(permissionsOf(at(1))), undefined);
    await clock.advance(59_000);
    assert.equal(warm.size, 3);
    await clock.advance(1_000);
    assert.equal(warm.size, 0);
    assert.equal(clock.sleeping, 0);
  },
);
