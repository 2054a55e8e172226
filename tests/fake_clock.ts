import type { Clock } from "../src/base/clock.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until a test moves it.
 *
 * `advance` wakes sleepers in order of their time and lets everything they start settle in between.
 */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  readonly #sleepers = new Set<Sleeper>();
  #waiters: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + ms,
        wake: () => {
          signal?.removeEventListener("abort", abort);
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#sleepers.add(sleeper);
      const ready = this.#waiters.filter(({ holds }) => holds());
      this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
      for (const waiter of ready) waiter.resolve();
    });
  }

  /** How many sleeps are pending. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Resolves when at least `count` sleeps are pending. */
  untilSleeping(count = 1): Promise<void> {
    return this.#untilSleepers(() => this.#sleepers.size >= count);
  }

  /** Resolves when the next pending sleep is due in exactly so many milliseconds. */
  untilNextIn(ms: number): Promise<void> {
    return this.#untilSleepers(() => this.nextInMs === ms);
  }

  #untilSleepers(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ holds, resolve }));
  }

  /** Milliseconds until the next pending sleep is due, or `undefined` when nothing sleeps. */
  get nextInMs(): number | undefined {
    const due = [...this.#sleepers].map((sleeper) => sleeper.dueMs);
    return due.length === 0 ? undefined : Math.min(...due) - this.#nowMs;
  }

  /** Moves time forward, waking who is due on the way. */
  async advance(ms: number): Promise<void> {
    const target = this.#nowMs + ms;
    while (true) {
      await settle();
      const next = [...this.#sleepers].filter((sleeper) => sleeper.dueMs <= target)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
    }
    this.#nowMs = target;
    await settle();
  }
}

/** Lets promise chains that need no I/O run to their end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
