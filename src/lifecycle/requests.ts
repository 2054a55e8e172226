import type { Clock } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextDelayMs, type RetryPolicy } from "../base/retry.ts";
import { requestMessages } from "../events/status_event.ts";
import type { Requestable } from "./effect.ts";
import type { BrokerPort } from "./ports.ts";

/**
 * Every answer goes to all agents, and some platforms never answer but publish every minute anyway:
 * so the pauses grow to a minute.
 */
const repeatPolicy: RetryPolicy = { firstMs: 5_000, maxMs: 60_000, minMs: 2_500 };

/** Asks the platform for complete topology or tenants until an answer came. */
export class Requests {
  readonly #broker: BrokerPort;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #open = new Map<Requestable, AbortController>();

  constructor(broker: BrokerPort, log: Log, clock: Clock, random: () => number) {
    this.#broker = broker;
    this.#log = log;
    this.#clock = clock;
    this.#random = random;
  }

  /** Asks now and again later. Replaces an earlier request for the same. */
  async ask(what: Requestable, signal: AbortSignal): Promise<void> {
    this.answered(what);
    const asked = new AbortController();
    this.#open.set(what, asked);
    const either = AbortSignal.any([asked.signal, signal]);
    const { topic, payload } = requestMessages[what];
    try {
      for (let attempt = 1;; attempt++) {
        await this.#publish(topic, payload, either);
        const pauseMs = nextDelayMs(repeatPolicy, attempt, this.#random())!;
        await this.#clock.sleep(pauseMs, either);
        this.#log.debug(`No answer yet, asking again: ${topic}`);
      }
    } catch (error) {
      if (!asked.signal.aborted) throw error;
    } finally {
      if (this.#open.get(what) === asked) this.#open.delete(what);
    }
  }

  /** An answer came. */
  answered(what: Requestable): void {
    this.#open.get(what)?.abort();
    this.#open.delete(what);
  }

  async #publish(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#broker.publish(topic, payload, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#log.debug(`${topic} was not delivered: ${reasonOf(error)}`);
    }
  }
}
