import assert from "node:assert/strict";
import type { RemovalJob } from "../../src/artifacts/git_job.ts";
import type { MainMessage, WorkerMessage } from "../../src/artifacts/git_worker_messages.ts";
import { GivenOrder } from "../../src/artifacts/given_order.ts";
import { JobStop } from "../../src/artifacts/job_stop.ts";
import { FakeClock } from "../fake_clock.ts";

/** The main side of a worker that does what the test says. */
class FakeWorker {
  readonly heard: MainMessage[] = [];
  isTerminated = false;
  onmessage: ((event: MessageEvent<WorkerMessage<string>>) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;

  postMessage(message: MainMessage): void {
    this.heard.push(message);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(data: WorkerMessage<string>, ports: readonly MessagePort[] = []): void {
    this.onmessage?.({ data, ports } as MessageEvent<WorkerMessage<string>>);
  }

  breakDown(message: string): void {
    this.onerror?.(new ErrorEvent("error", { message, cancelable: true }));
  }
}

const order = { kind: "remove", job: {} as RemovalJob } as const;
const done = { kind: "done", result: "r" } as const;

function given(changes: { readonly second?: FakeWorker } = {}) {
  const [worker, started, clock] = [new FakeWorker(), new FakeWorker(), new FakeClock()];
  const given = new GivenOrder<string>({
    worker: worker as unknown as Worker,
    second: changes.second as unknown as Worker | undefined,
    startSecond: () => started as unknown as Worker,
    onBroken: (reason) => new Error(`broken: ${reason}`),
    clock,
  });
  return { given, worker, started, clock };
}

Deno.test("given order: the answer is the worker's", async () => {
  const { given: wanted, worker } = given();
  const answer = wanted.give(order);
  worker.say(done);
  assert.deepEqual(await answer, done);
  assert.equal(worker.heard.length, 1);
});

Deno.test("given order: fails with a worker that breaks down, and ends at once", async () => {
  const { given: broken, worker, clock } = given();
  const answer = broken.give(order);
  worker.breakDown("out of memory");
  await assert.rejects(answer, /^Error: broken: out of memory$/);
  await broken.end();
  assert(worker.isTerminated);
  assert.equal(clock.sleeping, 0);
});

Deno.test("given order: does without a second worker that breaks down", async () => {
  for (const isWarm of [true, false]) {
    const warm = new FakeWorker();
    const { given: helped, worker, started } = given(isWarm ? { second: warm } : {});
    const second = isWarm ? warm : started;
    const answer = helped.give(order);
    const { port1, port2 } = new MessageChannel();
    if (!isWarm) worker.say({ kind: "secondWanted" }, [port2]);
    assert.equal(helped.second as unknown, second);
    second.breakDown("out of memory");
    assert(second.isTerminated);
    assert.equal(helped.second, undefined);
    assert.deepEqual(worker.heard.at(-1), { kind: "secondGone" });
    worker.say(done);
    assert.deepEqual(await answer, done);
    port1.close();
    port2.close();
  }
});

Deno.test("given order: ends when the job has, which hears of it however busy it is", async () => {
  const second = new FakeWorker();
  const { given: unwanted, worker, clock } = given({ second });
  void unwanted.give(order);
  const [heard] = worker.heard;
  assert(heard && "job" in heard && heard.stop);
  const stop = new JobStop(heard.stop);
  stop.assertWanted();
  const ended = unwanted.end();
  assert.throws(stop.assertWanted, { name: "AbortError" });
  assert.deepEqual(worker.heard.at(-1), { kind: "stop" });
  assert.equal(worker.isTerminated, false);
  worker.say(done);
  await ended;
  assert(worker.isTerminated && second.isTerminated);
  assert.equal(clock.sleeping, 0);
});

Deno.test("given order: waits out a worker that is too busy to hear", async () => {
  const { given: unwanted, worker, clock } = given();
  void unwanted.give(order);
  let hasEnded = false;
  const ended = unwanted.end().then(() => hasEnded = true);
  await clock.advance(999);
  assert.equal(worker.isTerminated, false);
  await clock.advance(1);
  assert(worker.isTerminated);
  assert.equal(hasEnded, false);
  await clock.advance(2_100);
  await ended;
  assert.equal(clock.sleeping, 0);
});

Deno.test("given order: does not wait for a worker that waits for something", async () => {
  const { given: unwanted, worker, clock } = given();
  void unwanted.give(order);
  const ended = unwanted.end();
  worker.say({ kind: "stopping" });
  await clock.advance(1_000);
  assert.equal(worker.isTerminated, false);
  assert.deepEqual(worker.heard.slice(1), [{ kind: "stop" }, { kind: "stop" }]);
  worker.say({ kind: "stopping" });
  await ended;
  assert(worker.isTerminated);
  assert.equal(clock.sleeping, 0);
});

Deno.test("given order: waits for a worker that cleans up when it has heard of its end", async () => {
  for (const comesToAnEnd of [true, false]) {
    const { given: unwanted, worker, clock } = given();
    void unwanted.give(order);
    let hasEnded = false;
    const ended = unwanted.end().then(() => hasEnded = true);
    worker.say({ kind: "stopping" });
    await clock.advance(1_000);
    await clock.advance(2_099);
    assert.deepEqual([worker.isTerminated, hasEnded], [false, false]);
    if (comesToAnEnd) worker.say(done);
    else {
      await clock.advance(1);
      assert.deepEqual([worker.isTerminated, hasEnded], [true, false]);
      await clock.advance(2_100);
    }
    await ended;
    assert(worker.isTerminated);
    assert.equal(clock.sleeping, 0);
  }
});
