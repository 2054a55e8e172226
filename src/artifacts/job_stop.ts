/**
 * How a job in another thread learns that it is not wanted any more. Ending the thread is not enough:
 * Deno lets a busy one go on for two seconds, and another job may follow in the same directories.
 */
export class JobStop {
  readonly #flag: Int32Array;

  /** @param shared For the other thread: {@link shared} of the first one. */
  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(4)) {
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
