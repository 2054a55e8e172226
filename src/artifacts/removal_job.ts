/** Takes away what checkouts wrote; what a Git worker does when a tenant goes. */
import { join } from "node:path";
import { returnBackup } from "./backup_return.ts";
import { forgetCheckouts, type GitDirectory, gitDirectoryAt } from "../git/git_directory.ts";
import { type JobPlaces, namesOf, type RemovalDone, type RemovalJob } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { assertPhysicalDirectory, isReachedPhysically, placeAt } from "../git/physical_path.ts";
import { PublishedRecord } from "./published_record.ts";
import { countFiles, currentTree, removeTrees, turnIntoDirectory } from "./published_trees.ts";
import { stagingPlaces } from "./staging_area.ts";
import {
  readIfPresentSync,
  removeIfEmptySync,
  removeSync,
  replaceFileSync,
} from "../git/synchronous_file.ts";
import { directoriesAbove } from "../git/tree_plan.ts";
import { unpushedFiles } from "./unpushed_files.ts";
import { surveyRemoval } from "./work_tree_survey.ts";

/**
 * Removes the files that checkouts wrote and nobody changed, then the directories that this leaves
 * empty, brings the backup back, and forgets the tenant's Git directory.
 *
 * Done again after a crash at any point, it finishes what was begun.
 *
 * @throws AgentError of kind `refused` when a symbolic link turned up on the way; anything else is the
 *   system's error.
 */
export function runRemoval(job: RemovalJob, runtime: JobRuntime = {}): RemovalDone {
  const directory = gitDirectoryAt(job.gitDirectory);
  const done = clear(job, directory, runtime);
  if (job.removesDestination) removeIfEmptySync(job.destination);
  forgetCheckouts(directory);
  runtime.faultPoint?.("record forgotten");
  removeSync(directory.path);
  return done;
}

/**
 * Finishes a removal that was interrupted, so that a checkout can begin from the start. The
 * destination stays.
 *
 * @returns `undefined` when there is none.
 */
export function finishRemoval(
  places: JobPlaces,
  runtime: JobRuntime = {},
): RemovalDone | undefined {
  const directory = gitDirectoryAt(places.gitDirectory);
  if (placeAt(directory.removing) === "absent") return undefined;
  const done = clear(places, directory, runtime);
  forgetCheckouts(directory);
  return done;
}

function clear(places: JobPlaces, directory: GitDirectory, runtime: JobRuntime): RemovalDone {
  const { destination, backup } = places;
  for (const place of stagingPlaces(places)) removeSync(place);
  const record = new PublishedRecord(directory);
  const isBegun = placeAt(directory.removing) !== "absent";
  // Nothing was ever published: a directory with the backup's name is not a backup of ours.
  if (record.isUntouched && !isBegun) return nothing;
  if (!isBegun) replaceFileSync(directory.removing, currentTree(destination) ?? "", true);
  runtime.faultPoint?.("removal announced");
  const { removed, changed } = isRemoved(directory)
    ? { removed: 0, changed: [] }
    : removePublished(places, directory, record, runtime);
  runtime.faultPoint?.("published files removed");
  const returned = backup === undefined ? undefined : bringBack(backup, places);
  runtime.faultPoint?.("backup returned");
  return {
    files: removed,
    localChanges: namesOf(changed),
    restored: returned?.files ?? 0,
    leftInBackup: namesOf(returned?.left ?? []),
    recordLost: record.lost !== undefined,
  };
}

/** What stands in the mark of a removal from then on: files that come back are not to be removed. */
const allRemoved = "removed";

function isRemoved({ removing }: GitDirectory): boolean {
  return new TextDecoder().decode(readIfPresentSync(removing)) === allRemoved;
}

function removePublished(
  { destination, trees }: JobPlaces,
  directory: GitDirectory,
  record: PublishedRecord,
  runtime: JobRuntime,
) {
  if (trees !== undefined) leaveTrees(destination, directory, runtime);
  const done = removeFiles(destination, record, unpushedFiles(directory));
  removeEmptyDirectories(destination, record);
  replaceFileSync(directory.removing, allRemoved, true);
  return done;
}

/** A destination that is a link becomes a directory first: what others put there stays, as always. */
function leaveTrees(destination: string, directory: GitDirectory, runtime: JobRuntime): void {
  const name = new TextDecoder().decode(readIfPresentSync(directory.removing));
  turnIntoDirectory(destination, name, runtime);
  removeTrees(destination);
  // A place for what comes back.
  if (placeAt(destination) === "absent") Deno.mkdirSync(destination);
}

function bringBack(backup: string, { destination, trees }: JobPlaces) {
  if (trees === undefined || placeAt(backup) !== "directory") {
    return returnBackup(backup, destination);
  }
  // It is the directory that was moved away, links and all: it comes back whole where there is room.
  if (placeAt(destination) === "directory") removeIfEmptySync(destination);
  if (placeAt(destination) !== "absent") return returnBackup(backup, destination);
  const files = countFiles(backup);
  Deno.renameSync(backup, destination);
  return { files, left: [] };
}

const nothing: RemovalDone = {
  files: 0,
  localChanges: namesOf([]),
  restored: 0,
  leftInBackup: namesOf([]),
  recordLost: false,
};

function removeFiles(root: string, record: PublishedRecord, isOnlyHere: (path: string) => boolean) {
  let removed = 0;
  const changed: string[] = [];
  for (const path of record.paths) {
    const found = surveyRemoval(root, path, record);
    const state = found === "unchanged" && isOnlyHere(path) ? "changed" : found;
    if (state === "changed") changed.push(path);
    if (state !== "unchanged") continue;
    // Looking took time.
    assertPhysicalDirectory(root, path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    Deno.removeSync(join(root, path));
    removed++;
  }
  return { removed, changed };
}

/** From the bottom up; also those that an interrupted removal emptied. */
function removeEmptyDirectories(root: string, record: PublishedRecord): void {
  for (const path of directoriesAbove(record.paths)) {
    if (isReachedPhysically(root, path)) removeIfEmptySync(join(root, path));
  }
}
