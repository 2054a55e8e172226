/** Things that arrive, to be awaited one by one; fails a test that waits in vain. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #waiting: ((item: T) => void)[] = [];

  /** Puts one in. */
  readonly push = (item: T): void => {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  };

  /** Those that nobody has taken. */
  get pending(): readonly T[] {
    return this.#items;
  }

  /** Takes the next one. */
  async next(limitMs = 20_000): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return item;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.push(resolve);
        timer = setTimeout(() => {
          this.#waiting = this.#waiting.filter((each) => each !== resolve);
          reject(new Error(`nothing arrived within ${limitMs} ms`));
        }, limitMs);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes until one fits. */
  async find(fits: (item: T) => boolean, limitMs = 20_000): Promise<T> {
    const startMs = performance.now();
    const passed: string[] = [];
    try {
      while (true) {
        const item = await this.next(Math.max(0, startMs + limitMs - performance.now()));
        if (fits(item)) return item;
        passed.push(
          `${Math.round(performance.now() - startMs)} ms: ${
            Deno.inspect(item, { breakLength: 2000, compact: true })
          }`,
        );
      }
    } catch (error) {
      const last = passed.slice(-5).join("\n");
      throw new Error(`nothing that fits arrived; the last of ${passed.length} others:\n${last}`, {
        cause: error,
      });
    }
  }
}
