import assert from "node:assert/strict";
import { AttemptSchedule } from "../../src/broker/attempt_schedule.ts";

const failed = { kind: "failed", lasting: false } as const;
const wrongPassword = { kind: "failed", lasting: true } as const;

Deno.test("attempt schedule: waits only after a whole round has failed, longer each time", () => {
  const schedule = new AttemptSchedule(3, () => 1);
  const delays: number[] = [];
  const indexes: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    indexes.push(schedule.index);
    delays.push(schedule.after(failed));
  }
  assert.deepEqual(indexes, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
  assert.deepEqual(delays, [0, 0, 1_000, 0, 0, 2_000, 0, 0, 4_000]);
});

Deno.test("attempt schedule: never waits longer than half a minute", () => {
  const schedule = new AttemptSchedule(1, () => 1);
  const delays = Array.from({ length: 200 }, () => schedule.after(failed));
  assert.equal(delays.at(-1), 30_000);
  assert.ok(delays.every((delay) => delay <= 30_000));
});

Deno.test("attempt schedule: makes two to six attempts a minute when a broker rejects the password", () => {
  const early = new AttemptSchedule(1, () => 0);
  const late = new AttemptSchedule(1, () => 0.999_999);
  for (let attempt = 0; attempt < 10; attempt++) {
    assert.ok(early.after(wrongPassword) >= 10_000);
    assert.ok(late.after(wrongPassword) <= 30_000);
  }
});

Deno.test("attempt schedule: is patient for the round when one of its brokers rejects the password", () => {
  const schedule = new AttemptSchedule(2, () => 0);
  assert.equal(schedule.after(wrongPassword), 0);
  assert.equal(schedule.after(failed), 10_000);
  assert.equal(schedule.after(failed), 0);
  assert.equal(schedule.after(failed), 100);
});

Deno.test("attempt schedule: begins at the first broker when a connection that lasted is lost", () => {
  const schedule = new AttemptSchedule(2, () => 1);
  schedule.after(failed);
  schedule.after(failed);
  schedule.after(failed);
  assert.equal(schedule.index, 1);
  assert.equal(schedule.after({ kind: "lost", heldMs: 10_000 }), 1_000);
  assert.equal(schedule.index, 0);
  schedule.after(failed);
  assert.equal(schedule.after(failed), 1_000, "earlier failures are forgotten");
});

Deno.test("attempt schedule: takes a connection that broke at once for a failure", () => {
  const schedule = new AttemptSchedule(2, () => 1);
  const broken = { kind: "lost", heldMs: 9_999 } as const;
  assert.equal(schedule.after(broken), 0);
  assert.equal(schedule.index, 1);
  assert.equal(schedule.after(broken), 1_000);
  schedule.after(broken);
  assert.equal(schedule.after(broken), 2_000);
});

Deno.test("attempt schedule: stays at the broker when the agent itself renews the connection", () => {
  const schedule = new AttemptSchedule(2, () => 1);
  schedule.after(failed);
  assert.equal(schedule.after({ kind: "renewed" }), 0);
  assert.equal(schedule.index, 1);
});
