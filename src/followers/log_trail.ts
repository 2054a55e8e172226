import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogBook } from "./log_book.ts";
import { fileId, LogFile, look } from "./log_file.ts";
import { closeWaiting } from "./log_open_files.ts";
import { emptyPrint, freshPosition, isCopyOf, type Position } from "./log_position.ts";
import {
  beginningOf,
  countCompressed,
  findById,
  findCopy,
  findRotated,
  type FoundFile,
} from "./log_search.ts";

/** A file that was rotated away is read on until nothing came for this long. */
export const lingerMs = 10_000;
/** Files of one name that wait to be read; of more the oldest are missed. */
const filesLimit = 100;
/** While nothing bears a name, its directory is looked through this often. */
const searchEveryMs = 1_000;

/** How a name that is followed for the first time is treated. */
export interface TrailOptions {
  readonly path: string;
  readonly book: LogBook;
  readonly log: Log;
  /** Positions from the last time under this name. */
  readonly remembered: readonly Position[];
  /** Where the first file of this name is read from when nothing is known of it. */
  readonly from: "end" | "start";
  /** The name comes from a pattern: it may be that of a copy or a rotated file of another name. */
  readonly isMatch: boolean;
  readonly nowMs: number;
}

/**
 * The files that bear or bore one name, in the order in which they are read.
 *
 * The last one bears the name now. One before it was rotated away: it is read to its end first, and
 * given up when it has been quiet for a while, because its writer may not have moved on yet.
 */
export class LogTrail implements Disposable {
  readonly path: string;
  readonly #options: TrailOptions;
  readonly #book: LogBook;
  #files: LogFile[];
  #from: "end" | "start";
  /** The file of the name that is not followed under it: a copy, or no regular file. */
  #ignoredId: string | undefined;
  /** The file that bears the name now. */
  #nameId: string | undefined;
  /** When the directory was last looked through because nothing bears the name. */
  #searchedAtMs = -Infinity;
  /** The last complaint, which is not repeated. */
  #complaint = "";
  /** When a file was last written that is not in the list any more. */
  #lostMtimeMs: number | undefined;

  constructor(options: TrailOptions) {
    this.#options = options;
    this.path = options.path;
    this.#book = options.book;
    this.#from = options.remembered.length > 0 ? "start" : options.from;
    this.#files = options.remembered.filter(({ ended }) => !ended)
      .sort((a, b) => a.order - b.order)
      .map((position) => new LogFile(position, options.nowMs));
    const ended = options.remembered.filter((position) => position.ended);
    if (ended.length > 0) this.#lostMtimeMs = Math.max(...ended.map(({ mtimeMs }) => mtimeMs));
    for (const file of this.#files) {
      // It may have grown since.
      file.hasNews = true;
      this.#book.add(file);
    }
  }

  /** Oldest first. */
  get files(): readonly LogFile[] {
    return this.#files;
  }

  /** Whether the file that bears the name is among them. */
  isCurrent(file: LogFile): boolean {
    return this.#files.at(-1) === file;
  }

  /** Looks at the name and at all its files. */
  async poll(nowMs: number): Promise<void> {
    try {
      await this.#poll(nowMs);
      this.#complaint = "";
    } catch (error) {
      this.#complain(`cannot follow ${this.path}: ${reasonOf(error)}`);
    }
  }

