import { nextDelayMs, reconnectPolicy, type RetryPolicy } from "../base/retry.ts";

/** A connection that held for so long was a good one, in milliseconds. */
export const lastingMs = 10_000;

/**
 * After a failure that a repetition soon after will not change (wrong password, missing permission):
 * a few attempts a minute.
 */
export const patientPolicy: RetryPolicy = { firstMs: 20_000, maxMs: 30_000, minMs: 10_000 };

/** How one attempt to be connected ended. */
export type AttemptEnd =
  /** It never came to work; `lasting`: it will not work soon either. */
  | { readonly kind: "failed"; readonly lasting: boolean }
  /** It worked for so many milliseconds. */
  | { readonly kind: "lost"; readonly heldMs: number }
  /** The agent itself ended it, to connect anew at the same broker. */
  | { readonly kind: "renewed" };

/**
 * Which broker is tried next, and when. Pure apart from `random`.
 *
 * Brokers are tried in the configured order, one immediately after the other; when all have failed, a
 * new round begins after a back-off. A connection that held for {@link lastingMs} wipes out earlier
 * failures: after it the first broker is tried again, after a short random delay, so that the agents
 * of a restarted broker do not all come at once. One that held for less counts as a failed attempt:
 * a broker that accepts and drops must neither be hammered nor keep the agent from the others.
 */
export class AttemptSchedule {
  readonly #brokers: number;
  readonly #random: () => number;
  #index = 0;
  #failedRounds = 0;
  #lasting = false;

  /**
   * @param brokers How many there are, at least 1.
   * @param random A number in [0, 1), as `Math.random()`.
   */
  constructor(brokers: number, random: () => number) {
    this.#brokers = brokers;
    this.#random = random;
  }

  /** The broker to try, counted from 0. */
  get index(): number {
    return this.#index;
  }

  /**
   * Notes how the attempt at `index` ended and moves on.
   *
   * @returns Milliseconds until the next attempt.
   */
  after(end: AttemptEnd): number {
    if (end.kind === "renewed") return 0;
    if (end.kind === "lost" && end.heldMs >= lastingMs) {
      this.#index = 0;
      this.#failedRounds = 0;
      this.#lasting = false;
      return this.#delayMs(reconnectPolicy, 1);
    }
    if (end.kind === "failed" && end.lasting) this.#lasting = true;
    this.#index = (this.#index + 1) % this.#brokers;
    if (this.#index !== 0) return 0;
    this.#failedRounds++;
    const policy = this.#lasting ? patientPolicy : reconnectPolicy;
    this.#lasting = false;
    return this.#delayMs(policy, this.#failedRounds);
  }

  #delayMs(policy: RetryPolicy, failures: number): number {
    // Both policies go on for ever.
    return nextDelayMs(policy, failures, this.#random()) ?? policy.maxMs;
  }
}
