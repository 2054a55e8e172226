import { createHash } from "node:crypto";
import { reasonOf } from "../base/errors.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import { isSameFile, isStampOf, stampOf } from "../git/file_stamp.ts";
import {
  type EncodedIndex,
  encodeIndex,
  encodeIndexAfter,
  type IndexEntry,
  parseIndex,
} from "../git/index_file.ts";
import { pointerIdOf } from "../git/large_file_pointer.ts";
import { objectIdOf } from "../git/pack_object.ts";
import type { KnownRecord, RecordMemory } from "./record_memory.ts";
import { readIfPresentSync, removeSync, replaceFileSync } from "../git/synchronous_file.ts";

/** Larger files are taken for changed when their stamp says so, without reading them. */
const mostHashedBytes = 256 * 1024 * 1024;

/**
 * Which files earlier checkouts wrote, and how they looked. It tells local changes from our own files
 * and says what may be removed.
 */
export class PublishedRecord {
  readonly #directory: GitDirectory;
  readonly #memory: RecordMemory | undefined;
  readonly #known: KnownRecord | undefined;
  /** Of the last publication that was completed, by path. */
  readonly #placed: Map<string, IndexEntry>;
  /** Of publications that were interrupted: what is at the path may look so, too. */
  readonly #announced = new Map<string, IndexEntry>();
  /** No publication was ever completed. */
  readonly isFirst: boolean;
  /** A publication was interrupted: files it announced may be missing, and others gone already. */
  readonly isInterrupted: boolean;
  /** Why a record that exists could not be read. */
  readonly lost: string | undefined;

