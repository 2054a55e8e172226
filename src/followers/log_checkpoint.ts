import { readIfPresent, replaceFile, writeAll } from "../base/durable_file.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { parsePosition, type Position } from "./log_position.ts";

/** The journal is written anew when it has grown by this much. */
const compactBytes = 512 * 1024;
/** A journal is read up to this size; it is never that long. */
const limitBytes = 64 * 1024 * 1024;
/** What a power cut may undo: lines of this time are sent again then. */
const syncEveryMs = 1_000;

/** What was remembered. */
export interface Remembered {
  /** Patterns that were followed. */
  readonly patterns: readonly string[];
  readonly positions: readonly Position[];
}

/**
 * The positions on disk: a file with everything, to which each change is appended as one line.
 *
 * A line is handed to the system before the next bundle is sent, so the end of this process loses none;
 * it is forced to disk once a second. A line that a crash cut short is left out.
 */
export class LogCheckpoint implements AsyncDisposable {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #file: Deno.FsFile | undefined;
  #written = 0;
  #syncedAtMs = 0;
  #isSynced = true;

  /** @param path Where; the directory must exist. */
  constructor(path: string, clock: Clock, log: Log) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Reads what is remembered; nothing when there is no such file.
   *
   * A file that is damaged is set aside under the name `….damaged` and said in the log; what can be read
   * of it counts.
   */
  async load(): Promise<Remembered> {
    const info = await Deno.stat(this.#path).catch(() => undefined);
    if (!info) return { patterns: [], positions: [] };
    const text = info.size > limitBytes ? "" : await readIfPresent(this.#path) ?? "";
    const lines = text.split("\n").filter((line) => line !== "");
    const records = lines.map(parsed);
    // A crash may cut the last line short, but not the first, with everything in it.
    const isWhole = records.slice(0, -1).every((record) => record !== undefined) && !!records[0];
    const positions = new Map<string, Position>();
    let patterns: readonly string[] = [];
    let strange = 0;
    for (const record of records) {
      if (Array.isArray(record?.patterns)) {
        patterns = record.patterns.filter((pattern) => typeof pattern === "string");
      }
      if (!Array.isArray(record?.positions)) continue;
      for (const position of record.positions.map(parsePosition)) {
        if (position) positions.set(position.id, position);
        else strange++;
      }
    }
    if (!isWhole || strange > 0) await this.#setAside(positions.size);
    return { patterns, positions: [...positions.values()] };
  }

  async #setAside(known: number): Promise<void> {
    const aside = `${this.#path}.damaged`;
    await Deno.rename(this.#path, aside);
    this.#log.error(
      `the positions of the published log files are damaged and kept as ${aside}: ` +
        `${known} of them are known, other files are read on from their end`,
    );
  }

  /** Writes everything anew, so that a crash leaves the old or the new. */
  async replace(remembered: Remembered): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    await replaceFile(this.#path, `${JSON.stringify(remembered)}\n`);
    this.#file = await Deno.open(this.#path, { append: true });
    this.#written = 0;
    this.#isSynced = true;
    this.#syncedAtMs = this.#clock.monotonicMs();
  }

  /**
   * Appends changed positions.
   *
   * @param everything Asked for when it is time to write anew.
   */
  async append(changed: readonly Position[], everything: () => Remembered): Promise<void> {
    if (!this.#file || this.#written > compactBytes) return await this.replace(everything());
    if (changed.length > 0) {
      // A line end before it, too: the line before may have been cut short.
      const bytes = new TextEncoder().encode(`\n${JSON.stringify({ positions: changed })}\n`);
      await writeAll(this.#file, bytes);
      this.#written += bytes.length;
      this.#isSynced = false;
    }
    const nowMs = this.#clock.monotonicMs();
    if (this.#isSynced || nowMs - this.#syncedAtMs < syncEveryMs) return;
    await this.#file.syncData();
    this.#isSynced = true;
    this.#syncedAtMs = nowMs;
  }

  /** Forces to disk what is not yet, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    try {
      if (!this.#isSynced) await file.syncData();
    } finally {
      file.close();
    }
  }
}

function parsed(line: string): Partial<Record<keyof Remembered, unknown>> | undefined {
  if (line === "") return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
