import type { Clock } from "../base/clock.ts";

/** How long a server may be silent, and who else may end a request. */
export interface IdleGuardOptions {
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Aborts a request whose server has been silent for too long. */
export class IdleGuard implements Disposable {
  readonly #abort = new AbortController();
  readonly #ended = new AbortController();
  readonly #options: IdleGuardOptions;
  /** Fires when the time is over, the request abandoned, or the caller's signal fires. */
  readonly signal: AbortSignal;
  /** Since when the server is waited for; `undefined` while whoever uses its answer is. */
  #sinceMs: number | undefined;

  constructor(options: IdleGuardOptions, error: () => Error) {
    this.#options = options;
    const own = this.#abort.signal;
    this.signal = options.signal ? AbortSignal.any([options.signal, own]) : own;
    // Rejects only when it is no longer wanted.
    this.#watch().then(() => this.#abort.abort(error()), () => {});
  }

  /** Waiting for the server begins, or begins anew. @returns Milliseconds, monotonic. */
  restart(): number {
    return this.#sinceMs = this.#options.clock.monotonicMs();
  }

  /** Not the server is waited for, but whoever uses its answer. @returns Milliseconds, monotonic. */
  pause(): number {
    this.#sinceMs = undefined;
    return this.#options.clock.monotonicMs();
  }

  /** Ends the request, whatever is still to come. */
  abandon(): void {
    this.#abort.abort(new DOMException("the answer is not wanted any more", "AbortError"));
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  /** One timer for all pieces: a new one for each costs as much as reading it. */
  async #watch(): Promise<void> {
    const { clock, idleTimeoutMs } = this.#options;
    for (let leftMs = idleTimeoutMs; leftMs > 0;) {
      await clock.sleep(leftMs, this.#ended.signal);
      const sinceMs = this.#sinceMs ?? clock.monotonicMs();
      leftMs = sinceMs + idleTimeoutMs - clock.monotonicMs();
    }
  }
}
