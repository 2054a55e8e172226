/** Compares a directory with what it should hold; reads only. */
import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import { stampOf } from "../git/file_stamp.ts";
import type { IndexEntry } from "../git/index_file.ts";
import type { PlannedLink } from "../git/link_target.ts";
import { divideLinks } from "./foreign_links.ts";
import { notADirectory, placeAt } from "../git/physical_path.ts";
import type { PublishedRecord } from "./published_record.ts";
import type { WorkTreeGlance } from "./work_tree_glance.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";
import {
  ancestorsOf,
  type LeftOutEntry,
  type PlannedFile,
  type TreePlan,
} from "../git/tree_plan.ts";

/** What has to be done to a directory. */
export interface Survey {
  /** To be written, new or over what is there. */
  readonly write: readonly PlannedFile[];
  /** Links to be made, new or over what is there. */
  readonly link: readonly PlannedLink[];
  /** Links that lead out of the directory through a link of somebody else's. */
  readonly leftOut: readonly LeftOutEntry[];
  /** In place already. */
  readonly keep: readonly IndexEntry[];
  /** Files and links of earlier checkouts that the repository has no more; to be removed. */
  readonly remove: readonly string[];
  /** Files changed or deleted since the last checkout, and foreign files under names of ours. */
  readonly localChanges: readonly string[];
}

/**
 * Finds out what a publication has to do.
 *
 * @param glance What was seen of the same directory just now, and is not looked at again.
 * @throws AgentError of kind `refused` when a symbolic link is on the way to a file, or when files of
 * others stand where the repository has a directory or a file: nothing of others is removed.
 */
export function surveyWorkTree(
  root: string,
  plan: TreePlan,
  record: PublishedRecord,
  glance?: WorkTreeGlance,
): Survey {
  const absent = absentDirectories(root, plan, record, glance);
  const write: PlannedFile[] = [];
  const link: PlannedLink[] = [];
  // A link of an earlier checkout goes, if this one does not want it.
  const { links, leftOut } = divideLinks(root, plan.links, (path) => record.has(path));
  const keep: IndexEntry[] = [];
  const localChanges: string[] = [];
  let ours = 0;
  const needed = (entry: PlannedFile | PlannedLink) => {
    if (entry.mode === 0o120000) link.push(entry);
    else write.push(entry);
  };
  const isIn = (directories: ReadonlySet<string>, path: string) =>
    directories.has(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  const planned = links.length === 0 ? plan.files : [...plan.files, ...links];
  for (const file of planned) {
    const { path, id, mode } = file;
    if (glance !== undefined) {
      const placed = record.placedAt(path);
      if (placed?.id === id && placed.mode === mode && glance.sawUntouched(placed)) {
        ours++;
        keep.push(placed);
        continue;
      }
    }
    const isOurs = record.has(path);
    if (isOurs) ours++;
    // Paths of a plan are in their simplest form: nothing to normalise, thousands of times.
    const absolute = `${root}/${path}`;
    const isGone = absent.size > 0 && isIn(absent, path);
    const info = isGone ? undefined : lstatIfPresentSync(absolute);
    if (info === undefined) {
      if (isOurs && !record.isInterrupted) localChanges.push(path);
      needed(file);
      continue;
    }
    if (info.isDirectory) assertOnlyOurs(root, path, record);
    const unchanged = record.unchanged(path, absolute, info);
    if (unchanged?.id === id && unchanged.mode === mode) {
      keep.push(unchanged);
      continue;
    }
    // Whoever made it: nobody loses anything.
    if ("target" in file && info.isSymlink && Deno.readLinkSync(absolute) === file.target) {
      keep.push({ path, id, mode, stamp: stampOf(info) });
      continue;
    }
    if (unchanged === undefined && !info.isDirectory) localChanges.push(path);
    needed(file);
  }
  const remove: string[] = [];
  for (const path of ours === record.size ? [] : pathsBeside(planned, record)) {
    const state = surveyRemoval(root, path, record);
    if (state !== "absent") remove.push(path);
    if (state === "changed") localChanges.push(path);
  }
  return { write, link, leftOut, keep, remove, localChanges };
}

/** What earlier checkouts wrote and this one does not. */
function pathsBeside(
  planned: readonly { readonly path: string }[],
  record: PublishedRecord,
): readonly string[] {
  const paths = new Set(planned.map(({ path }) => path));
  return [...record.paths].filter((path) => !paths.has(path));
}

/** Which of the plan's directories do not exist; those that a file or link of ours stands for count. */
function absentDirectories(
  root: string,
  plan: TreePlan,
  record: PublishedRecord,
  glance: WorkTreeGlance | undefined,
): ReadonlySet<string> {
  const absent = new Set<string>();
  for (const directory of plan.directories) {
    if (glance?.sawDirectory(directory)) continue;
    const parent = directory.slice(0, Math.max(0, directory.lastIndexOf("/")));
    const absolute = `${root}/${directory}`;
    const place = absent.has(parent) ? "absent" : placeAt(absolute);
    const isOurs = (place === "file" || place === "link") && record.has(directory);
    if (isOurs || place === "absent") absent.add(directory);
    else if (place === "link") throw notADirectory(absolute, place);
    else if (place !== "directory") throw inTheWay(absolute, "a file that is not the repository's");
  }
  return absent;
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
