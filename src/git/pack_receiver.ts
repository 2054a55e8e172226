import { crc32 } from "node:zlib";
import { ObjectCache, PackFile } from "./pack_file.ts";
import { packHeaderBytes, parsePackHeader } from "./pack_header.ts";
import type { PackedObject } from "./pack_index_file.ts";
import { PackWindow } from "./pack_window.ts";
import {
  applyDelta,
  assertObjectSize,
  damaged,
  fewestCompressedBytes,
  type GitObject,
  inflateObject,
  longestHeaderBytes,
  mostCompressedBytes,
  objectIdOf,
  parsePackEntryHeader,
  tooMuch,
} from "./pack_object.ts";
import { ThinPackCompletion } from "./thin_pack.ts";

/** Bounds of a received pack. */
export interface PackLimits {
  /** All objects inflated, deltas applied, added up. */
  readonly inflatedBytes: number;
  readonly objects: number;
}

/** Where objects may come from besides the received bytes. */
export interface PackSources {
  /** Keeps what was decoded, for whoever reads the pack next. */
  readonly cache?: ObjectCache;
  /** Objects that deltas may refer to though they are not in the pack. Absent: none. */
  readonly findElsewhere?: (id: string) => GitObject | undefined;
  /** Told of how many objects are known, for each that had to wait for its delta's base. */
  readonly onResolved?: (objects: number) => void;
  /** Given every object of the pack as soon as its id is known. */
  readonly onObject?: OnObject;
}

/** A pack of which a part is here. */
export interface ArrivingPack {
  /** How many were announced. */
  readonly objectsTotal: number;
  /** An object that came before, if it is still at hand. */
  recall(id: string): GitObject | undefined;
}

/** Whoever looks at the objects of a pack that still arrives, and may prove damaged. */
export type OnObject = (id: string, object: GitObject, pack: ArrivingPack) => void;

/** A pack that arrived completely and is what it claims to be. */
export interface ReceivedPack {
  readonly objects: readonly PackedObject[];
  /** SHA-1 of everything before it; the pack's last 20 bytes. */
  readonly trailer: Uint8Array;
}

const trailerBytes = 20;
/** Objects up to this many compressed bytes are tried only when they must have arrived completely. */
const smallObjectBytes = 256 * 1024;

/**
 * Takes a pack as it arrives: writes it to a file, inflates every object once, recomputes every
 * object id. Nothing is believed: sizes, counts and checksums are checked. Deltas may refer to objects
 * of the same pack, and to those elsewhere that the caller offers, which are then added to the pack.
 */
export class PackReceiver implements ArrivingPack {
  readonly #file: Deno.FsFile;
  readonly #limits: PackLimits;
  readonly #sources: PackSources;
  readonly #cache: ObjectCache;
  readonly #pack: PackFile;
  readonly #window: PackWindow;
  /** Taking apart is tried again once so much has arrived. */
  #tryAt = packHeaderBytes;
  #count: number | undefined;
  #inflated = 0;
  readonly #objects: PackedObject[] = [];
  readonly #indexAt = new Map<number, number>();
  readonly #offsetOf = new Map<string, number>();
  #waiting: { readonly offset: number; readonly crc: number; readonly base: string }[] = [];
  readonly #ends = new Map<number, number>();

