import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type CheckoutProgress, progressText } from "../git/progress_snapshot.ts";

/** Jobs that are over by then say nothing of their progress. */
const firstLineMs = 2_000;
const leastBetweenLinesMs = 5_000;

/** Tells people how far one job is, and keeps that for a status display. */
export class ProgressReport {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #url: string;
  #nextLineMs: number;
  #latest: CheckoutProgress | undefined;

  /** @param url Without credentials. */
  constructor(url: string, log: Log, clock: Pick<Clock, "monotonicMs">) {
    this.#url = url;
    this.#log = log;
    this.#clock = clock;
    this.#nextLineMs = clock.monotonicMs() + firstLineMs;
  }

  /** How far it is; `undefined` before anything was received or written. */
  get latest(): CheckoutProgress | undefined {
    return this.#latest;
  }

  /** The job has got so far. */
  take(progress: CheckoutProgress): void {
    this.#latest = progress;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextLineMs) return;
    this.#nextLineMs = nowMs + leastBetweenLinesMs;
    this.#log.info(`Checking out ${this.#url}: ${progressText(progress)}`, { ...progress });
  }
}
