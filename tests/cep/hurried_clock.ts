import { type Clock, systemClock } from "../../src/base/clock.ts";

/** The real clock, so many times faster: intervals, limits and back-off keep their proportions. */
export function hurriedClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonicMs: () => systemClock.monotonicMs() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
