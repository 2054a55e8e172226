import assert from "node:assert/strict";
import { startPattern } from "../../src/followers/log_start_pattern.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

const line = (text: string) => new TextEncoder().encode(text);

Deno.test("start pattern: tells lines that start a message, also of bytes that are no UTF-8", () => {
  const starts = startPattern("^\\d{4}-|^ü", memoryLog(), new FakeClock())!;
  assert.deepEqual(
    ["2026-01-01 x", "\tat y", "über", ""].map((text) => starts(line(text))),
    [true, false, true, false],
  );
  assert.equal(starts(new Uint8Array([0xff, 0x32])), false);
  assert.equal(startPattern(undefined, memoryLog(), new FakeClock()), undefined);
});

Deno.test("start pattern: is given up with one warning once a match takes more than 50 ms", () => {
  const log = memoryLog();
  let [nowMs, stepMs] = [0, 50];
  const clock = Object.assign(new FakeClock(), { monotonicMs: () => nowMs += stepMs });
  const starts = startPattern("^x", log, clock)!;
  assert.equal(starts(line("y")), false);
  assert.equal(log.text(), "");
  stepMs = 51;
  starts(line("y"));
  assert.equal(starts(line("y")), true);
  starts(line("y"));
  assert.equal(log.records.length, 1);
  assert.match(log.text(), /warning .*multiline.start is too slow/);
});
