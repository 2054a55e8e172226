import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { type FileStamp, stampOf } from "../git/file_stamp.ts";
import { type IndexEntry } from "../git/index_file.ts";
import { parsePointer } from "../git/large_file_pointer.ts";
import { copyLargeFileSync, type LargeFileContents } from "./large_files.ts";
import type { JobRuntime } from "./job_runtime.ts";
import type { SecondThread } from "./second_thread.ts";
import { removeIfEmptySync, removeSync, writeNewFileSync } from "../git/synchronous_file.ts";
import { reservedName } from "../git/tree_entry_name.ts";
import type { JobPlaces } from "./git_job.ts";
import type { PlannedFile, TreeSource } from "../git/tree_plan.ts";

/** Files that wait for their publication, and what was seen while they were written. */
export interface StagedFiles {
  readonly entries: readonly IndexEntry[];
  /** Pointers of Git LFS, written as they are. */
  readonly largeFilePointers: readonly string[];
}

interface WrittenFile {
  readonly entry: IndexEntry;
  readonly isPointer: boolean;
}

const largeFilePointer = "version https://git-lfs.github.com/spec/";
const largestPointerBytes = 1024;

/**
 * Where files may wait: beside the destination, else inside it, for an APPLICATION_PATH that is a
 * mount point or whose parent cannot be written.
 */
export function stagingPlaces({ stagingDirectories, destination }: JobPlaces): string[] {
  return [...stagingDirectories, join(destination, reservedName)];
}

/**
 * A directory of one's own on the file system of the destination, where files are written before they
 * are renamed into place.
 */
export class StagingArea implements Disposable {
  readonly #path: string;
  /** Made for it: goes with it when nothing came there. */
  readonly #beside: string | undefined;
  /** The process's umask takes away bits that directories shall have: modes are set once more. */
  readonly #isMasked: boolean;
  /** Directories of the tree that are there. */
  readonly #made = new Set([""]);
  /** Files that {@link writeFile} wrote, by path. */
  readonly #written = new Map<string, WrittenFile>();

