import { createHash } from "node:crypto";
import { reasonOf } from "../base/errors.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import { stampOf } from "../git/file_stamp.ts";
import { encodeIndex, type IndexEntry, isSameFile, parseIndex } from "../git/index_file.ts";
import { pointerIdOf } from "../git/large_file_pointer.ts";
import { objectIdOf } from "../git/pack_object.ts";
import { readIfPresentSync, removeSync, replaceFileSync } from "../git/synchronous_file.ts";

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
          const known = this.#entries.get(entry.path);
          if (known) known.push(entry);
          else this.#entries.set(entry.path, [entry]);
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
   * The entry that a file or a link still matches, or `undefined` when it was changed since or is not
   * ours.
   *
   * @param absolute Where it is.
   * @param info As `lstat` tells it.
   */
  unchanged(path: string, absolute: string, info: Deno.FileInfo): IndexEntry | undefined {
    const entries = this.#entries.get(path);
    if (entries === undefined) return undefined;
    const stamp = stampOf(info);
    if (info.isSymlink) {
      const id = linkIdOf(Deno.readLinkSync(absolute));
      const equal = entries.find((entry) => entry.mode === 0o120000 && entry.id === id);
      return equal && { ...equal, stamp };
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

/** The object id of a link with this target. */
function linkIdOf(target: string): string {
  return objectIdOf({ type: "blob", data: new TextEncoder().encode(target) });
}

/** The object id of the pointer to this content. */
function largeFileIdOf(data: Uint8Array): string {
  const sha256 = createHash("sha256").update(data).digest("hex");
  return pointerIdOf({ sha256, size: data.length });
}

function isModeOf(info: Deno.FileInfo, entry: IndexEntry): boolean {
  if (entry.mode === 0o120000) return false;
  const executable = ((info.mode ?? 0) & 0o100) !== 0;
  return executable === (entry.mode === 0o100755);
}