  /** @param file Empty, open for reading and writing; the caller closes it. */
  constructor(file: Deno.FsFile, limits: PackLimits, sources: PackSources = {}) {
    const { cache = new ObjectCache() } = sources;
    this.#sources = sources;
    this.#file = file;
    this.#limits = limits;
    this.#cache = cache;
    this.#window = new PackWindow(file);
    this.#pack = new PackFile(
      file,
      {
        endOf: (offset) => {
          this.#window.store();
          return this.#ends.get(offset);
        },
        find: (id) => this.#offsetOf.get(id),
      },
      limits.inflatedBytes,
      cache,
    );
  }

  /** @throws AgentError of kind `input` (damaged) or `limit`. */
  push(chunk: Uint8Array): void {
    this.#window.add(chunk);
    if (this.#window.end >= this.#tryAt) this.#takeApart(false);
  }

  /** Call after the last piece. */
  finish(): ReceivedPack {
    this.#takeApart(true);
    if (this.#count === undefined || this.objectsSeen < this.#count) {
      throw damaged("the pack is cut off");
    }
    const { window } = this.#window;
    const trailer = window.slice();
    if (trailer.length !== trailerBytes) {
      throw damaged(trailer.length < trailerBytes ? "the pack is cut off" : "the pack goes on");
    }
    this.#window.store();
    if (this.#window.hash() !== trailer.toHex()) throw damaged("the checksum is wrong");
    const unresolved = this.#resolveWaiting();
    if (unresolved.size === 0) return { objects: this.#objects, trailer };
    const completed = this.#complete(unresolved.keys(), this.#window.at);
    return { objects: this.#objects, trailer: completed };
  }

  /** How many were announced; 0 before that. */
  get objectsTotal(): number {
    return this.#count ?? 0;
  }

  /** An object that was taken apart, if it is still in memory. */
  recall(id: string): GitObject | undefined {
    const offset = this.#offsetOf.get(id);
    return offset === undefined ? undefined : this.#cache.get(offset);
  }

  /** How many were taken apart so far. */
  get objectsSeen(): number {
    return this.#ends.size;
  }

  #takeApart(isAll: boolean): void {
    if (this.#count === undefined) {
      const { window } = this.#window;
      if (window.length < packHeaderBytes) throw damaged("the pack is cut off");
      this.#count = parsePackHeader(window, this.#limits.objects);
      this.#window.pass(packHeaderBytes);
    }
    while (this.objectsSeen < this.#count) {
      const { window } = this.#window;
      if (window.length < longestHeaderBytes && !isAll) break;
      const missing = this.#entry(window, isAll);
      if (missing === 0) continue;
      this.#tryAt = this.#window.end + missing;
      return;
    }
    this.#tryAt = this.#window.at + longestHeaderBytes;
  }

  /**
   * Takes one object apart.
   *
   * @param window Begins with it.
   * @returns 0, or how many bytes more to wait for because it has not arrived completely.
   */
  #entry(window: Uint8Array, isAll: boolean): number {
    const header = parsePackEntryHeader(window, 0);
    this.#spend(header.size);
    assertObjectSize(header.size);
    const compressed = window.subarray(
      header.length,
      header.length + mostCompressedBytes(header.size),
    );
    // A try that fails costs more than most that succeed: a small object is waited for until it must
    // be complete, and for a large one nothing is allocated because of a claim alone.
    const awaited = Math.max(
      Math.min(mostCompressedBytes(header.size), smallObjectBytes),
      fewestCompressedBytes(header.size),
    );
    const arrived = window.length - header.length;
    if (arrived < awaited && !isAll) {
      this.#inflated -= header.size;
      return awaited - arrived;
    }
    if (arrived < fewestCompressedBytes(header.size)) {
      // Whether it is damaged, too, can be told without room for what it claims.
      inflateObject(compressed, longestHeaderBytes);
      throw damaged("an object is cut off");
    }
    const inflated = inflateObject(compressed, header.size);
    if (inflated === undefined) {
      if (isAll || compressed.length < arrived) throw damaged("an object is cut off");
      this.#inflated -= header.size;
      // Each failed try inflates again from the object's start: wait for twice as much.
      return Math.max(window.length, smallObjectBytes);
    }
    const length = header.length + inflated.consumed;
    const crc = crc32(window.subarray(0, length));
    const offset = this.#window.at;
    this.#window.pass(length);
    this.#ends.set(offset, offset + length);
    const { content } = header;
    if (content.kind === "whole") {
      this.#add(offset, crc, { type: content.type, data: inflated.data });
    } else if (content.kind === "offsetDelta") {
      this.#addDelta(offset, crc, inflated.data, offset - content.distance);
    } else {
      const base = this.#offsetOf.get(content.base);
      if (base === undefined) this.#waiting.push({ offset, crc, base: content.base });
      else this.#addDelta(offset, crc, inflated.data, base);
    }
    return 0;
  }

  #addDelta(offset: number, crc: number, delta: Uint8Array, baseOffset: number): void {
    if (!this.#indexAt.has(baseOffset)) {
      // The base waits for its own base.
      if (this.#ends.has(baseOffset) && baseOffset < offset) {
        this.#waiting.push({ offset, crc, base: `@${baseOffset}` });
        return;
      }
      throw damaged("a delta's base is missing");
    }
    this.#cache.expectDeltas();
    const base = this.#pack.read(baseOffset);
    const left = this.#limits.inflatedBytes - this.#inflated;
    const data = applyDelta(delta, base.data, left);
    this.#spend(data.length);
    this.#add(offset, crc, { type: base.type, data });
  }

  #add(offset: number, crc: number, object: GitObject): void {
    const id = objectIdOf(object);
    this.#indexAt.set(offset, this.#objects.length);
    this.#offsetOf.set(id, offset);
    this.#objects.push({ id, offset, crc });
    this.#cache.set(offset, object);
    this.#sources.onObject?.(id, object, this);
  }

  /** Deltas that came before their base: each is done as soon as its base is known. */
  #resolveWaiting(): ReadonlyMap<string, unknown> {
    const byBase = Map.groupBy(this.#waiting, ({ base }) => base);
    const known = this.#objects.flatMap(({ id, offset }) => [id, `@${offset}`]);
    for (let base = known.pop(); base !== undefined; base = known.pop()) {
      const waiting = byBase.get(base);
      if (waiting === undefined) continue;
      byBase.delete(base);
      for (const { offset, crc } of waiting) {
        const object = this.#pack.read(offset);
        this.#spend(object.data.length);
        this.#add(offset, crc, object);
        this.#sources.onResolved?.(this.#objects.length);
        const added = this.#objects.at(-1);
        if (added) known.push(added.id, `@${added.offset}`);
      }
    }
    return byBase;
  }

  /** Appends the bases that the server knew to be here, and resolves what waits for them. */
  #complete(bases: Iterable<string>, end: number): Uint8Array {
    const completion = new ThinPackCompletion(this.#file, end);
    for (const id of bases) {
      // A delta that waits for one at an offset is resolved together with that one.
      if (id.startsWith("@")) continue;
      const object = this.#sources.findElsewhere?.(id);
      // In the pack itself, perhaps, as a delta that waits, too.
      if (object === undefined) continue;
      this.#spend(object.data.length);
      const { offset, end, crc } = completion.append(object);
      this.#ends.set(offset, end);
      this.#add(offset, crc, object);
    }
    this.#pack.forgetWindow();
    this.#waiting = this.#waiting.filter(({ offset }) => !this.#indexAt.has(offset));
    if (this.#resolveWaiting().size > 0) throw damaged("a delta's base is missing");
    return completion.seal(this.#objects.length);
  }

  #spend(bytes: number): void {
    const left = this.#limits.inflatedBytes - this.#inflated;
    if (bytes > left) throw tooMuch(this.#limits.inflatedBytes);
    this.#inflated += bytes;
  }
}
