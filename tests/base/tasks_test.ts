import assert from "node:assert/strict";
import { withDeadline } from "../../src/base/clock.ts";
import { TaskGroup } from "../../src/base/tasks.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

Deno.test("tasks: logs a failure once with the task's name", async () => {
  const log = memoryLog();
  const group = new TaskGroup(log, new FakeClock());
  await group.start("poll", () => Promise.reject(new Error("no answer")));
  assert.deepEqual(log.records.map(({ level, message }) => [level, message]), [
    ["error", "poll failed: no answer"],
  ]);
});

Deno.test("tasks: does not call the end by abort a failure", async () => {
  const log = memoryLog();
  const group = new TaskGroup(log, new FakeClock());
  void group.start("wait", untilAborted);
  assert.deepEqual(await group.close(1_000), []);
  assert.deepEqual(log.records, []);
});

Deno.test("tasks: names those that do not end in time", async () => {
  const clock = new FakeClock();
  const group = new TaskGroup(memoryLog(), clock);
  const stuck = Promise.withResolvers<void>();
  void group.start("stuck", () => stuck.promise);
  void group.start("wait", untilAborted);
  const closing = group.close(1_000);
  await clock.untilSleeping();
  await clock.advance(1_000);
  assert.deepEqual(await closing, ["stuck"]);
  stuck.resolve();
});

Deno.test("deadline: gives the result, the limit's error, or the signal's reason, whichever is first", async () => {
  const clock = new FakeClock();
  const never = new Promise<string>(() => {});
  const limit = () => new Error("limit");
  assert.equal(await withDeadline(Promise.resolve("done"), 10, limit, clock), "done");
  assert.equal(clock.sleeping, 0, "no timer is left");

  const late = withDeadline(never, 10, limit, clock);
  await Promise.all([assert.rejects(late, /limit/), clock.advance(10)]);

  const abort = new AbortController();
  const aborted = withDeadline(never, 10, limit, clock, abort.signal);
  abort.abort(new Error("told to"));
  await assert.rejects(aborted, /told to/);
  assert.equal(clock.sleeping, 0);
});
