import type { Clock } from "../base/clock.ts";
import { AgentError, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextDelayMs, reconnectPolicy, type RetryPolicy } from "../base/retry.ts";

/** `up`: the last call worked; `unreachable`: no connection or no answer; `refusing`: it says no. */
export type ReceiverState = "untried" | "up" | "unreachable" | "refusing";

/** What is counted. */
interface Counts {
  /** Bundles and events that the receiver confirmed. */
  readonly bundles: number;
  readonly events: number;
  /** Attempts that failed since the start. */
  readonly failures: number;
  readonly connections: number;
  readonly logins: number;
}

/** Counters and state, for the status. */
export interface ReceiverStatus extends Counts {
  /** `host:port`. */
  readonly receiver: string;
  readonly state: ReceiverState;
  /** Why the last attempt failed, while it is not up. */
  readonly lastError?: string;
}

/** What a status display shows of a receiver; a copy. */
export interface ReceiverSnapshot {
  readonly host: string;
  readonly port: number;
  readonly state: ReceiverState;
  /** Milliseconds since the login; absent while there is no session. */
  readonly sessionAgeMs?: number;
  /** Events that the receiver confirmed. */
  readonly sent: number;
  /** Attempts that failed since the start. */
  readonly failed: number;
  /** Why the last attempt failed, while it is not up. */
  readonly lastError?: string;
}

/**
 * How a receiver has fared, and when it may be tried again: 1 s to 30 s with full jitter, for ever.
 *
 * Writes one log line per change of state, so that a receiver that is away for a week does not fill the
 * log.
 */
export class ReceiverRecord {
  readonly #receiver: string;
  readonly #options: {
    readonly log: Log;
    readonly clock: Clock;
    readonly random: () => number;
    readonly backOff?: RetryPolicy;
  };
  #state: ReceiverState = "untried";
  #lastError: string | undefined;
  #failuresInRow = 0;
  #readyAtMs = 0;
  readonly #counts: { -readonly [C in keyof Counts]: number } = {
    bundles: 0,
    events: 0,
    failures: 0,
    connections: 0,
    logins: 0,
  };

  constructor(
    receiver: string,
    options: {
      readonly log: Log;
      readonly clock: Clock;
      readonly random: () => number;
      readonly backOff?: RetryPolicy;
    },
  ) {
    this.#receiver = receiver;
    this.#options = options;
  }

  /** A snapshot. */
  get status(): ReceiverStatus {
    return {
      receiver: this.#receiver,
      state: this.#state,
      ...this.#counts,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  /** Milliseconds until the back-off allows the next attempt; 0 means now. */
  get waitMs(): number {
    return Math.max(0, this.#readyAtMs - this.#options.clock.monotonicMs());
  }

  /** Counts what worked. */
  count(what: Exclude<keyof Counts, "failures">, howMany: number): void {
    this.#counts[what] += howMany;
  }

  /** An attempt succeeded. */
  worked(): void {
    if (this.#state !== "up") {
      const failed = this.#failuresInRow;
      this.#options.log.info(
        failed === 0
          ? `receiver ${this.#receiver}: connected and logged in`
          : `receiver ${this.#receiver}: works again after ${failed} failed attempts`,
        { receiver: this.#receiver },
      );
    }
    this.#state = "up";
    this.#lastError = undefined;
    this.#failuresInRow = 0;
    this.#readyAtMs = 0;
  }

  /** An attempt failed; the back-off starts. */
  failed(error: unknown): void {
    const { log, clock, random, backOff = reconnectPolicy } = this.#options;
    this.#counts.failures++;
    this.#failuresInRow++;
    const delayMs = nextDelayMs(backOff, this.#failuresInRow, random()) ?? 0;
    this.#readyAtMs = clock.monotonicMs() + delayMs;
    const isAway = !(error instanceof AgentError) || error.kind === "unavailable";
    const state = isAway ? "unreachable" : "refusing";
    this.#lastError = reasonOf(error);
    const message = `receiver ${this.#receiver}: ${this.#lastError}`;
    const facts = { receiver: this.#receiver, delayMs };
    if (state !== this.#state) log.warning(`${message}; trying again until it works`, facts);
    else log.debug(message, facts);
    this.#state = state;
  }
}