  /** @param memory Of the jobs before, where there were some; then of this one. */
  constructor(directory: GitDirectory, memory?: RecordMemory) {
    this.#directory = directory;
    this.#memory = memory;
    const interrupted = readIfPresentSync(directory.indexInProgress);
    this.isInterrupted = interrupted !== undefined;
    this.#known = this.isInterrupted ? undefined : memory?.find(directory);
    if (this.#known !== undefined) {
      this.isFirst = false;
      this.#placed = this.#known.placed;
      return;
    }
    this.#placed = new Map();
    const completed = readIfPresentSync(directory.index);
    this.isFirst = completed === undefined;
    for (
      const [file, entries] of [[completed, this.#placed], [interrupted, this.#announced]] as const
    ) {
      try {
        for (const entry of file === undefined ? [] : parseIndex(file)) {
          if (entry.stamp) entries.set(entry.path, entry);
        }
      } catch (error) {
        this.lost = reasonOf(error);
      }
    }
  }

  /** Paths of files that an earlier checkout wrote. */
  get paths(): Iterable<string> {
    return this.#allPaths ?? this.#placed.keys();
  }

  /** How many {@link paths} there are. */
  get size(): number {
    return this.#allPaths?.size ?? this.#placed.size;
  }

  get #allPaths(): ReadonlySet<string> | undefined {
    if (this.#announced.size === 0) return undefined;
    return new Set([...this.#placed.keys(), ...this.#announced.keys()]);
  }

  /** Files and links that the last completed publication left. */
  get placed(): Iterable<IndexEntry> {
    return this.#placed.values();
  }

  /** Whether no checkout has ever written a file, not even one that was interrupted. */
  get isUntouched(): boolean {
    return this.isFirst && this.#placed.size + this.#announced.size === 0;
  }

  /** Whether an earlier checkout wrote a file at the path. */
  has(path: string): boolean {
    return this.#placed.has(path) || this.#announced.has(path);
  }

  /** The entry of what the last completed publication left at the path. */
  placedAt(path: string): IndexEntry | undefined {
    return this.#placed.get(path);
  }

  /**
   * The entry that a file or a link still matches, or `undefined` when it was changed since or is not
   * ours. The very object that it was before, if nothing at all is different.
   *
   * @param absolute Where it is.
   * @param info As `lstat` tells it.
   */
  unchanged(path: string, absolute: string, info: Deno.FileInfo): IndexEntry | undefined {
    const placed = this.#placed.get(path);
    if (placed !== undefined && isUntouchedFile(placed, info)) return placed;
    const announced = this.#announced.get(path);
    if (placed === undefined && announced === undefined) return undefined;
    const entries = [placed, announced].filter((entry) => entry !== undefined);
    const stamp = stampOf(info);
    if (info.isSymlink) {
      const id = linkIdOf(Deno.readLinkSync(absolute));
      const equal = entries.find((entry) => entry.mode === 0o120000 && entry.id === id);
      if (equal === undefined) return undefined;
      return equal.stamp && isStampOf(equal.stamp, info) ? equal : { ...equal, stamp };
    }
    if (!info.isFile) return undefined;
    const same = entries.find(({ mode, stamp: then }) =>
      mode !== 0o120000 && then && isSameFile(then, stamp)
    );
    if (same) return isModeOf(info, same) ? { ...same, stamp } : undefined;
    const candidates = entries.filter((entry) =>
      entry.stamp?.size === stamp.size && isModeOf(info, entry)
    );
    if (candidates.length === 0 || stamp.size > mostHashedBytes) return undefined;
    // Touched, or restored by somebody: the content decides.
    const data = Deno.readFileSync(absolute);
    const id = objectIdOf({ type: "blob", data });
    // Of a file in Git LFS the tree knows the pointer alone.
    const equal = candidates.find((entry) => entry.id === id) ??
      candidates.find((entry) => entry.id === largeFileIdOf(data));
    return equal && { ...equal, stamp };
  }

  /**
   * Remembers what a publication that begins now will have written, beside all that is remembered
   * already: what is in place stays in the record until {@link finish}.
   *
   * @param announced What it brings into place, with the stamps that tell it there.
   * @param isDurable Also after a power cut. Needed where local changes must not be lost: without the
   *   record, what was published could not be told from them. Else a record that such a cut damaged is
   *   noticed, and everything is brought into place again.
   */
  begin(announced: readonly IndexEntry[], isDurable = true): void {
    for (const entry of announced) this.#announced.set(entry.path, entry);
    const all = encodeIndex([...this.#announced.values()]);
    replaceFileSync(this.#directory.indexInProgress, all, isDurable);
  }

  /** Makes the new record the only one. @param isDurable As for {@link begin}. */
  finish(entries: readonly IndexEntry[], isDurable = true): void {
    const known = this.#known;
    this.#memory?.forget();
    const encoded = encodeIndexAfter(entries, known?.encoded);
    replaceFileSync(this.#directory.index, encoded.bytes, isDurable);
    removeSync(this.#directory.indexInProgress);
    if (this.#memory === undefined) return;
    const placed = known?.placed ?? new Map<string, IndexEntry>();
    bringUpToDate(placed, known?.encoded.entries ?? [], encoded);
    this.#memory.keep(this.#directory, { encoded, placed });
  }
}

/** Most are there already. */
function bringUpToDate(
  placed: Map<string, IndexEntry>,
  former: readonly IndexEntry[],
  { entries, fresh }: EncodedIndex,
): void {
  const add = (entry: IndexEntry) => {
    if (entry.stamp) placed.set(entry.path, entry);
    else placed.delete(entry.path);
  };
  const dropped = former.length - (entries.length - fresh.length);
  const replaced = fresh.filter(({ path }) => placed.has(path)).length;
  if (replaced === dropped) return fresh.forEach(add);
  // Some are gone.
  placed.clear();
  entries.forEach(add);
}

/** The object id of a link with this target. */
function linkIdOf(target: string): string {
  return objectIdOf({ type: "blob", data: new TextEncoder().encode(target) });
}

/** The object id of the pointer to this content. */
function largeFileIdOf(data: Uint8Array): string {
  const sha256 = createHash("sha256").update(data).digest("hex");
  return pointerIdOf({ sha256, size: data.length });
}

/** The file that was written, and nobody has touched it: what most are, most of the time. */
export function isUntouchedFile({ mode, stamp }: IndexEntry, info: Deno.FileInfo): boolean {
  return stamp !== undefined && info.isFile && mode !== 0o120000 && isStampOf(stamp, info) &&
    ((info.mode ?? 0) & 0o100) !== 0 === (mode === 0o100755);
}

function isModeOf(info: Deno.FileInfo, entry: IndexEntry): boolean {
  if (entry.mode === 0o120000) return false;
  const executable = ((info.mode ?? 0) & 0o100) !== 0;
  return executable === (entry.mode === 0o100755);
}
