/** Reads the record of published files for a comparison with what is there now. */
import type { TrackedFiles } from "./commit_survey.ts";
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
    writtenMs: Math.floor(info.mtime?.getTime() ?? 0),
    isInterrupted: interrupted !== undefined,
    isRebuilt,
  };
}
