/** The cheap question whether there is anything to commit or to push; asked in every round. */
import { trackedFiles } from "./commit_record.ts";
import { unpushedBase } from "../git/unpushed_commits.ts";
import { surveyChanges } from "./commit_survey.ts";
import { gitDirectoryAt, publishedCommit } from "../git/git_directory.ts";
import { placeAt } from "../git/physical_path.ts";

/** Where to look. */
export interface WatchedPlaces {
  readonly gitDirectory: string;
  readonly destination: string;
  readonly mostFileBytes: number;
  /** The remote is empty: the first commit may be ours. */
  readonly mayBegin: boolean;
}

/**
 * Looks at names and stamps of files, reads none of them, and pauses now and then.
 *
 * @throws AgentError when a directory cannot be read.
 */
export async function hasLocalChanges(
  { gitDirectory, destination, mostFileBytes, mayBegin }: WatchedPlaces,
  signal: AbortSignal,
): Promise<boolean> {
  const directory = gitDirectoryAt(gitDirectory);
  if (unpushedBase(directory) !== undefined) return true;
  const isBeginning = mayBegin && publishedCommit(directory) === undefined &&
    placeAt(directory.indexInProgress) === "absent";
  let tracked;
  try {
    tracked = trackedFiles(directory) ??
      (isBeginning
        ? { entries: new Map(), announced: new Map(), writtenMs: 0, isInterrupted: false }
        : undefined);
  } catch {
    // A damaged record: whoever commits compares with the published commit.
    return true;
  }
  if (tracked === undefined) return false;
  const steps = surveyChanges({ root: destination, tracked, mostFileBytes, isQuick: true });
  while (true) {
    const { done, value } = steps.next();
    if (done) return value.changed.length + value.deleted.length > 0;
    // Others have their turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal.throwIfAborted();
  }
}
