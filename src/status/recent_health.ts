import type { HealthStatus } from "./snapshot.ts";

/** One measurement. */
export interface HealthValues {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly memoryPercent?: number;
  readonly loadPercent?: number;
}

const hourMs = 3_600_000;
/** A sample every ten seconds; shorter intervals are thinned out. */
const mostSamples = 360;
const leastApartMs = hourMs / mostSamples;

/** Health values of the last hour, not more than one in ten seconds, and always the newest. */
export class RecentHealth {
  #samples: HealthValues[] = [];

  /** Adds a measurement. */
  add(sample: HealthValues): void {
    const before = this.#samples.at(-2);
    // The newest stays in sight; the one before it goes when it is too near to its own predecessor.
    if (before && this.#samples.at(-1)!.timeMs - before.timeMs < leastApartMs) this.#samples.pop();
    this.#samples.push(sample);
    const oldestMs = sample.timeMs - hourMs;
    const first = this.#samples.findIndex(({ timeMs }) => timeMs >= oldestMs);
    this.#samples.splice(0, Math.max(first, this.#samples.length - mostSamples - 2, 0));
  }

  /** Oldest first. */
  get samples(): HealthStatus["samples"] {
    return this.#samples.map(({ timeMs, memoryPercent, loadPercent }) => ({
      at: new Date(timeMs).toISOString(),
      ...(memoryPercent === undefined ? {} : { memoryPercent }),
      ...(loadPercent === undefined ? {} : { loadPercent }),
    }));
  }
}
