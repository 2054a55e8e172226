import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { ProgressMeter } from "../../src/git/progress_meter.ts";
import { ProgressReport } from "../../src/artifacts/progress_report.ts";
import { type CheckoutProgress, noProgress } from "../../src/git/progress_snapshot.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";
import { done, openSync, sourceFor } from "./sync_playground.ts";

Deno.test("ProgressMeter: says each phase at once, and else no more than five things a second", async () => {
  const clock = new FakeClock();
  const said: CheckoutProgress[] = [];
  const meter = new ProgressMeter((progress) => said.push(progress), clock);
  for (let object = 1; object <= 1_000; object++) {
    meter.received(object * 10, object, 1_000);
    await clock.advance(1);
  }
  assert.equal(said.length, 5);
  assert.deepEqual(said[0], { ...noProgress, bytes: 10, objects: 1, objectsTotal: 1_000 });
  meter.resolving(1_000);
  meter.written(1, 2);
  meter.written(2, 2);
  meter.publishing();
  assert.deepEqual(said.slice(5).map(({ phase }) => phase), ["resolving", "writing", "publishing"]);
  assert.deepEqual(said.at(-1), {
    phase: "publishing",
    bytes: 10_000,
    objects: 1_000,
    objectsTotal: 1_000,
    files: 2,
    filesTotal: 2,
  });
});

Deno.test("ProgressReport: says nothing of short jobs, and little of long ones", async () => {
  const clock = new FakeClock();
  const log = memoryLog("artifacts");
  const report = new ProgressReport("http://host/r.git", log, clock);
  assert.equal(report.latest, undefined);
  const progress = { ...noProgress, objects: 3, objectsTotal: 40, bytes: 1_500_000 };
  for (let at = 0; at < 1_900; at += 100) {
    report.take(progress);
    await clock.advance(100);
  }
  assert.equal(log.records.length, 0);
  assert.deepEqual(report.latest, progress);
  for (let at = 0; at < 10_000; at += 200) {
    await clock.advance(200);
    report.take(progress);
  }
  assert.equal(log.records.length, 2);
  assert.equal(
    log.records[0]?.message,
    "Checking out http://host/r.git: receiving objects, 3 of 40 so far, 1.5 MB",
  );
});

peerTest("progress: comes from a worker while it checks out", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit(
    Object.fromEntries(Array.from({ length: 50 }, (_, file) => [`f${file}`, `${file}`])),
  );
  await Deno.mkdir(playground.gitDirectory, { recursive: true });
  const said: CheckoutProgress[] = [];
  await runGitWorker(playground.job(), {
    timeoutMs: 60_000,
    clock: systemClock,
    signal: new AbortController().signal,
    onProgress: (progress) => said.push(progress),
  });
  const phases = [...new Set(said.map(({ phase }) => phase))];
  assert.deepEqual(phases.filter((phase) => phase !== "resolving"), [
    "receiving",
    "writing",
    "publishing",
  ]);
  const last = said.at(-1);
  assert.equal(last?.objectsTotal, 52);
  assert.equal(last?.filesTotal, 50);
});

peerTest("progress: is there to be shown while a tenant's checkout runs", ["git"], async () => {
  await using playground = await Playground.open();
  const shown: (CheckoutProgress | undefined)[] = [];
  const progress: CheckoutProgress = { ...noProgress, phase: "writing", files: 1, filesTotal: 3 };
  const { sync } = openSync(playground, {}, {
    runJob: (_, { onProgress }) => {
      shown.push(sync.progress(1));
      onProgress?.(progress);
      shown.push(sync.progress(1), sync.progress(2));
      return Promise.resolve(done);
    },
  });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), new AbortController().signal);
  shown.push(sync.progress(1));
  // In an application of one tenant the directory is one, whoever asks.
  assert.deepEqual(shown, [undefined, progress, progress, undefined]);
});
