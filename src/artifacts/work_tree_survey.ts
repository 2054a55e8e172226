/** Compares a directory with what it should hold; reads only. */
import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import type { IndexEntry } from "./index_file.ts";
import { notADirectory, type Place, placeAt } from "./physical_path.ts";
import type { PublishedRecord } from "./published_record.ts";
import { lstatIfPresentSync } from "./synchronous_file.ts";
import { ancestorsOf, type PlannedFile, type TreePlan } from "./tree_plan.ts";

/** What has to be done to a directory. */
export interface Survey {
  /** To be written, new or over what is there. */
  readonly write: readonly PlannedFile[];
  /** In place already. */
  readonly keep: readonly IndexEntry[];
  /** Files of earlier checkouts that the repository has no more; to be removed. */
  readonly remove: readonly string[];
  /** Files changed or deleted since the last checkout, and foreign files under names of ours. */
  readonly localChanges: readonly string[];
}

/**
 * Finds out what a publication has to do.
 *
 * @throws AgentError of kind `refused` when a symbolic link is on the way to a file, or when files of
 * others stand where the repository has a directory or a file: nothing of others is removed.
 */
export function surveyWorkTree(root: string, plan: TreePlan, record: PublishedRecord): Survey {
  const directories = surveyDirectories(root, plan, record);
  const write: PlannedFile[] = [];
  const keep: IndexEntry[] = [];
  const localChanges: string[] = [];
  const planned = new Set<string>();
  for (const file of plan.files) {
    planned.add(file.path);
    const absolute = join(root, file.path);
    const parent = file.path.slice(0, Math.max(0, file.path.lastIndexOf("/")));
    const info = directories.get(parent) === "absent" ? undefined : lstatIfPresentSync(absolute);
    if (info === undefined) {
      if (record.has(file.path) && !record.isInterrupted) localChanges.push(file.path);
      write.push(file);
      continue;
    }
    if (info.isDirectory) assertOnlyOurs(root, file.path, record);
    const unchanged = record.unchanged(file.path, absolute, info);
    if (unchanged?.id === file.id && unchanged.mode === file.mode) {
      keep.push(unchanged);
      continue;
    }
    if (unchanged === undefined && !info.isDirectory) localChanges.push(file.path);
    write.push(file);
  }
  const remove: string[] = [];
  for (const path of record.paths) {
    if (planned.has(path)) continue;
    const state = surveyRemoval(root, path, record);
    if (state !== "absent") remove.push(path);
    if (state === "changed") localChanges.push(path);
  }
  return { write, keep, remove, localChanges };
}

/** Which of the plan's directories exist; those that a file of ours stands for count as absent. */
function surveyDirectories(
  root: string,
  plan: TreePlan,
  record: PublishedRecord,
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const directory of plan.directories) {
    const parent = directory.slice(0, Math.max(0, directory.lastIndexOf("/")));
    const absolute = join(root, directory);
    const place = places.get(parent) === "absent" ? "absent" : placeAt(absolute);
    if (place === "file" && record.has(directory)) places.set(directory, "absent");
    else if (place === "absent" || place === "directory") places.set(directory, place);
    else if (place === "link") throw notADirectory(absolute, place);
    else throw inTheWay(absolute, "a file that is not the repository's");
  }
  return places;
}

/** What has become of a file that an earlier checkout wrote; looks through no link. */
export function surveyRemoval(
  root: string,
  path: string,
  record: PublishedRecord,
): "absent" | "unchanged" | "changed" {
  for (const ancestor of ancestorsOf(path)) {
    // Where a link or a file took the directory's place, nothing of ours is left.
    if (placeAt(join(root, ancestor)) !== "directory") return "absent";
  }
  const absolute = join(root, path);
  const info = lstatIfPresentSync(absolute);
  if (info === undefined || info.isDirectory) return "absent";
  return record.unchanged(path, absolute, info) ? "unchanged" : "changed";
}

/** A directory that becomes a file goes away only when nothing but files of ours is in it. */
function assertOnlyOurs(root: string, directory: string, record: PublishedRecord): void {
  for (const { name, isDirectory } of Deno.readDirSync(join(root, directory))) {
    const path = `${directory}/${name}`;
    if (isDirectory) assertOnlyOurs(root, path, record);
    else if (!record.has(path)) {
      throw inTheWay(join(root, directory), "a directory with files that are not the repository's");
    }
  }
}

function inTheWay(path: string, what: string): AgentError {
  return cannot("write", path, `${what} is in the way; move it away`, { kind: "refused" });
}
