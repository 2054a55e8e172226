import type { Clock } from "../base/clock.ts";

/**
 * Does something again and again, the first time after one interval.
 *
 * @param everyMs Milliseconds between the end of one time and the next.
 * @param signal Ends it; it then resolves, unless the work failed of itself.
 */
export async function repeat(
  work: () => Promise<void>,
  everyMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  try {
    while (true) {
      await clock.sleep(everyMs, signal);
      await work();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
