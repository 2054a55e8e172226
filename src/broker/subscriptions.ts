import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextDelayMs, reconnectPolicy } from "../base/retry.ts";
import { abortable } from "./abortable.ts";
import { type GrantCode, type Link, refusedCode, type Subscription } from "./link.ts";

/** One filter and how far it has come on the connection at hand. */
interface Entry {
  readonly subscription: Subscription;
  granted: boolean;
  /** The refusal or the lower grant was logged. */
  said: boolean;
  readonly firstGrant: PromiseWithResolvers<void>;
}

/** What {@link Subscriptions} is built from. */
export interface SubscriptionsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** How long a SUBSCRIBE may stay unanswered, in milliseconds. */
  readonly acknowledgeTimeoutMs: number;
}

/** The filters that shall be subscribed, on whichever connection there is. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #entries = new Map<string, Entry>();
  #changed = Promise.withResolvers<void>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /**
   * Remembers filters from now on.
   *
   * @returns Resolves when the broker has granted all of them.
   */
  async add(subscriptions: readonly Subscription[]): Promise<void> {
    const grants = subscriptions.map((subscription) => {
      const known = this.#entries.get(subscription.filter);
      if (known?.subscription.qos === subscription.qos) return known.firstGrant.promise;
      const firstGrant = Promise.withResolvers<void>();
      // Whoever waits for the former entry is served by the new one; neither promise ever rejects.
      if (known) void firstGrant.promise.then(known.firstGrant.resolve);
      this.#entries.set(subscription.filter, {
        subscription,
        granted: false,
        said: false,
        firstGrant,
      });
      return firstGrant.promise;
    });
    this.#changed.resolve();
    await Promise.all(grants);
  }

  /**
   * Subscribes everything on a new connection, and what is added later; asks again, with back-off, for
   * what was refused. Goes on until the signal fires.
   *
   * @param onAnswered Called once the broker has answered for everything remembered, also with a refusal.
   * @throws AgentError when the broker does not answer in time or the connection ends.
   */
  async keep(link: Link, onAnswered: () => void, signal: AbortSignal): Promise<never> {
    for (const entry of this.#entries.values()) entry.granted = false;
    let answered = false;
    for (let refusals = 0;;) {
      this.#changed = Promise.withResolvers();
      const open = [...this.#entries.values()].filter((entry) => !entry.granted);
      const refused = open.length > 0 && await this.#ask(link, open, signal);
      if (!answered) {
        answered = true;
        onAnswered();
      }
      refusals = refused ? refusals + 1 : 0;
      await this.#pause(refusals, signal);
    }
  }

  /** Waits for a change or, after refusals, for the time to ask again. */
  async #pause(refusals: number, signal: AbortSignal): Promise<void> {
    if (refusals === 0) return await abortable(this.#changed.promise, signal);
    const { clock, random } = this.#options;
    const over = new AbortController();
    const delayMs = nextDelayMs(reconnectPolicy, refusals, random()) ?? reconnectPolicy.maxMs;
    const delay = clock.sleep(delayMs, AbortSignal.any([signal, over.signal]));
    try {
      await abortable(Promise.race([this.#changed.promise, delay]), signal);
    } finally {
      over.abort();
    }
  }

  /** Subscribes once. Returns whether something was refused. */
  async #ask(link: Link, open: readonly Entry[], signal: AbortSignal): Promise<boolean> {
    const filters = open.map(({ subscription }) => subscription.filter).join(", ");
    const limitMs = this.#options.acknowledgeTimeoutMs;
    const codes = await withDeadline(
      link.subscribe(open.map(({ subscription }) => subscription), signal),
      limitMs,
      () =>
        cannot("subscribe to", filters, `no acknowledgement in ${limitMs / 1000} s`, {
          kind: "unavailable",
          retryable: true,
        }),
      this.#options.clock,
      signal,
    );
    for (const [at, entry] of open.entries()) this.#note(entry, codes[at] ?? refusedCode);
    return open.some((entry) => !entry.granted);
  }

  #note(entry: Entry, code: GrantCode): void {
    const { filter, qos } = entry.subscription;
    if (code === refusedCode) {
      this.#sayOnce(entry, `Cannot subscribe to "${filter}": the broker refuses it`);
      return;
    }
    if (code < qos) {
      this.#sayOnce(
        entry,
        `Cannot subscribe to "${filter}" at QoS ${qos}: the broker grants QoS ${code} only, messages may get lost`,
      );
    } else entry.said = false;
    entry.granted = true;
    entry.firstGrant.resolve();
  }

  #sayOnce(entry: Entry, message: string): void {
    if (!entry.said) this.#options.log.error(message, { filter: entry.subscription.filter });
    entry.said = true;
  }
}
