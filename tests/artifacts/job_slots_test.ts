import assert from "node:assert/strict";
import { isAbort } from "../../src/base/errors.ts";
import { JobSlots } from "../../src/artifacts/job_slots.ts";

const never = new AbortController().signal;

/** Jobs that run until they are told to end, in the order they started. */
class Jobs {
  readonly running: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();

  work = (name: string) => async () => {
    this.running.push(name);
    const end = Promise.withResolvers<string>();
    this.#ends.set(name, end);
    try {
      return await end.promise;
    } finally {
      this.running.splice(this.running.indexOf(name), 1);
    }
  };

  end(name: string) {
    this.#ends.get(name)?.resolve(name);
  }

  fail(name: string) {
    this.#ends.get(name)?.reject(new Error(name));
  }
}

async function turns() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("JobSlots: runs so many at once, the others in the order they came", async () => {
  const slots = new JobSlots(2);
  const jobs = new Jobs();
  const results = ["a", "b", "c", "d"].map((name) => slots.run(jobs.work(name), never));
  await turns();
  assert.deepEqual(jobs.running, ["a", "b"]);
  jobs.end("b");
  await turns();
  assert.deepEqual(jobs.running, ["a", "c"]);
  jobs.fail("a");
  await assert.rejects(results[0] ?? Promise.resolve(), /^Error: a$/);
  await turns();
  assert.deepEqual(jobs.running, ["c", "d"]);
  jobs.end("c");
  jobs.end("d");
  assert.deepEqual(await Promise.all(results.slice(1)), ["b", "c", "d"]);
});

Deno.test("JobSlots: lets a waiting job go at once, and its place to the next", async () => {
  const slots = new JobSlots(1);
  const jobs = new Jobs();
  const abort = new AbortController();
  const first = slots.run(jobs.work("a"), never);
  const given = slots.run(jobs.work("b"), abort.signal);
  const last = slots.run(jobs.work("c"), never);
  await turns();
  abort.abort();
  await assert.rejects(given, (error) => isAbort(error, abort.signal));
  await assert.rejects(slots.run(jobs.work("d"), abort.signal), (error) => isAbort(error));
  jobs.end("a");
  await first;
  await turns();
  assert.deepEqual(jobs.running, ["c"]);
  jobs.end("c");
  await last;
});

Deno.test("JobSlots: loses no place to a job that is let in and cancelled at once", async () => {
  const slots = new JobSlots(1);
  const jobs = new Jobs();
  const abort = new AbortController();
  const first = slots.run(jobs.work("a"), never);
  await turns();
  const second = slots.run(jobs.work("b"), abort.signal);
  // Its turn comes first, then the abort, both before it goes on.
  void first.finally(() => abort.abort());
  jobs.end("a");
  await assert.rejects(second, (error) => isAbort(error, abort.signal));
  const third = slots.run(jobs.work("c"), never);
  await turns();
  assert.deepEqual(jobs.running, ["c"]);
  jobs.end("c");
  assert.equal(await third, "c");
});
