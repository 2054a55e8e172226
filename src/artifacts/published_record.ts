import { reasonOf } from "../base/errors.ts";
import type { GitDirectory } from "./git_directory.ts";
import { encodeIndex, type IndexEntry, isSameFile, parseIndex, stampOf } from "./index_file.ts";
import { objectIdOf } from "./pack_object.ts";
import { readIfPresentSync, removeSync, replaceFileSync } from "./synchronous_file.ts";

/** Larger files are taken for changed when their stamp says so, without reading them. */
const mostHashedBytes = 256 * 1024 * 1024;

/**
 * Which files earlier checkouts wrote, and how they looked. It tells local changes from our own files
 * and says what may be removed.
 */
export class PublishedRecord {
  readonly #directory: GitDirectory;
  /** A path may have two entries: of the last publication, and of one that was interrupted. */
  readonly #entries = new Map<string, IndexEntry[]>();
  /** No publication was ever completed. */
  readonly isFirst: boolean;
  /** A publication was interrupted: files it announced may be missing, and others gone already. */
  readonly isInterrupted: boolean;
  /** Why a record that exists could not be read. */
  readonly lost: string | undefined;

  constructor(directory: GitDirectory) {
    this.#directory = directory;
    const files = [directory.index, directory.indexInProgress].map(readIfPresentSync);
    this.isFirst = files[0] === undefined;
    this.isInterrupted = files[1] !== undefined;
    for (const file of files) {
      if (file === undefined) continue;
      try {
        for (const entry of parseIndex(file)) {
          if (!entry.stamp) continue;
          this.#entries.set(entry.path, [...this.#entries.get(entry.path) ?? [], entry]);
        }
      } catch (error) {
        this.lost = reasonOf(error);
      }
    }
  }

  /** Paths of files that an earlier checkout wrote. */
  get paths(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Whether no checkout has ever written a file, not even one that was interrupted. */
  get isUntouched(): boolean {
    return this.isFirst && this.#entries.size === 0;
  }

  /** Whether an earlier checkout wrote a file at the path. */
  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /**
   * The entry that a file still matches, or `undefined` when it was changed since or is not ours.
   *
   * @param absolute Where the file is.
   * @param info As `lstat` tells it.
   */
  unchanged(path: string, absolute: string, info: Deno.FileInfo): IndexEntry | undefined {
    const entries = this.#entries.get(path);
    if (entries === undefined || !info.isFile) return undefined;
    const stamp = stampOf(info);
    const same = entries.find((entry) => entry.stamp && isSameFile(entry.stamp, stamp));
    if (same) return isModeOf(info, same) ? { ...same, stamp } : undefined;
    const candidates = entries.filter((entry) =>
      entry.stamp?.size === stamp.size && isModeOf(info, entry)
    );
    if (candidates.length === 0 || stamp.size > mostHashedBytes) return undefined;
    // Touched, or restored by somebody: the content decides.
    const id = objectIdOf({ type: "blob", data: Deno.readFileSync(absolute) });
    const equal = candidates.find((entry) => entry.id === id);
    return equal && { ...equal, stamp };
  }

  /**
   * Remembers what a publication that begins now will have written. What is still to be removed stays
   * in the record until {@link finish}.
   */
  begin(entries: readonly IndexEntry[]): void {
    const all = new Map<string, IndexEntry>();
    for (const [path, [entry]] of this.#entries) if (entry) all.set(path, entry);
    for (const entry of entries) all.set(entry.path, entry);
    replaceFileSync(this.#directory.indexInProgress, encodeIndex([...all.values()]), true);
  }

  /** Makes the new record the only one. */
  finish(entries: readonly IndexEntry[]): void {
    replaceFileSync(this.#directory.index, encodeIndex(entries), true);
    removeSync(this.#directory.indexInProgress);
  }
}

function isModeOf(info: Deno.FileInfo, entry: IndexEntry): boolean {
  const executable = ((info.mode ?? 0) & 0o100) !== 0;
  return executable === (entry.mode === 0o100755);
}
