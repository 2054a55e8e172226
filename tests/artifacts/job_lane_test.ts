import assert from "node:assert/strict";
import { isAbort } from "../../src/base/errors.ts";
import { JobLane } from "../../src/artifacts/job_lane.ts";

const never = new AbortController().signal;

/** A job that runs until it is told to end. */
class Job {
  readonly #end = Promise.withResolvers<string>();
  readonly started = Promise.withResolvers<void>();
  isRunning = false;

  run = async (signal: AbortSignal): Promise<string> => {
    this.isRunning = true;
    this.started.resolve();
    signal.addEventListener("abort", () => this.#end.reject(signal.reason), { once: true });
    try {
      return await this.#end.promise;
    } finally {
      this.isRunning = false;
    }
  };

  end(result: string) {
    this.#end.resolve(result);
  }
}

Deno.test("JobLane: runs one job at a time, in order", async () => {
  const lane = new JobLane();
  const [first, second] = [new Job(), new Job()];
  const results = [lane.run(first.run, never, false), lane.run(second.run, never, false)];
  await first.started.promise;
  assert.equal(second.isRunning, false);
  first.end("1");
  await second.started.promise;
  assert.equal(first.isRunning, false);
  second.end("2");
  assert.deepEqual(await Promise.all(results), ["1", "2"]);
});

Deno.test("JobLane: sets aside what runs and what waits when a job overtakes", async () => {
  const lane = new JobLane();
  const [running, waiting, newest] = [new Job(), new Job(), new Job()];
  const aside = [lane.run(running.run, never, false), lane.run(waiting.run, never, true)];
  const both = Promise.allSettled(aside);
  const last = lane.run(newest.run, never, true);
  for (const result of await both) {
    assert(result.status === "rejected" && isAbort(result.reason));
  }
  await newest.started.promise;
  assert.equal(running.isRunning, false);
  newest.end("done");
  assert.equal(await last, "done");
});

Deno.test("JobLane: goes on after a job that failed", async () => {
  const lane = new JobLane();
  await assert.rejects(lane.run(() => Promise.reject(new Error("broken")), never, false), /broken/);
  assert.equal(await lane.run(() => Promise.resolve("next"), never, false), "next");
});

Deno.test("JobLane: lets a waiting job go at once but starts nothing beside a running one", async () => {
  const lane = new JobLane();
  const [running, waiting, next] = [new Job(), new Job(), new Job()];
  const first = lane.run(running.run, never, false);
  await running.started.promise;
  const abort = new AbortController();
  const second = lane.run(waiting.run, abort.signal, false);
  abort.abort();
  await assert.rejects(second, (error) => isAbort(error, abort.signal));
  const third = lane.run(next.run, never, false);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.deepEqual([running.isRunning, next.isRunning], [true, false]);
  running.end("1");
  await first;
  await next.started.promise;
  next.end("3");
  await third;
  await lane.idle();
});