  private constructor(path: string, beside: string | undefined) {
    this.#path = path;
    this.#beside = beside;
    Deno.mkdirSync(this.tree, { mode: 0o755 });
    this.#isMasked = ((Deno.lstatSync(this.tree).mode ?? 0) & 0o755) !== 0o755;
    if (this.#isMasked) Deno.chmodSync(this.tree, 0o755);
  }

  /**
   * Opens the first place that can be used: that nobody else can enter, and from which files can be
   * renamed into the destination.
   *
   * @param places Directories that do not exist yet.
   * @param beside A directory that was made for what will come of it, and goes if nothing does.
   */
  static open(places: readonly string[], destination: string, beside?: string): StagingArea {
    const inside = join(destination, reservedName);
    const reasons: string[] = [];
    for (const place of places) {
      try {
        Deno.mkdirSync(place, { mode: 0o700 });
        if (place !== inside) assertRenames(place, inside);
        return new StagingArea(place, beside);
      } catch (error) {
        reasons.push(`${place}: ${reasonOf(error)}`);
        removeSync(place);
      }
    }
    if (beside !== undefined) removeIfEmptySync(beside);
    throw cannot("write beside", destination, reasons.join("; "), {
      kind: "permission",
      retryable: true,
    });
  }

  /** The directory itself, which nobody else can enter. */
  get path(): string {
    return this.#path;
  }

  /** Where the staged files are, laid out as in the destination. */
  get tree(): string {
    return join(this.#path, "tree");
  }

  /** Removes everything in it. */
  [Symbol.dispose](): void {
    removeSync(this.#path);
    if (this.#beside !== undefined) removeIfEmptySync(this.#beside);
  }

  /**
   * Writes one file with this content.
   *
   * @param second Does it instead, if it can: it is done once that one is settled.
   */
  writeFile({ path, id, mode }: PlannedFile, data: Uint8Array, second?: SecondThread): void {
    const isPointer = isLargeFilePointer(data);
    const onWritten = (stamp: FileStamp) => {
      this.#written.set(path, { entry: { path, id, mode, stamp }, isPointer });
    };
    const staged = this.#roomFor(path);
    if (second?.offer(staged, mode & 0o777, data, onWritten) === true) return;
    onWritten(stampOf(writeNewFileSync(staged, data, mode & 0o777)));
  }

  /** Whether all that {@link writeFile} wrote is among these files. */
  holdsOnly(files: readonly PlannedFile[]): boolean {
    let found = 0;
    for (const { path, id, mode } of files) {
      const entry = this.#written.get(path)?.entry;
      if (entry?.id === id && entry.mode === mode) found++;
    }
    return found === this.#written.size;
  }

  /**
   * Writes the files' contents, unless {@link writeFile} has done it.
   *
   * @param from The objects, and what pointers of Git LFS among them stand for.
   * @param mostBytes Of all files together.
   * @throws AgentError of kind `limit`, or whatever the source throws.
   */
  write(
    files: readonly PlannedFile[],
    { source, contents }: {
      readonly source: TreeSource;
      readonly contents?: LargeFileContents;
    },
    mostBytes: number,
    { progress, assertWanted }: Pick<JobRuntime, "progress" | "assertWanted"> = {},
  ): StagedFiles {
    const entries: IndexEntry[] = [];
    const largeFilePointers: string[] = [];
    let left = mostBytes;
    for (const { path, id, mode } of files) {
      assertWanted?.();
      const written = this.#written.get(path);
      if (written) {
        left -= written.entry.stamp?.size ?? 0;
        if (left < 0) throw tooMuch(mostBytes);
        if (written.isPointer) largeFilePointers.push(path);
        entries.push(written.entry);
        progress?.written(entries.length, files.length);
        continue;
      }
      const data = source.read(id, "blob");
      const large = contents && parsePointer(data);
      left -= large?.size ?? data.length;
      if (left < 0) throw tooMuch(mostBytes);
      if (!large && isLargeFilePointer(data)) largeFilePointers.push(path);
      const to = this.#roomFor(path);
      const info = contents && large
        ? copyLargeFileSync(
          { from: contents.pathOf(large), to, mode: mode & 0o777, name: path },
          large,
        )
        : writeNewFileSync(to, data, mode & 0o777);
      entries.push({ path, id, mode, stamp: stampOf(info) });
      progress?.written(entries.length, files.length);
    }
    return { entries, largeFilePointers };
  }

  /**
   * Takes over files that are already in another tree: as further names of the same files where the
   * file system can, else as copies.
   */
  adopt(files: readonly IndexEntry[], from: string): void {
    for (const { path } of files) {
      const target = join(this.tree, path);
      this.#makeDirectory(path.slice(0, Math.max(0, path.lastIndexOf("/"))), this.#made);
      try {
        Deno.linkSync(join(from, path), target);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) throw error;
        // With the file's mode.
        Deno.copyFileSync(join(from, path), target);
      }
    }
  }

  /** Where a file is to be written; its directory is there. */
  #roomFor(path: string): string {
    this.#makeDirectory(path.slice(0, Math.max(0, path.lastIndexOf("/"))), this.#made);
    return `${this.#path}/tree/${path}`;
  }

  #makeDirectory(relative: string, made: Set<string>): void {
    if (made.has(relative)) return;
    this.#makeDirectory(relative.slice(0, Math.max(0, relative.lastIndexOf("/"))), made);
    const path = join(this.tree, relative);
    Deno.mkdirSync(path, { mode: 0o755 });
    if (this.#isMasked) Deno.chmodSync(path, 0o755);
    made.add(relative);
  }
}

/** Both on one file system, tried out: bind mounts look like one and are not. */
function assertRenames(place: string, inside: string): void {
  const probe = join(place, "probe");
  Deno.mkdirSync(probe, { mode: 0o700 });
  Deno.renameSync(probe, inside);
  Deno.removeSync(inside);
}

function isLargeFilePointer(data: Uint8Array): boolean {
  return data.length <= largestPointerBytes &&
    new TextDecoder().decode(data.subarray(0, largeFilePointer.length)) === largeFilePointer;
}

function tooMuch(mostBytes: number) {
  return cannot(
    "check out",
    "the repository",
    `its files have more than ${mostBytes} bytes (artifact.limit.bytes)`,
    { kind: "limit" },
  );
}
