import { systemClock } from "../../src/base/clock.ts";

const patienceMs = 60_000;

/** A counting process: see event_counter.ts. */
export class CountingProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: Record<string, unknown>[] = [];
  readonly #reading: Promise<void>;
  #wake = () => {};

  constructor(args: readonly string[]) {
    const script = new URL("event_counter.ts", import.meta.url).href;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        "--v8-flags=--max-semi-space-size=1",
        script,
        ...args,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
      this.#wake();
    }
    this.#wake();
  }

  /** The first line with that field, taken out. */
  async line(field: string): Promise<Record<string, unknown>> {
    const deadlineMs = performance.now() + patienceMs;
    while (true) {
      const at = this.#lines.findIndex((line) => field in line);
      if (at >= 0) return this.#lines.splice(at, 1)[0]!;
      if (performance.now() > deadlineMs) throw new Error(`the counter did not say "${field}"`);
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      await Promise.race([woken, systemClock.sleep(1_000)]);
    }
  }

  /** Drops what nobody asked for so far. */
  forget(): void {
    this.#lines.length = 0;
  }

  /** Ends it; what it said and nobody took. */
  async end(): Promise<readonly Record<string, unknown>[]> {
    await this.#child.stdin.close();
    await this.#reading;
    await this.#child.status;
    return this.#lines.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#child.status;
    await this.#reading;
  }
}
