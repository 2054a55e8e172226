import { type Clock, withDeadline } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { LineTarget } from "./logtape_sinks.ts";

/** Settings of a {@link LineWriter}. */
export interface LineWriterOptions {
  /** Opens the target; called again some time after it failed. */
  readonly open: () => LineTarget;
  readonly clock: Clock;
  /** How long lines are collected before they are written, in milliseconds. */
  readonly delayMs: number;
  /** Most that is written at once, in UTF-16 units; a longer line goes alone. */
  readonly writeLength: number;
  /** Called when writing begins to fail. */
  readonly onTrouble: (reason: string) => void;
  /** Called when it works again, with the number of lines that are missing. */
  readonly onRecovered: (lost: number) => void;
}

/** Most that waits, in UTF-16 units: a peer that does not read must not fill the memory. */
const queueLength = 1024 * 1024;
/** From a failure to the next attempt. */
const retryMs = 30_000;

/**
 * Carries lines to one target without making anybody wait: it collects for a moment and writes them
 * together. When the target is slow the queue is bounded and the newest lines are dropped; when it
 * fails, lines are dropped until it works again. Both are counted and said.
 */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #target: LineTarget | undefined;
  #queue: string[] = [];
  #queued = 0;
  /** Lines that were not written since the last success. */
  #lost = 0;
  /** Set while the target fails. */
  #retryAtMs: number | undefined;
  #writing = false;
  /** A delayed write is on its way. */
  #scheduled = false;
  readonly #work = new Set<Promise<void>>();
  /** Fires when the writer is being closed. */
  readonly #hurry = new AbortController();
  #closed = false;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Opens the target now, so that trouble shows at once. */
  open(): void {
    try {
      this.#target ??= this.#options.open();
    } catch (error) {
      this.#fail(error, 0);
    }
  }

  /** Takes a line; `urgent` ones are on their way when this returns. */
  write(line: string, urgent: boolean): void {
    if (this.#closed) return;
    if (this.#queued + line.length > queueLength) {
      this.#lost++;
      return;
    }
    this.#queue.push(line);
    this.#queued += line.length;
    // A write in progress takes what has come meanwhile.
    if (this.#writing) return;
    if (urgent || this.#queued >= this.#options.writeLength) this.#track(this.#drain());
    else if (!this.#scheduled) this.#track(this.#drainLater());
  }

  /**
   * Writes what is waiting and closes the target. Closing twice is closing once.
   *
   * @param limitMs How long that may take; then the rest is given up.
   * @param last Until this has settled lines are taken and written; it must not reject.
   */
  async close(limitMs: number, last: Promise<unknown> = Promise.resolve()): Promise<void> {
    if (this.#hurry.signal.aborted) return;
    this.#hurry.abort();
    const all = async () => {
      await Promise.all(this.#work);
      await this.#drain();
      await last;
      await Promise.all(this.#work);
      await this.#drain();
      this.#closed = true;
      await this.#target?.close();
    };
    const tooLate = () => new Error("limit");
    await withDeadline(all(), limitMs, tooLate, this.#options.clock).catch(() => {
      // Nobody reads the other end; there is nowhere left to say so.
    });
    this.#closed = true;
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #drainLater(): Promise<void> {
    this.#scheduled = true;
    await this.#options.clock.sleep(this.#options.delayMs, this.#hurry.signal).catch(() => {
      // Closing cuts the wait short.
    });
    this.#scheduled = false;
    await this.#drain();
  }

  /** Never rejects: failures go to `onTrouble`. */
  async #drain(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#queue.length > 0) await this.#writeNext();
    } finally {
      this.#writing = false;
    }
  }

  async #writeNext(): Promise<void> {
    const { lines, count } = this.#take();
    if (this.#retryAtMs !== undefined && this.#options.clock.monotonicMs() < this.#retryAtMs) {
      this.#lost += count;
      return;
    }
    try {
      this.#target ??= this.#options.open();
      await this.#target.write(lines);
    } catch (error) {
      await this.#target?.close();
      this.#fail(error, count);
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (this.#retryAtMs === undefined && lost === 0) return;
    this.#retryAtMs = undefined;
    this.#options.onRecovered(lost);
  }

  #fail(error: unknown, lost: number): void {
    const first = this.#retryAtMs === undefined;
    this.#target = undefined;
    this.#lost += lost;
    this.#retryAtMs = this.#options.clock.monotonicMs() + retryMs;
    if (first) this.#options.onTrouble(reasonOf(error));
  }

  #take(): { readonly lines: string; readonly count: number } {
    let count = 0;
    let length = 0;
    for (const line of this.#queue) {
      if (count > 0 && length + line.length > this.#options.writeLength) break;
      length += line.length;
      count++;
    }
    this.#queued -= length;
    return { lines: this.#queue.splice(0, count).join(""), count };
  }
}
