/** A fixed number of jobs at a time; the others wait in the order they came. */
export class JobSlots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** @param count How many jobs may run at once. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Runs a job as soon as a place is free. A time limit inside of the job does not count the waiting.
   *
   * @param signal Ends the waiting at once; the job itself has to listen to it too.
   * @throws The signal's reason while it waits, else what the job throws.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const entered = Promise.withResolvers<void>();
    const enter = () => entered.resolve();
    const giveUp = () => {
      // Whoever was let in already gives the place back through `run`.
      if (this.#waiting.delete(enter)) entered.reject(signal.reason);
    };
    this.#waiting.add(enter);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await entered.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Hands the place to the one that waits for longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
