/** One job at a time, in the order they came; a checkout sets aside whatever runs or waits. */
export class JobLane {
  /** Settles when no job that came so far is running. */
  #idle: Promise<unknown> = Promise.resolve();
  readonly #jobs = new Set<AbortController>();

  /**
   * Runs a job after those before it have ended.
   *
   * @param work Ends soon when its signal fires.
   * @param overtakes Aborts the jobs before it.
   * @throws An AbortError when it was overtaken, the signal's reason when that fired, else what the
   *   job throws.
   */
  async run<T>(
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    overtakes: boolean,
  ): Promise<T> {
    if (overtakes) { for (const job of this.#jobs) job.abort(overtaken()); }
    const own = new AbortController();
    this.#jobs.add(own);
    const all = AbortSignal.any([signal, own.signal]);
    const before = this.#idle;
    const job = (async () => {
      await settledOrAborted(before, all);
      return await work(all);
    })();
    // An aborted job may end before those it waited for.
    this.#idle = Promise.allSettled([before, job]);
    try {
      return await job;
    } finally {
      this.#jobs.delete(own);
    }
  }

  /** Resolves when the jobs that came so far have ended. */
  async idle(): Promise<void> {
    await this.#idle;
  }
}

async function settledOrAborted(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  await Promise.race([before, aborted.promise]);
  signal.removeEventListener("abort", abort);
  signal.throwIfAborted();
}

function overtaken() {
  return new DOMException("a newer checkout takes its place", "AbortError");
}
