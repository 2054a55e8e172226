import { isUtf8 } from "node:buffer";
import type { Log } from "../base/log.ts";
import { LogBook, type MissedLines } from "./log_book.ts";
import type { Remembered } from "./log_checkpoint.ts";
import { expand } from "./log_expansion.ts";
import type { LogFile } from "./log_file.ts";
import { nextMessage, type StartsMessage } from "./log_lines.ts";
import { messageOf } from "./log_message.ts";
import { isPattern } from "./log_names.ts";
import type { Position } from "./log_position.ts";
import { LogTrail } from "./log_trail.ts";

/** Patterns are looked up again this often. */
const expandEveryMs = 1_000;
/** Names that are followed at most. */
const trailsLimit = 500;
/** A message of several lines is complete when nothing followed for this long. */
const quietMs = 1_000;
/** What is read at a time; holds more than two messages of the greatest length. */
const bufferBytes = 256 * 1024;
const lineFeed = 10;

/** What lines are put into. */
export interface LineSink {
  /** Takes the UTF-8 of a message; `false` when it is full without it. */
  add(source: Uint8Array, start: number, end: number): boolean;
}

/** What the follower needs. */
export interface LogFollowerOptions {
  /** Absolute paths and patterns. */
  readonly patterns: readonly string[];
  readonly remembered: Remembered;
  readonly startsMessage: StartsMessage | undefined;
  readonly log: Log;
}

/** One followed file, for the status. */
export interface FollowedFile {
  /** The name that it is or was followed under. */
  readonly path: string;
  /** It does not bear the name any more. */
  readonly isRotated: boolean;
  readonly offset: number;
  /** When last looked at. */
  readonly size: number;
  /** Bytes that are not read yet. */
  readonly lag: number;
}

/** A piece of a file in the buffer. */
interface Loaded {
  readonly file: LogFile;
  /** Position in the file of the buffer's first byte. */
  readonly base: number;
  readonly end: number;
  /** Up to here the bytes are whole lines of valid UTF-8. */
  readonly textEnd: number;
  /** Where the next message is cut. */
  at: number;
}

