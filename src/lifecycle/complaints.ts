import type { Clock } from "../base/clock.ts";

const pauseMs = 60_000;
/** So many different complaints are told apart; more share one count. */
const mostSubjects = 100;

interface Complaint {
  readonly sinceMs: number;
  repeated: number;
}

/**
 * Keeps a flood of the same complaint from washing everything else out of the logs: one line a minute
 * for each subject, with a count of what was left out.
 */
export class Complaints {
  readonly #clock: Clock;
  readonly #known = new Map<string, Complaint>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether to say it now.
   *
   * @returns Undefined when not; otherwise how often it was left out since it was said last.
   */
  say(subject: string): { readonly leftOut: number } | undefined {
    const key = this.#known.has(subject) || this.#known.size < mostSubjects ? subject : "others";
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(key);
    if (known && nowMs - known.sinceMs < pauseMs) {
      known.repeated++;
      return undefined;
    }
    this.#known.set(key, { sinceMs: nowMs, repeated: 0 });
    return { leftOut: known?.repeated ?? 0 };
  }
}
