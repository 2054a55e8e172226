import { type Redact, shownLine } from "./shown_line.ts";
import type { ExtensionStatus } from "./snapshot.ts";

/** One run that has ended. */
export interface ExtensionRun {
  readonly event: string;
  /** Path below the extensions folder, or `modules/<name>`. */
  readonly script: string;
  readonly status: number | "timed-out" | "cancelled" | "refused";
  readonly ms: number;
  /** The last lines of output. */
  readonly output: readonly string[];
}

/** Scripts and modules are few; more than these come from nobody's catalogue. */
const mostScripts = 200;

/** The last run of each script and module. */
export class ExtensionRecord {
  readonly #redact: Redact;
  /** The one that ran last is the last. */
  readonly #last = new Map<string, ExtensionStatus>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** A run has ended. */
  add({ event, script, status, ms, output }: ExtensionRun, atMs: number): void {
    const key = `${event} ${script}`;
    const before = this.#last.get(key);
    this.#last.delete(key);
    this.#last.set(key, {
      event,
      script: shownLine(script, this.#redact),
      at: new Date(atMs).toISOString(),
      status,
      ms,
      runs: (before?.runs ?? 0) + 1,
      failures: (before?.failures ?? 0) + (status === 0 || status === "cancelled" ? 0 : 1),
      output: output.map((line) => shownLine(line, this.#redact)),
    });
    const [oldest] = this.#last.keys();
    if (this.#last.size > mostScripts && oldest !== undefined) this.#last.delete(oldest);
  }

  /** Newest first. */
  get runs(): readonly ExtensionStatus[] {
    return [...this.#last.values()].reverse();
  }
}
