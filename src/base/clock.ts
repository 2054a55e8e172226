/** Time as the agent sees it; tests hand in a fake one. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds that never jump back; only differences mean anything. */
  monotonicMs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when that fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    }),
};

/**
 * Waits for a promise, but not longer than a time limit.
 *
 * @param promise What is awaited; it is not cancelled when the limit passes.
 * @param limitMs Milliseconds.
 * @param onLimit Makes the error that is thrown when the limit passes.
 * @param signal Ends the wait with its reason.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  limitMs: number,
  onLimit: () => Error,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T> {
  const settled = new AbortController();
  const timerSignal = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal;
  const limit = clock.sleep(limitMs, timerSignal).then(
    () => Promise.reject(onLimit()),
    (reason) => signal?.aborted ? Promise.reject(reason) : new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, limit]);
  } finally {
    settled.abort();
  }
}
