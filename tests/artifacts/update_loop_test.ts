import assert from "node:assert/strict";
import { runUpdateLoop } from "../../src/artifacts/update_loop.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

/** A loop whose polls do what a list says, one after the other. */
function loop(
  polls: (() => Promise<boolean> | boolean)[],
  onUpdate: () => Promise<void> = () => Promise.resolve(),
) {
  const clock = new FakeClock();
  const log = memoryLog();
  const abort = new AbortController();
  const times: number[] = [];
  const ended = runUpdateLoop({
    update: async () => {
      times.push(clock.monotonicMs());
      return await (polls.shift() ?? (() => false))();
    },
    onUpdate,
    intervalMs: 15_000,
    log,
    clock,
    random: () => 0.5,
  }, abort.signal).catch((error) => {
    if (error !== abort.signal.reason) throw error;
  });
  const stop = async () => {
    abort.abort();
    await ended;
  };
  return { clock, log, times, stop };
}

Deno.test("update loop: polls every interval and tells of changes only", async () => {
  let updates = 0;
  const { clock, times, stop } = loop([() => false, () => true, () => false], () => {
    updates++;
    return Promise.resolve();
  });
  await clock.advance(50_000);
  assert.deepEqual(times, [15_000, 30_000, 45_000]);
  assert.equal(updates, 1);
  await stop();
});

Deno.test("update loop: waits for the listener before it polls again", async () => {
  const listened = Promise.withResolvers<void>();
  const { clock, times, stop } = loop([() => true], () => listened.promise);
  await clock.advance(100_000);
  assert.deepEqual(times, [15_000]);
  listened.resolve();
  await clock.advance(15_000);
  assert.equal(times.length, 2);
  await stop();
});

Deno.test("update loop: ends although a listener waits for its end", async () => {
  const { clock, stop } = loop([() => true], () => new Promise(() => {}));
  await clock.advance(20_000);
  await stop();
});

Deno.test("update loop: goes on after a listener that failed", async () => {
  const { clock, log, times, stop } = loop([() => true], () => Promise.reject(new Error("script")));
  await clock.advance(31_000);
  assert.equal(times.length, 2);
  assert.match(log.text(), /^error test What follows an update failed: script$/);
  await stop();
});

Deno.test("update loop: says a failure once, backs off, and says when it is over", async () => {
  const fail = (reason: string) => () => Promise.reject(new Error(reason));
  const down = fail("connection refused");
  const { clock, log, times, stop } = loop([down, down, down, fail("401"), () => false]);
  await clock.advance(600_000);
  assert.deepEqual(log.records.map(({ level, message }) => [level, message]), [
    ["warning", "The repository cannot be followed: connection refused"],
    ["warning", "The repository cannot be followed: 401"],
    ["info", "The repository can be followed again"],
  ]);
  const pauses = times.slice(1, 5).map((time, index) => time - (times[index] ?? 0));
  assert.deepEqual(pauses, [15_000, 30_000, 60_000, 120_000]);
  assert.equal((times[6] ?? 0) - (times[5] ?? 0), 15_000);
  await stop();
});

Deno.test("update loop: is silent about a poll that a checkout set aside", async () => {
  const aside = () => Promise.reject(new DOMException("newer", "AbortError"));
  const { clock, log, times, stop } = loop([aside, aside]);
  await clock.advance(50_000);
  assert.equal(times.length, 3);
  assert.equal(log.text(), "");
  await stop();
});
