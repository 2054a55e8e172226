/** Reads the record of published files for a comparison with what is there now. */
import { cannot } from "../base/errors.ts";
import type { TrackedFiles } from "./local_changes.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import { type IndexEntry, parseIndex } from "../git/index_file.ts";
import { lstatIfPresentSync, readIfPresentSync } from "../git/synchronous_file.ts";

/**
 * What the record says.
 *
 * @param filesOfCommit What the published commit holds, for a record that is damaged.
 * @returns `undefined` when no publication was ever completed.
 * @throws AgentError when the record is damaged and nothing stands in for it.
 */
export function trackedFiles(
  directory: GitDirectory,
  filesOfCommit?: () => readonly IndexEntry[],
): TrackedFiles | undefined {
  const info = lstatIfPresentSync(directory.index);
  const bytes = readIfPresentSync(directory.index);
  if (info === undefined || bytes === undefined) return undefined;
  let entries: readonly IndexEntry[];
  let isRebuilt = false;
  try {
    entries = parseIndex(bytes);
  } catch (error) {
    if (filesOfCommit === undefined) throw error;
    entries = filesOfCommit();
    isRebuilt = true;
  }
  const interrupted = readIfPresentSync(directory.indexInProgress);
  let announced: readonly IndexEntry[] = [];
  try {
    if (interrupted) announced = parseIndex(interrupted);
  } catch (error) {
    // What it announced counts as a local change then, and is merged.
    if (filesOfCommit === undefined) throw error;
  }
  return {
    entries: new Map(entries.map((entry) => [entry.path, entry])),
    announced: new Map(announced.map((entry) => [entry.path, entry])),
    writtenMs: writtenAt(info),
    isInterrupted: interrupted !== undefined,
    isRebuilt,
  };
}

/** What a checkout left out (submodules, links, what is not in its part) is missing, not removed. */
export function isPlaced({ isRebuilt }: TrackedFiles, { mode, stamp }: IndexEntry): boolean {
  if (stamp !== undefined) return mode !== 0o160000;
  return isRebuilt === true && (mode === 0o100644 || mode === 0o100755);
}

/** How many files should be there. */
export function countPlaced(tracked: TrackedFiles): number {
  let count = 0;
  for (const entry of tracked.entries.values()) if (isPlaced(tracked, entry)) count++;
  return count;
}

/** The record of a publication that is complete, read when somebody asks for an entry. */
export class RecordOnDemand implements TrackedFiles {
  readonly announced: ReadonlyMap<string, IndexEntry> = new Map();
  readonly isInterrupted = false;
  readonly writtenMs: number;
  readonly #directory: GitDirectory;
  #entries: TrackedFiles["entries"] | undefined;
  #isDamaged = false;

  /** @param written What the system says of the record. */
  constructor(directory: GitDirectory, written: Deno.FileInfo) {
    this.#directory = directory;
    this.writtenMs = writtenAt(written);
  }

  /** Whether it could not be read. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** @throws Error when the record is damaged or gone. */
  get entries(): TrackedFiles["entries"] {
    if (this.#entries !== undefined) return this.#entries;
    this.#isDamaged = true;
    const tracked = trackedFiles(this.#directory);
    if (tracked === undefined) {
      throw cannot("read", this.#directory.index, "it is gone", { kind: "input" });
    }
    this.#isDamaged = false;
    return this.#entries = tracked.entries;
  }
}

function writtenAt({ mtime }: Deno.FileInfo): number {
  return Math.floor(mtime?.getTime() ?? 0);
}
