/**
 * Brings staged files into place by renaming, file by file, or a whole directory where there is none
 * yet: nobody sees half a file, and what others put there stays. Symbolic links come after all files,
 * so that no file is ever written through one.
 */
import { join } from "node:path";
import { stampOf } from "../git/file_stamp.ts";
import { type IndexEntry } from "../git/index_file.ts";
import { assertPhysicalDirectory, placeAt } from "../git/physical_path.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { ancestorsOf, directoriesAbove, type TreePlan } from "../git/tree_plan.ts";
import { removeIfEmptySync } from "../git/synchronous_file.ts";

/** What is to be done, as the survey found it. */
export interface Publication {
  /** The destination. */
  readonly root: string;
  /** Where the staged files are, laid out as in the destination. */
  readonly stagedTree: string;
  /** The same for links; absent when there are none. */
  readonly stagedLinks?: string;
  /** Files and links. */
  readonly staged: readonly IndexEntry[];
  readonly remove: readonly string[];
  readonly plan: TreePlan;
}

/**
 * Publishes.
 *
 * @returns The staged entries with their stamps as they are now.
 * @throws AgentError of kind `refused` when a symbolic link turned up since the survey.
 */
export function publish(publication: Publication, runtime: JobRuntime = {}): IndexEntry[] {
  const { root, stagedTree, stagedLinks, staged, plan, remove } = publication;
  const isInTheWay = remove.length === 0 ? () => false : obstacleIn(plan);
  // First what would stand in the way; the rest only when its replacement is there.
  removeFiles(root, remove.filter(isInTheWay));
  runtime.faultPoint?.("obstacles removed");
  const renamed = new Set<string>();
  merge(root, stagedTree, "", renamed);
  runtime.faultPoint?.("files published");
  if (stagedLinks !== undefined) merge(root, stagedLinks, "", renamed);
  runtime.faultPoint?.("links published");
  removeFiles(root, remove.filter((path) => !isInTheWay(path)));
  removeEmptyDirectories(root, remove);
  runtime.faultPoint?.("old files removed");
  return staged.map((entry) => {
    // Renaming a file changes its ctime, which native Git compares.
    if (!renamed.has(entry.path)) return entry;
    return { ...entry, stamp: stampOf(Deno.lstatSync(join(root, entry.path))) };
  });
}

/** Says of a path whether what is there must go before the plan's files can come. */
function obstacleIn(plan: TreePlan): (path: string) => boolean {
  const files = new Set([...plan.files, ...plan.links].map(({ path }) => path));
  const directories = new Set(plan.directories);
  return (path) =>
    directories.has(path) || ancestorsOf(path).some((ancestor) => files.has(ancestor));
}

/** Renames all that is staged in one directory into another one. */
export function mergeStaged(root: string, staged: string): void {
  merge(root, staged, "", new Set());
}

function merge(root: string, stagedTree: string, relative: string, renamed: Set<string>): void {
  const source = join(stagedTree, relative);
  const entries = [...Deno.readDirSync(source)];
  assertPhysicalDirectory(root, relative);
  const below = [];
  for (const { name, isDirectory } of entries) {
    const path = relative === "" ? name : `${relative}/${name}`;
    const target = join(root, path);
    if (isDirectory && placeAt(target) !== "absent") {
      below.push(path);
      continue;
    }
    if (!isDirectory && placeAt(target) === "directory") removeEmptyTree(target);
    // A link at the target is replaced, not followed, and so is one that is brought there.
    Deno.renameSync(join(source, name), target);
    if (!isDirectory) renamed.add(path);
  }
  for (const path of below) merge(root, stagedTree, path, renamed);
}

function removeFiles(root: string, paths: readonly string[]): void {
  for (const path of paths) {
    assertPhysicalDirectory(root, path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    const place = placeAt(join(root, path));
    if (place !== "absent" && place !== "directory") Deno.removeSync(join(root, path));
  }
}

/** A directory that becomes a file. Fails when there is still a file in it. */
function removeEmptyTree(path: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) removeEmptyTree(join(path, name));
  }
  Deno.removeSync(path);
}

/** Directories that lost their last file, from the bottom up. */
function removeEmptyDirectories(root: string, removed: readonly string[]): void {
  for (const relative of directoriesAbove(removed)) {
    removeIfEmptySync(join(root, relative));
  }
}
