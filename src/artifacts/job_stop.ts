/**
 * How a job in another thread learns that it is not wanted any more. Ending the thread is not enough:
 * Deno lets a busy one go on for two seconds, and another job may follow in the same directories.
 */
export class JobStop {
  /** What the other thread makes one of that hears of this. */
  readonly shared: SharedArrayBuffer;
  readonly #flag: Int32Array;

  constructor(shared = new SharedArrayBuffer(4)) {
    this.shared = shared;
    this.#flag = new Int32Array(shared);
  }

  /** The job is not wanted any more. */
  request(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  /** @throws An AbortError when the job is not wanted any more. */
  readonly assertWanted = (): void => {
    if (Atomics.load(this.#flag, 0) === 0) return;
    throw new DOMException("the job is not wanted any more", "AbortError");
  };
}