  async #poll(nowMs: number): Promise<void> {
    const info = await look(this.path);
    const id = info && fileId(info);
    this.#nameId = id;
    const last = this.#files.at(-1);
    if (last && last.id === id && !last.isOpen) await this.#reopen(last, nowMs, this.path);
    // The newest first: what a writer wrote there, it wrote after everything in the older ones.
    for (const file of this.#files.toReversed()) await this.#refresh(file, nowMs);
    if (info && this.#files.at(-1)?.id !== id) await this.#take(info, nowMs);
    if (!info) await this.#takeUnnamed(nowMs);
    this.#finish(info !== undefined, nowMs);
    this.#from = "start";
  }

  /** Opens a file for reading; when it is gone, so it is from the list. */
  async ready(file: LogFile, nowMs: number): Promise<boolean> {
    if (!file.isOpen) await this.#reopen(file, nowMs);
    return file.isOpen;
  }

  /** Has news of a file; it was truncated when what was read is no longer there. */
  async #refresh(file: LogFile, nowMs: number): Promise<void> {
    const isEdge = file === this.#files[0] || file === this.#files.at(-1);
    if (!file.isOpen) {
      if (!isEdge) return;
      await this.#reopen(file, nowMs);
    }
    if (!file.isOpen) return;
    const info = await file.stat();
    file.isLinked = info.nlink !== 0;
    const mtimeMs = info.mtime?.getTime();
    if (info.size === file.size && mtimeMs === file.mtimeMs) return;
    const sinceMs = file.isUnread ? file.mtimeMs : undefined;
    if (!await file.isSame(info)) return await this.lose(file, nowMs);
    file.saw(info, nowMs);
    await this.#takeBefore(file, sinceMs, nowMs);
  }

