import {
  applyDelta,
  assertObjectSize,
  damaged,
  type GitObject,
  inflateObject,
  mostCompressedBytes,
  type PackEntryHeader,
  parsePackEntryHeader,
  tooLarge,
} from "./pack_object.ts";

/** Objects that were decoded lately, up to a number of bytes. */
export class ObjectCache {
  readonly #mostBytesAtFirst: number;
  #mostBytes: number;
  readonly #objects = new Map<number, GitObject>();
  #bytes = 0;

  constructor(mostBytes = 32 * 1024 * 1024) {
    this.#mostBytesAtFirst = mostBytes;
    this.#mostBytes = mostBytes;
  }

  /** From now on it may be twice as large: deltas ask for their bases again. */
  expectDeltas(): void {
    this.#mostBytes = 2 * this.#mostBytesAtFirst;
  }

  /** The object at an offset, if it is still there. */
  get(offset: number): GitObject | undefined {
    const object = this.#objects.get(offset);
    if (object) {
      // Last used is last to go.
      this.#objects.delete(offset);
      this.#objects.set(offset, object);
    }
    return object;
  }

  /** Keeps an object and drops the ones unused for longest. */
  set(offset: number, object: GitObject): void {
    const size = object.data.length;
    if (size > this.#mostBytes / 4 || this.#objects.has(offset)) return;
    this.#objects.set(offset, object);
    this.#bytes += size;
    for (const [oldest, { data }] of this.#objects) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#objects.delete(oldest);
      this.#bytes -= data.length;
    }
  }
}

/** What {@link PackFile} asks about the pack it reads. */
export interface PackLayout {
  /** Where the entry at an offset ends; `undefined` when no entry begins there. */
  endOf(offset: number): number | undefined;
  /** Where the entry of an object begins. */
  find(id: string): number | undefined;
}

/** Git itself makes no longer chains. */
const longestChain = 4096;
/** Small: trees are asked for one by one, and in a pack all files of one may be before the next. */
const windowBytes = 16 * 1024;

/** Reads single objects of a pack on disk. */
export class PackFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #layout: PackLayout;
  readonly #cache: ObjectCache;
  readonly #mostBytes: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  /** @param mostBytes Size of one object above which it is refused. */
  constructor(file: Deno.FsFile, layout: PackLayout, mostBytes: number, cache = new ObjectCache()) {
    this.#file = file;
    this.#layout = layout;
    this.#cache = cache;
    this.#mostBytes = mostBytes;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  /**
   * The object whose entry begins at an offset, its deltas applied.
   *
   * @throws AgentError of kind `input` or `limit`.
   */
  read(offset: number): GitObject {
    const deltas: { readonly offset: number; readonly delta: Uint8Array }[] = [];
    let object = this.#cache.get(offset);
    for (let at = offset; object === undefined;) {
      const { header, data } = this.#entry(at);
      const { content } = header;
      if (content.kind === "whole") {
        object = { type: content.type, data };
        this.#cache.set(at, object);
        break;
      }
      deltas.push({ offset: at, delta: data });
      if (deltas.length > longestChain) throw damaged("a chain of deltas is too long");
      at = content.kind === "offsetDelta" ? at - content.distance : this.#baseOf(content.base);
      object = this.#cache.get(at);
    }
    for (const { offset: at, delta } of deltas.reverse()) {
      object = { type: object.type, data: applyDelta(delta, object.data, this.#mostBytes) };
      this.#cache.set(at, object);
    }
    return object;
  }

  /** What is on disk was changed. */
  forgetWindow(): void {
    this.#window = new Uint8Array(0);
  }

  #baseOf(id: string): number {
    const offset = this.#layout.find(id);
    if (offset === undefined) throw damaged(`a delta's base ${id} is missing`);
    return offset;
  }

  #entry(offset: number): { readonly header: PackEntryHeader; readonly data: Uint8Array } {
    const end = this.#layout.endOf(offset);
    if (end === undefined) throw damaged("a delta's base is missing");
    const bytes = this.#bytes(offset, end);
    const header = parsePackEntryHeader(bytes, 0);
    if (header.size > this.#mostBytes) throw tooLarge(header.size, this.#mostBytes);
    assertObjectSize(header.size);
    const compressed = bytes.subarray(
      header.length,
      header.length + mostCompressedBytes(header.size),
    );
    const inflated = inflateObject(compressed, header.size);
    if (inflated === undefined) throw damaged("an object is cut off");
    return { header, data: inflated.data };
  }

  #bytes(start: number, end: number): Uint8Array {
    const from = start - this.#windowStart;
    if (from < 0 || end - this.#windowStart > this.#window.length) {
      // Where they are close together, some of what is before may be asked for next.
      const windowStart = start - start % (windowBytes / 2);
      this.#file.seekSync(windowStart, Deno.SeekMode.Start);
      const window = new Uint8Array(Math.max(windowBytes, end - windowStart));
      let filled = 0;
      while (filled < end - windowStart) {
        const read = this.#file.readSync(window.subarray(filled));
        if (read === null) throw damaged("a pack on disk is cut off");
        filled += read;
      }
      this.#window = window.subarray(0, filled);
      this.#windowStart = windowStart;
      return window.subarray(start - windowStart, end - windowStart);
    }
    return this.#window.subarray(from, from + end - start);
  }
}
