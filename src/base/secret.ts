const hidden = "***";

/**
 * A value that must never be shown: it prints as `***` however it is printed.
 *
 * Call {@link Secret.open} on the last line before the value is used, and keep the result nowhere.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. */
  open(): string {
    return this.#value;
  }

  /** `***`, also in template strings. */
  toString(): string {
    return hidden;
  }

  /** `***`, in JSON. */
  toJSON(): string {
    return hidden;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return hidden;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return hidden;
  }
}