  async #reopen(file: LogFile, nowMs: number, known?: string): Promise<void> {
    const path = known ?? await findById(this.path, file.id);
    const sinceMs = file.isUnread ? file.mtimeMs : undefined;
    if (path !== undefined && await file.open(path, nowMs)) {
      await this.#takeBefore(file, sinceMs, nowMs);
      return;
    }
    await this.lose(file, nowMs);
  }

  /** A file is gone, or its content: goes on in its copy, or counts what was missed. */
  async lose(file: LogFile, nowMs: number): Promise<void> {
    const at = this.#files.indexOf(file);
    if (at < 0) return;
    const { position } = file;
    this.#lostMtimeMs = Math.max(this.#lostMtimeMs ?? 0, position.mtimeMs);
    this.#book.end(file);
    this.#files.splice(at, 1);
    const copy = await findCopy(position);
    if (copy && !this.#book.followed(copy.file.id)) {
      const { file: found, offset } = copy;
      // What stands before another offset than the remembered one is not known.
      const tail = offset === position.offset ? position.tail : emptyPrint;
      const copied = new LogFile({ ...position, ...found, path: this.path, offset, tail }, nowMs);
      if (await copied.open(found.path, nowMs)) {
        this.#book.add(copied);
        this.#files.splice(at, 0, copied);
        const gone = position.size - Math.max(position.offset, found.size);
        if (gone > 0) this.#book.miss(this.path, 1, gone, "they came between copy and truncation");
        return;
      }
    }
    const unread = Math.max(0, position.size - position.offset);
    const compressed = at === this.#files.length
      ? await countCompressed(this.path, position.mtimeMs)
      : 0;
    if (unread === 0 && compressed === 0) return;
    const why = compressed > 0
      ? "a rotation removed or compressed files before they were read"
      : "a file was removed, compressed or truncated before it was read to its end";
    this.#book.miss(this.path, Math.max(1, compressed), unread, why);
  }

  /** Another file bears the name. */
  async #take(info: Deno.FileInfo, nowMs: number): Promise<void> {
    const id = fileId(info);
    if (id === this.#ignoredId) return;
    if (!info.isFile) {
      this.#ignoredId = id;
      this.#options.log.warning(
        `${this.path} is not followed: it is ${
          info.isDirectory ? "a directory" : "no regular file"
        }`,
      );
      return;
    }
    if (this.#book.followed(id)) return;
    const isFirst = this.#files.length === 0 && this.#lostMtimeMs === undefined;
    if (isFirst && this.#options.isMatch && await this.#isCopy(this.path, id)) {
      this.#ignoredId = id;
      return;
    }
    const sinceMs = this.#files.at(-1)?.mtimeMs ?? this.#lostMtimeMs ?? 0;
    if (!isFirst) await this.#takeBetween(id, nowMs, sinceMs);
    this.#ignoredId = undefined;
    const from = isFirst && this.#from === "end" ? info.size : 0;
    await this.#append({ path: this.path, id, size: info.size, mtimeMs: 0 }, from, nowMs);
    const current = this.#files.at(-1);
    // It may have been copied and truncated once more since the directory was looked through.
    if (!isFirst && current?.id === id) await this.#takeBefore(current, sinceMs, nowMs);
  }

  /** Nothing bears the name: files that did may have come and gone since somebody looked. */
  async #takeUnnamed(nowMs: number): Promise<void> {
    const sinceMs = this.#files.at(-1)?.mtimeMs ?? this.#lostMtimeMs;
    if (sinceMs === undefined || nowMs - this.#searchedAtMs < searchEveryMs) return;
    this.#searchedAtMs = nowMs;
    await this.#takeBetween("", nowMs, sinceMs);
  }

  /** A file of which nothing was read may have been filled, copied and truncated since it was seen. */
  async #takeBefore(file: LogFile, sinceMs: number | undefined, nowMs: number): Promise<void> {
    if (sinceMs === undefined || !this.isCurrent(file) || file.id !== this.#nameId) return;
    await this.#takeBetween(file.id, nowMs, sinceMs);
    if (this.isCurrent(file)) return;
    file.order = this.#book.nextOrder();
    this.#files = [...this.#files.filter((each) => each !== file), file];
    await this.ready(file, nowMs);
  }

  /** Files that bore the name between the last known one and the one that bears it now. */
  async #takeBetween(id: string, nowMs: number, sinceMs: number): Promise<void> {
    for (const found of await findRotated(this.path)) {
      if (found.id === id || found.mtimeMs < sinceMs || this.#book.followed(found.id)) continue;
      const ended = this.#book.ended(found.id);
      // Nothing came since it was read to its end, or given up.
      if (ended && ended.offset >= found.size && ended.mtimeMs === found.mtimeMs) continue;
      if (await this.#isCopy(found.path, found.id)) continue;
      await this.#append(found, 0, nowMs);
    }
  }

  /** Whether a file begins as a known one does. */
  async #isCopy(path: string, id: string): Promise<boolean> {
    const beginning = await beginningOf(path);
    return this.#book.positions.some((known) => known.id !== id && isCopyOf(beginning, known));
  }

  async #append(found: FoundFile, from: number, nowMs: number): Promise<void> {
    const fresh = freshPosition({ ...found, path: this.path }, this.#book.nextOrder(), from);
    // The same file under another name, where it was read to some place.
    const ended = this.#book.ended(found.id);
    let file = new LogFile(
      { ...ended ?? fresh, path: this.path, order: fresh.order, ended: false },
      nowMs,
    );
    if (!await file.open(found.path, nowMs)) {
      if (!ended) return;
      file = new LogFile(fresh, nowMs);
      if (!await file.open(found.path, nowMs)) return;
    }
    const before = this.#files.at(-1);
    if (before) before.grewAtMs = nowMs;
    this.#book.add(file);
    this.#files.push(file);
    closeWaiting(this.#files);
    if (this.#files.length <= filesLimit) return;
    const [oldest] = this.#files.splice(0, 1);
    const unread = oldest!.size - oldest!.offset;
    oldest!.advance(oldest!.size, new Uint8Array(), 0);
    this.#book.end(oldest!);
    if (unread > 0) this.#book.miss(this.path, 1, unread, `more than ${filesLimit} files wait`);
  }

  /** Ends those that nobody writes to any more. */
  #finish(isPresent: boolean, nowMs: number): void {
    for (const file of [...this.#files]) {
      const isCurrent = this.isCurrent(file);
      if (isCurrent && isPresent) continue;
      // A file that was moved away alone may still be written to; one that has no name may not for long.
      if (isCurrent && file.isLinked) continue;
      if (nowMs - file.grewAtMs >= lingerMs && !file.isFinal) {
        file.isFinal = true;
        file.hasNews ||= file.offset < file.size;
      }
      if (!file.isFinal || !file.isOpen || file.offset < file.size) continue;
      this.#lostMtimeMs = Math.max(this.#lostMtimeMs ?? 0, file.mtimeMs);
      this.#book.end(file);
      this.#files.splice(this.#files.indexOf(file), 1);
    }
  }

  #complain(message: string): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    this.#options.log.warning(message);
  }

  /** Closes its files. */
  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}
