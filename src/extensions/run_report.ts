import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ExtensionOutcome } from "./request.ts";

/** One run of a script or module that has ended. */
export interface EndedRun {
  readonly event: string;
  /** Path below the extensions folder, or `modules/<name>`. */
  readonly script: string;
  /** Exit status, or why there is none. */
  readonly status: number | "timed-out" | "cancelled" | "refused";
  readonly ms: number;
  /** The last lines of output. */
  readonly output: readonly string[];
}

const lastLineLength = 300;

/** Writes the one line of each run and tells who wants to know. */
export class RunReport {
  readonly #log: Log;
  readonly #onRun: ((run: EndedRun) => void) | undefined;
  readonly #redact: (text: string) => string;

  /**
   * @param onRun What it throws is logged.
   * @param redact Takes secrets out of output before it is cut: cut in two, one is not known again.
   */
  constructor(
    log: Log,
    onRun?: (run: EndedRun) => void,
    redact: (text: string) => string = (text) => text,
  ) {
    this.#log = log;
    this.#onRun = onRun;
    this.#redact = redact;
  }

  /**
   * A run has ended.
   *
   * @param reason Why it failed; absent when it did not.
   * @param tail The last lines of output.
   * @returns The outcome of the run.
   */
  ended(
    event: string,
    script: string,
    status: EndedRun["status"],
    ms: number,
    reason?: string,
    tail: readonly string[] = [],
  ): ExtensionOutcome {
    const output = tail.map((text) => this.#redact(text).slice(0, lastLineLength));
    this.#tell({ event, script, status, ms, output });
    const line = `extension ${event} ${script} status=${status} ms=${ms}`;
    const facts = { event, script, status, ms };
    if (reason === undefined) {
      this.#log.info(line, facts);
      return status === "cancelled" ? { kind: "cancelled" } : { kind: "succeeded" };
    }
    const shown = output.length > 0 ? `, last output: ${output.join(" | ")}` : "";
    this.#log.error(`${line}: ${reason}${shown}`, { ...facts, reason, output });
    return { kind: "failed", reason: `${script}: ${reason}${shown}` };
  }

  #tell(run: EndedRun): void {
    try {
      this.#onRun?.(run);
    } catch (error) {
      this.#log.error(`The listener for extension runs failed: ${reasonOf(error)}`);
    }
  }
}
