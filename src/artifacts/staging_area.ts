import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { type IndexEntry, stampOf } from "./index_file.ts";
import { removeSync } from "./synchronous_file.ts";
import { reservedName } from "./tree_entry_name.ts";
import type { JobPlaces } from "./git_job.ts";
import type { PlannedFile, TreeSource } from "./tree_plan.ts";

/** Files that wait for their publication, and what was seen while they were written. */
export interface StagedFiles {
  readonly entries: readonly IndexEntry[];
  /** Pointers of Git LFS, written as they are. */
  readonly largeFilePointers: readonly string[];
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
  /** The process's umask takes away bits that files shall have: modes are set once more. */
  readonly #isMasked: boolean;

  private constructor(path: string) {
    this.#path = path;
    Deno.mkdirSync(this.tree, { mode: 0o755 });
    this.#isMasked = ((Deno.lstatSync(this.tree).mode ?? 0) & 0o755) !== 0o755;
    if (this.#isMasked) Deno.chmodSync(this.tree, 0o755);
  }

  /**
   * Opens the first place that can be used: that nobody else can enter, and from which files can be
   * renamed into the destination.
   *
   * @param places Directories that do not exist yet.
   */
  static open(places: readonly string[], destination: string): StagingArea {
    const inside = join(destination, reservedName);
    const reasons: string[] = [];
    for (const place of places) {
      try {
        Deno.mkdirSync(place, { mode: 0o700 });
        if (place !== inside) assertRenames(place, inside);
        return new StagingArea(place);
      } catch (error) {
        reasons.push(`${place}: ${reasonOf(error)}`);
        removeSync(place);
      }
    }
    throw cannot("write beside", destination, reasons.join("; "), {
      kind: "permission",
      retryable: true,
    });
  }

  /** Where the staged files are, laid out as in the destination. */
  get tree(): string {
    return join(this.#path, "tree");
  }

  /** Removes everything in it. */
  [Symbol.dispose](): void {
    removeSync(this.#path);
  }

  /**
   * Writes the files' contents.
   *
   * @param mostBytes Of all files together.
   * @throws AgentError of kind `limit`, or whatever the source throws.
   */
  write(files: readonly PlannedFile[], source: TreeSource, mostBytes: number): StagedFiles {
    const made = new Set([""]);
    const entries: IndexEntry[] = [];
    const largeFilePointers: string[] = [];
    let left = mostBytes;
    for (const { path, id, mode } of files) {
      const data = source.read(id, "blob");
      left -= data.length;
      if (left < 0) throw tooMuch(mostBytes);
      if (isLargeFilePointer(data)) largeFilePointers.push(path);
      this.#makeDirectory(path.slice(0, Math.max(0, path.lastIndexOf("/"))), made);
      const staged = join(this.tree, path);
      Deno.writeFileSync(staged, data, { createNew: true, mode: mode & 0o777 });
      if (this.#isMasked) Deno.chmodSync(staged, mode & 0o777);
      entries.push({ path, id, mode, stamp: stampOf(Deno.lstatSync(staged)) });
    }
    return { entries, largeFilePointers };
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
