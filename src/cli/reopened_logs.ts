import { type Log, type LogRecord, makeLog } from "../base/log.ts";
import type { OpenedLogging } from "../logging/open_logging.ts";

/** Opens logs; never fails. */
type OpenLogging = () => Promise<OpenedLogging>;

/** Records that wait while logs are opened anew, which takes a moment; more are left out. */
const mostWaiting = 1_000;

/** Logs that can be opened anew under the parts that hold a {@link Log}. */
export class ReopenedLogs implements AsyncDisposable {
  /** The root; it stays the same one. */
  readonly log: Log = makeLog((record) => this.#write(record), "");
  #opened: OpenedLogging | undefined;
  #byName = new Map<string, Log>();
  #waiting: LogRecord[] = [];
  #leftOut = 0;

  /** Opens them for the first time. */
  static async open(open: OpenLogging): Promise<ReopenedLogs> {
    const logs = new ReopenedLogs();
    await logs.reopen(open);
    return logs;
  }

  /**
   * Closes what is open, which writes what waits, and opens the logs again: two writers of one file
   * would rotate it under each other. What is said meanwhile is written afterwards.
   */
  async reopen(open: OpenLogging): Promise<void> {
    const before = this.#opened;
    this.#opened = undefined;
    await before?.[Symbol.asyncDispose]();
    this.#byName = new Map();
    this.#opened = await open();
    const [waiting, leftOut] = [this.#waiting, this.#leftOut];
    this.#waiting = [];
    this.#leftOut = 0;
    for (const record of waiting) this.#write(record);
    if (leftOut > 0) this.log.warning(`${leftOut} lines left out while logs were opened anew`);
  }

  #write(record: LogRecord): void {
    const { level, name, message, facts } = record;
    if (!this.#opened) {
      if (this.#waiting.length < mostWaiting) this.#waiting.push(record);
      else this.#leftOut++;
      return;
    }
    const log = this.#byName.get(name) ??
      (name === "" ? this.#opened.log : this.#opened.log.child(name));
    this.#byName.set(name, log);
    log[level === "critical" ? "error" : level](message, facts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.[Symbol.asyncDispose]();
  }
}
