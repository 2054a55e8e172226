import type { Clock } from "../base/clock.ts";
import type { StatusSnapshot } from "./snapshot.ts";

const leastApartMs = 200;

interface Made {
  readonly value: StatusSnapshot;
  readonly madeMs: number;
  readonly revision: number;
  text?: string;
}

/** A snapshot and its text for all who ask within 200 ms: many clients cost what one does. */
export class SharedSnapshot {
  readonly #make: () => StatusSnapshot;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #revisionOf: () => number;
  #last: Made | undefined;

  /** @param revisionOf The number of the last change of the journal. */
  constructor(
    make: () => StatusSnapshot,
    clock: Pick<Clock, "monotonicMs">,
    revisionOf: () => number,
  ) {
    this.#make = make;
    this.#clock = clock;
    this.#revisionOf = revisionOf;
  }

  /** Not older than 200 ms. */
  get value(): StatusSnapshot {
    return this.#fresh().value;
  }

  /** The same as JSON, on one line. */
  get text(): string {
    const fresh = this.#fresh();
    return fresh.text ??= JSON.stringify(fresh.value);
  }

  /** The text, and the last change of the journal that is in it. */
  get numbered(): { readonly text: string; readonly revision: number } {
    return { text: this.text, revision: this.#fresh().revision };
  }

  #fresh(): Made {
    const nowMs = this.#clock.monotonicMs();
    if (this.#last && nowMs - this.#last.madeMs < leastApartMs) return this.#last;
    return this.#last = { value: this.#make(), madeMs: nowMs, revision: this.#revisionOf() };
  }
}
