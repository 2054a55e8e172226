import {
  beginsLike,
  emptyPrint,
  headBytes,
  type Position,
  type Print,
  printOf,
  tailBytes,
} from "./log_position.ts";

/** Device and inode of a file. */
export function fileId({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

/** A file under a name, as the system describes it; links are followed. */
export async function look(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

async function openIfPresent(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** One file that is followed, however it is called now, and how far it was read. */
export class LogFile implements Disposable {
  readonly path: string;
  readonly id: string;
  order: number;
  /** Where the next message is read. */
  offset: number;
  size: number;
  mtimeMs: number;
  skipping: boolean;
  ended: boolean;
  /** Monotonic time of the last growth seen. */
  grewAtMs: number;
  /** Something may be read that was not when it was last read to its end. */
  hasNews: boolean;
  /** Nothing will be written to it any more. */
  isFinal = false;
  /** It still has a name. */
  isLinked = true;
  /** The size at which joined lines were taken as complete. */
  flushedSize = -1;
  #head: Print;
  #tail: Print;
  /** The last bytes before the offset; absent until they were read once. */
  #tailBytes: Uint8Array | undefined;
  #handle: Deno.FsFile | undefined;

  constructor(position: Position, nowMs: number) {
    this.path = position.path;
    this.id = position.id;
    this.order = position.order;
    this.offset = position.offset;
    this.size = position.size;
    this.mtimeMs = position.mtimeMs;
    this.skipping = position.skipping;
    this.ended = position.ended;
    this.#head = position.head;
    this.#tail = position.tail;
    this.grewAtMs = nowMs;
    this.hasNews = position.offset < position.size;
    if (position.offset === 0) this.#tailBytes = new Uint8Array();
  }

  /** What is remembered of it. */
  get position(): Position {
    if (this.#tailBytes) this.#tail = printOf(this.#tailBytes);
    const { path, id, order, offset, size, mtimeMs, skipping, ended } = this;
    const [head, tail] = [this.#head, this.#tail];
    return { path, id, order, offset, size, mtimeMs, head, tail, skipping, ended };
  }

  /** Whether nothing was ever read of it. */
  get isUnread(): boolean {
    return this.offset === 0 && this.#head.bytes === 0;
  }

  /** Whether it can be read now. */
  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /**
   * Opens it under a name that it may have now, and notes its size.
   *
   * @returns Whether this is the file, and its content still what was read. Otherwise it is not open.
   */
  async open(path: string, nowMs: number): Promise<boolean> {
    this[Symbol.dispose]();
    const handle = await openIfPresent(path);
    if (!handle) return false;
    this.#handle = handle;
    let isSame = false;
    try {
      const info = await handle.stat();
      isSame = info.isFile && fileId(info) === this.id && await this.isSame(info);
      if (isSame) this.saw(info, nowMs);
    } finally {
      if (!isSame) this[Symbol.dispose]();
    }
    return isSame;
  }

  /** Looks at the open file. */
  async stat(): Promise<Deno.FileInfo> {
    return await this.#handle!.stat();
  }

  /** Notes a size. */
  saw({ size, mtime }: Deno.FileInfo, nowMs: number): void {
    this.mtimeMs = mtime?.getTime() ?? this.mtimeMs;
    if (size === this.size) return;
    this.size = size;
    this.grewAtMs = nowMs;
    this.hasNews = true;
  }

  /** Whether what was read is still there: the file begins and goes up to the position as it did. */
  async isSame({ size }: { readonly size: number }): Promise<boolean> {
    if (size < this.offset || size < this.#head.bytes) return false;
    const head = await this.#read(0, new Uint8Array(Math.min(headBytes, size)));
    if (!beginsLike(head, this.#head)) return false;
    if (head.length > this.#head.bytes) this.#head = printOf(head);
    if (this.#tailBytes) return true;
    const at = Math.max(0, this.offset - this.#tail.bytes);
    const tail = await this.#read(at, new Uint8Array(this.offset - at));
    const isSame = this.#tail === emptyPrint || this.#tail.bytes === 0 ||
      printOf(tail).sha === this.#tail.sha;
    if (isSame) this.#tailBytes = tail;
    return isSame;
  }

  /**
   * Reads from the position into a buffer.
   *
   * @returns Where in the buffer the bytes at the position begin and end, or `undefined` when what stands
   *   before the position is not what was read there: the file was truncated and written again.
   */
  async load(
    buffer: Uint8Array,
  ): Promise<{ readonly start: number; readonly end: number } | undefined> {
    const tail = this.#tailBytes ?? new Uint8Array();
    const read = await this.#read(this.offset - tail.length, buffer);
    if (read.length < tail.length) return undefined;
    if (this.offset === tail.length) {
      // At the beginning there is little or nothing before the position that would tell.
      const head = read.subarray(0, headBytes);
      if (!beginsLike(head, this.#head)) return undefined;
      if (head.length > this.#head.bytes) this.#head = printOf(head);
    }
    for (let at = 0; at < tail.length; at++) if (read[at] !== tail[at]) return undefined;
    return { start: tail.length, end: read.length };
  }

  /**
   * Moves the position on.
   *
   * @param buffer Bytes of the file.
   * @param at Where in them the new position is.
   */
  advance(offset: number, buffer: Uint8Array, at: number): void {
    const before = Math.min(tailBytes, offset, at);
    const tail = this.#tailBytes;
    if (!tail || tail.length !== before) this.#tailBytes = buffer.slice(at - before, at);
    else tail.set(buffer.subarray(at - before, at));
    this.offset = offset;
  }

  async #read(at: number, into: Uint8Array): Promise<Uint8Array> {
    const handle = this.#handle!;
    await handle.seek(at, Deno.SeekMode.Start);
    let length = 0;
    while (length < into.length) {
      const read = await handle.read(into.subarray(length));
      if (!read) break;
      length += read;
    }
    return into.subarray(0, length);
  }

  /** Closes it; the position stays. */
  [Symbol.dispose](): void {
    this.#handle?.close();
    this.#handle = undefined;
  }
}
