/**
 * The one retry policy of the agent: exponential with full jitter.
 *
 * A policy is pure: it maps the number of failures so far to the next delay. Who retries decides
 * whether the failed thing can be repeated at all.
 */
export interface RetryPolicy {
  /** Upper bound of the first delay, in milliseconds. */
  readonly firstMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxMs: number;
  /** Smallest delay, in milliseconds. Default 0. */
  readonly minMs?: number;
  /** How many attempts in all; absent means for ever. */
  readonly attempts?: number;
}

/** For peers that will come back: 1 s to 30 s, for ever. */
export const reconnectPolicy: RetryPolicy = { firstMs: 1_000, maxMs: 30_000, minMs: 100 };

/**
 * The delay before the next attempt.
 *
 * @param policy The bounds.
 * @param failures How many attempts have failed so far, at least 1.
 * @param random A number in [0, 1), as `Math.random()`.
 * @returns Milliseconds, or `undefined` when the policy allows no further attempt.
 */
export function nextDelayMs(
  policy: RetryPolicy,
  failures: number,
  random: number,
): number | undefined {
  if (policy.attempts !== undefined && failures >= policy.attempts) return undefined;
  const ceiling = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(policy.minMs ?? 0, Math.round(ceiling * random));
}
