import assert from "node:assert/strict";
import { Lane, type LaneJob } from "../../src/lifecycle/lane.ts";
import { Lanes } from "../../src/lifecycle/lanes.ts";

interface Gate {
  readonly job: LaneJob;
  readonly open: () => void;
  readonly aborted: () => boolean;
}

function recorder(limit = 3) {
  const ran: string[] = [];
  const events: string[] = [];
  const lane = new Lane(limit, {
    onOverflow: () => events.push("overflow"),
    onEmpty: (dropped) => events.push(`empty, ${dropped} dropped`),
  });
  const job = (name: string, more: Partial<LaneJob> = {}): LaneJob => ({
    name,
    run: () => Promise.resolve(void ran.push(name)),
    ...more,
  });
  const gate = (name: string, more: Partial<LaneJob> = {}): Gate => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen: AbortSignal | undefined;
    const run = (signal: AbortSignal) => {
      seen = signal;
      ran.push(name);
      signal.addEventListener("abort", () => resolve());
      return promise;
    };
    return { job: { name, run, ...more }, open: resolve, aborted: () => seen?.aborted ?? false };
  };
  return { ran, events, lane, job, gate };
}

Deno.test("lane: runs jobs one at a time in the order in which they were added", async () => {
  const { ran, lane, job, gate } = recorder();
  const first = gate("first");
  lane.add(first.job);
  lane.add(job("second"));
  lane.add(job("third"));
  assert.deepEqual(ran, ["first"]);
  assert.equal(lane.depth, 3);
  first.open();
  await lane.idle();
  assert.deepEqual(ran, ["first", "second", "third"]);
});

Deno.test("lane: keeps the newest waiting job of a key, at the end of the queue", async () => {
  const { ran, lane, job, gate } = recorder();
  const first = gate("first");
  lane.add(first.job);
  lane.add(job("old", { key: "k" }));
  lane.add(job("between"));
  lane.add(job("new", { key: "k" }));
  first.open();
  await lane.idle();
  assert.deepEqual(ran, ["first", "between", "new"]);
});

Deno.test("lane: drops the oldest droppable jobs beyond the limit and says so once a burst", async () => {
  const { ran, events, lane, job, gate } = recorder(3);
  for (const burst of [1, 2]) {
    const first = gate("first");
    lane.add(first.job);
    lane.add(job("kept"));
    for (let n = 1; n <= 6; n++) lane.add(job(`d${n}`, { droppable: true }));
    first.open();
    await lane.idle();
    assert.deepEqual(ran.splice(0), ["first", "kept", "d4", "d5", "d6"], `burst ${burst}`);
  }
  assert.deepEqual(events, ["overflow", "empty, 3 dropped", "overflow", "empty, 3 dropped"]);
});

Deno.test("lane: aborts the running job and drops waiting ones when cancelled, but for what must run", async () => {
  const { ran, lane, job, gate } = recorder();
  const running = gate("running");
  lane.add(running.job);
  lane.add(job("dropped"));
  lane.add(job("written", { mustRun: true }));
  lane.cancel(new DOMException("overtaken", "AbortError"));
  lane.add(job("after"));
  await lane.idle();
  assert.ok(running.aborted());
  assert.deepEqual(ran, ["running", "written", "after"]);
});

Deno.test("lane: does not abort a running job that must run", async () => {
  const { lane, gate } = recorder();
  const writing = gate("writing", { mustRun: true });
  lane.add(writing.job);
  lane.cancel(new Error("overtaken"));
  assert.equal(writing.aborted(), false);
  writing.open();
  await lane.idle();
});

Deno.test("lanes: report what runs, for how long, and how much waits", async () => {
  let nowMs = 100;
  const lanes = new Lanes({ onOverflow: () => {}, onDropped: () => {} }, () => nowMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  lanes.add("topology", { name: "held", run: () => promise });
  lanes.add("topology", { name: "waits", run: () => Promise.resolve() });
  nowMs = 350;
  assert.deepEqual(lanes.reports, [
    { name: "topology", depth: 2, running: "held", runningMs: 250 },
  ]);
  resolve();
  await lanes.idle();
  assert.deepEqual(lanes.reports, []);
});
