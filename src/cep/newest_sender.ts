import type { ReceiverGroup } from "./receiver_group.ts";
import type { StreamEvent } from "./stream_definition.ts";

/**
 * Sends the newest of what it is given to one group of receivers.
 *
 * There is no queue behind it: what could not be sent is dropped when something newer is due, because a
 * stale health value that arrives later would be read as a current one.
 */
export class NewestSender {
  readonly #group: ReceiverGroup;
  #newest: readonly StreamEvent[] | undefined;
  #wake: () => void = () => {};
  #dropped = 0;

  constructor(group: ReceiverGroup) {
    this.#group = group;
  }

  /** Bundles that were never sent. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends this as soon as possible; an empty list is nothing to send. */
  put(events: readonly StreamEvent[]): void {
    this.drop();
    if (events.length === 0) return;
    this.#newest = events;
    this.#wake();
  }

  /** Forgets what has not been sent yet. */
  drop(): void {
    if (this.#newest) this.#dropped++;
    this.#newest = undefined;
  }

  /** Sends until the signal fires, and rejects with its reason then. */
  async run(signal: AbortSignal): Promise<never> {
    while (true) {
      await this.#filled(signal);
      const sent = await this.#group.deliver(() => this.#newest, signal);
      if (sent === this.#newest) this.#newest = undefined;
    }
  }

  #filled(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#newest) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      this.#wake = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
    });
  }
}
