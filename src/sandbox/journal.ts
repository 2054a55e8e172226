import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";

/** How long {@link Journal.until} waits, and from where on. */
export interface WaitLimits {
  /** Milliseconds. Default 20,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The first entry that counts, as {@link Journal.length} once said. Default 0: from the start. */
  readonly from?: number;
}

interface Waiter<Entry> {
  readonly from: number;
  readonly matches: (entry: Entry) => boolean;
  readonly resolve: (entry: Entry) => void;
}

/** What happened, in order, and a way to wait for what has not happened yet. */
export class Journal<Entry> {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #entries: Entry[] = [];
  readonly #waiters = new Set<Waiter<Entry>>();
  #added = 0;

  /**
   * @param limit How many entries are kept; later ones still wake who waits for them.
   */
  constructor(clock: Clock, limit = 10_000) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** What was kept so far. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** How many entries were added so far. */
  get length(): number {
    return this.#added;
  }

  /** Keeps an entry and wakes who waits for it. */
  add(entry: Entry): void {
    if (this.#entries.length < this.#limit) this.#entries.push(entry);
    const index = this.#added++;
    for (const waiter of [...this.#waiters]) {
      if (index < waiter.from || !waiter.matches(entry)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(entry);
    }
  }

  /**
   * The first entry that matches, now or later.
   *
   * @param what What is waited for, for the error.
   * @throws AgentError `limit` when the time is over; the signal's reason when that fires first.
   */
  async until(
    what: string,
    matches: (entry: Entry) => boolean,
    { timeoutMs = 20_000, signal, from = 0 }: WaitLimits = {},
  ): Promise<Entry> {
    signal?.throwIfAborted();
    const past = this.#entries.slice(from).find(matches);
    if (past !== undefined) return past;
    const { promise, resolve } = Promise.withResolvers<Entry>();
    const waiter = { from, matches, resolve };
    this.#waiters.add(waiter);
    const over = () =>
      new AgentError(`Cannot see "${what}": it did not happen within ${timeoutMs} ms`, {
        kind: "limit",
      });
    try {
      return await withDeadline(promise, timeoutMs, over, this.#clock, signal);
    } finally {
      this.#waiters.delete(waiter);
    }
  }
}
