/** Takes away what checkouts wrote; what a Git worker does when a tenant goes. */
import { join } from "node:path";
import { returnBackup } from "./backup_return.ts";
import { forgetCheckouts, type GitDirectory, gitDirectoryAt } from "./git_directory.ts";
import { type JobPlaces, namesOf, type RemovalDone, type RemovalJob } from "./git_job.ts";
import { assertPhysicalDirectory, isReachedPhysically, placeAt } from "./physical_path.ts";
import { PublishedRecord } from "./published_record.ts";
import { stagingPlaces } from "./staging_area.ts";
import { removeSync, replaceFileSync } from "./synchronous_file.ts";
import { directoriesAbove } from "./tree_plan.ts";
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
export function runRemoval(job: RemovalJob): RemovalDone {
  const directory = gitDirectoryAt(job.gitDirectory);
  const done = clear(job, directory);
  if (job.removesDestination) removeIfEmpty(job.destination);
  forgetCheckouts(directory);
  removeSync(directory.path);
  return done;
}

/**
 * Finishes a removal that was interrupted, so that a checkout can begin from the start. The
 * destination stays.
 *
 * @returns `undefined` when there is none.
 */
export function finishRemoval(places: JobPlaces): RemovalDone | undefined {
  const directory = gitDirectoryAt(places.gitDirectory);
  if (placeAt(directory.removing) === "absent") return undefined;
  const done = clear(places, directory);
  forgetCheckouts(directory);
  return done;
}

function clear(places: JobPlaces, directory: GitDirectory): RemovalDone {
  const { destination, backup } = places;
  for (const place of stagingPlaces(places)) removeSync(place);
  const record = new PublishedRecord(directory);
  const isBegun = placeAt(directory.removing) !== "absent";
  // Nothing was ever published: a directory with the backup's name is not a backup of ours.
  if (record.isUntouched && !isBegun) return nothing;
  if (!isBegun) replaceFileSync(directory.removing, "", true);
  const { removed, changed } = removeFiles(destination, record);
  removeEmptyDirectories(destination, record);
  const returned = backup === undefined ? undefined : returnBackup(backup, destination);
  return {
    files: removed,
    localChanges: namesOf(changed),
    restored: returned?.files ?? 0,
    leftInBackup: namesOf(returned?.left ?? []),
    recordLost: record.lost !== undefined,
  };
}

const nothing: RemovalDone = {
  files: 0,
  localChanges: namesOf([]),
  restored: 0,
  leftInBackup: namesOf([]),
  recordLost: false,
};

function removeFiles(root: string, record: PublishedRecord) {
  let removed = 0;
  const changed: string[] = [];
  for (const path of record.paths) {
    const state = surveyRemoval(root, path, record);
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
    if (isReachedPhysically(root, path)) removeIfEmpty(join(root, path));
  }
}

function removeIfEmpty(path: string): void {
  if (placeAt(path) !== "directory") return;
  // A directory with something in it is never removed by this call, whoever is faster.
  if (Deno.readDirSync(path)[Symbol.iterator]().next().done) Deno.removeSync(path);
}