/** Follows files by name and fills bundles with their lines; the files are the only buffer. */
export class LogFollower implements Disposable {
  readonly #options: LogFollowerOptions;
  readonly #book: LogBook;
  readonly #trails = new Map<string, LogTrail>();
  readonly #buffer = new Uint8Array(bufferBytes);
  /** What of the buffer is not taken yet. */
  #loaded: Loaded | undefined;
  #expandedAtMs = -Infinity;
  #turn = 0;
  #isFull = false;
  #lines = 0;
  #cut = 0;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
    this.#book = new LogBook(options.remembered.positions, options.log);
  }

  /** Messages taken since the start, and how many of them were cut. */
  get counts(): { readonly read: number; readonly cut: number } {
    return { read: this.#lines, cut: this.#cut };
  }

  /** What could not be read. */
  get missed(): MissedLines {
    return this.#book.missed;
  }

  /** Of every followed file, by name, oldest first. */
  get files(): readonly FollowedFile[] {
    return [...this.#trails.values()].flatMap((trail) =>
      trail.files.map((file) => ({
        path: file.path,
        isRotated: !trail.isCurrent(file),
        offset: file.offset,
        size: file.size,
        lag: Math.max(0, file.size - file.offset),
      }))
    );
  }

  /** Everything that must be remembered. */
  get remembered(): Remembered {
    return { patterns: this.#options.patterns, positions: this.#book.positions };
  }

  /** Positions that changed since the last time this was asked. */
  takeChanged(): readonly Position[] {
    return this.#book.takeChanged();
  }

  /** Looks at all names; milliseconds of a clock that never jumps. */
  async poll(nowMs: number): Promise<void> {
    if (nowMs - this.#expandedAtMs >= expandEveryMs) await this.#expand(nowMs);
    for (const trail of this.#trails.values()) await trail.poll(nowMs);
  }

  async #expand(nowMs: number): Promise<void> {
    const { patterns, remembered } = this.#options;
    const isFirst = this.#expandedAtMs === -Infinity;
    this.#expandedAtMs = nowMs;
    const present = new Set<string>();
    for (const pattern of patterns) {
      // A file that came while nobody looked was not there before: it is read from its start.
      const isKnown = !isFirst || remembered.patterns.includes(pattern);
      for (const path of await expand(pattern)) {
        present.add(path);
        this.#follow(path, isKnown ? "start" : "end", isPattern(pattern), isFirst, nowMs);
      }
    }
    // Names that matched before and have gone: what was not read of their files may still be there.
    const wasWanted = remembered.patterns.some((pattern) => patterns.includes(pattern));
    for (const { path, ended } of isFirst && wasWanted ? remembered.positions : []) {
      if (!ended) this.#follow(path, "start", true, true, nowMs);
    }
    for (const [path, trail] of this.#trails) {
      if (!present.has(path) && trail.files.length === 0) this.#trails.delete(path);
    }
  }

  #follow(
    path: string,
    from: "end" | "start",
    isMatch: boolean,
    isFirst: boolean,
    nowMs: number,
  ): void {
    if (this.#trails.has(path) || !this.#hasRoom(path)) return;
    const { remembered: { positions }, log } = this.#options;
    const remembered = isFirst ? positions.filter((position) => position.path === path) : [];
    const options = { path, book: this.#book, log, remembered, from, isMatch, nowMs };
    this.#trails.set(path, new LogTrail(options));
  }

  #hasRoom(path: string): boolean {
    if (this.#trails.size < trailsLimit) return true;
    if (!this.#isFull) {
      this.#options.log.warning(`${path} is not followed: at most ${trailsLimit} files are`);
    }
    this.#isFull = true;
    return false;
  }

  /** Bytes that wait to be read, 0 when nothing does; joined lines count once they are complete. */
  waiting(nowMs: number): number {
    let bytes = 0;
    for (const trail of this.#trails.values()) {
      for (const file of trail.files) {
        if (this.#hasNews(file, nowMs)) bytes += Math.max(0, file.size - file.offset);
      }
    }
    return bytes;
  }

  #hasNews(file: LogFile, nowMs: number): boolean {
    if (file.hasNews) return true;
    if (!this.#options.startsMessage || file.offset >= file.size) return false;
    return file.flushedSize !== file.size && nowMs - file.grewAtMs >= quietMs;
  }

  /** Fills a bundle as far as there are lines: each name in turn, its rotated files first. */
  async fill(bundle: LineSink, nowMs: number): Promise<void> {
    const trails = [...this.#trails.values()];
    for (let index = 0; index < trails.length; index++) {
      const trail = trails[(this.#turn + index) % trails.length]!;
      for (const file of [...trail.files]) {
        if (!this.#hasNews(file, nowMs) || !await trail.ready(file, nowMs)) continue;
        if (!await this.#readInto(bundle, trail, file, nowMs)) continue;
        this.#turn = (this.#turn + index + 1) % trails.length;
        return;
      }
    }
  }

  /** Whether the bundle is full now. */
  async #readInto(
    bundle: LineSink,
    trail: LogTrail,
    file: LogFile,
    nowMs: number,
  ): Promise<boolean> {
    while (true) {
      if (this.#loaded?.file !== file && !await this.#load(file)) {
        await trail.lose(file, nowMs);
        return false;
      }
      const loaded = this.#loaded!;
      const isWhole = loaded.end < this.#buffer.length;
      const startAt = loaded.at;
      const isFull = this.#cutLines(bundle, loaded, {
        ended: isWhole && file.isFinal,
        quiet: isWhole && (!trail.isCurrent(file) || nowMs - file.grewAtMs >= quietMs),
      });
      if (loaded.at !== startAt) {
        file.advance(loaded.base + loaded.at, this.#buffer, loaded.at);
        this.#book.changed(file);
      }
      if (isFull) return true;
      this.#loaded = undefined;
      // The file may have grown since the buffer was filled.
      if (!isWhole || loaded.base + loaded.end < file.size) continue;
      file.hasNews = false;
      if (nowMs - file.grewAtMs >= quietMs) file.flushedSize = file.size;
      return false;
    }
  }

  async #load(file: LogFile): Promise<boolean> {
    this.#loaded = undefined;
    const read = await file.load(this.#buffer);
    if (!read) return false;
    const { start, end } = read;
    const base = file.offset - start;
    const feed = end > start ? this.#buffer.lastIndexOf(lineFeed, end - 1) : -1;
    const isText = feed >= start && isUtf8(this.#buffer.subarray(start, feed + 1));
    this.#loaded = { file, base, end, textEnd: isText ? feed + 1 : 0, at: start };
    file.size = Math.max(file.size, base + end);
    return true;
  }

  /** Takes messages out of the buffer; whether the bundle is full with some left. */
  #cutLines(
    bundle: LineSink,
    loaded: Loaded,
    state: { readonly ended: boolean; readonly quiet: boolean },
  ): boolean {
    const { file, end, textEnd } = loaded;
    const buffer = this.#buffer;
    const context = {
      ...state,
      skipping: file.skipping,
      startsMessage: this.#options.startsMessage,
    };
    while (true) {
      const cut = nextMessage(buffer, loaded.at, end, context);
      if (cut.kind === "waiting") return false;
      if (cut.kind === "message") {
        if (!cut.isCut && cut.end <= textEnd) {
          if (!bundle.add(buffer, cut.start, cut.end)) return true;
        } else {
          const message = messageOf(buffer, cut.start, cut.end, cut.isCut);
          if (!bundle.add(message.source, message.start, message.end)) return true;
          if (cut.isCut) this.#cut++;
        }
        this.#lines++;
      }
      loaded.at = cut.next;
      file.skipping = context.skipping = cut.skipping;
    }
  }

  /** Closes all files. */
  [Symbol.dispose](): void {
    for (const trail of this.#trails.values()) trail[Symbol.dispose]();
    this.#trails.clear();
  }
}
