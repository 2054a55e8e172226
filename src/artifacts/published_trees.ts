/**
 * Publication by one link: complete trees beside each other in `<destination>.agent/trees`, none of
 * which is changed once it is there, and a symbolic link in the destination's place that is switched
 * from one to the next by a single rename.
 */
import { basename, dirname, join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import { type BackupNote, namesOf } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { stagedLinksIn, stageLinks } from "./link_staging.ts";
import { placeAt } from "../git/physical_path.ts";
import {
  isEmptySync,
  readIfPresentSync,
  removeSync,
  replaceFileSync,
} from "../git/synchronous_file.ts";

const treeName = /^[0-9a-f]{40}(?:\.\d{1,6})?$/;

/** Where the trees of a destination are. */
export function treesOf(destination: string): string {
  return join(`${destination}.agent`, "trees");
}

/** The name of the tree that a destination leads to; `undefined` when it is no link of the agent's. */
export function currentTree(destination: string): string | undefined {
  if (placeAt(destination) !== "link") return undefined;
  const parts = Deno.readLinkSync(destination).split("/");
  const [agent, trees, name] = parts;
  const isOurs = parts.length === 3 && agent === `${basename(destination)}.agent` &&
    trees === "trees" && name !== undefined && treeName.test(name);
  return isOurs ? name : undefined;
}

/** A name for the tree of a commit that no tree has yet. */
export function freeTreeName(destination: string, commit: string): string {
  const isFree = (name: string) => placeAt(join(treesOf(destination), name)) === "absent";
  if (isFree(commit)) return commit;
  let count = 2;
  while (!isFree(`${commit}.${count}`)) count++;
  return `${commit}.${count}`;
}

/** How the destination gives way to the link. */
export type Room = "free" | "empty" | "backup";

/**
 * How the destination can become a link, or stay one.
 *
 * @param backup Where what is there may go; absent: nowhere.
 * @throws AgentError of kind `refused` when something of others is there that would be lost.
 */
export function roomAt(destination: string, backup?: string): Room {
  const place = placeAt(destination);
  if (place === "absent" || currentTree(destination) !== undefined) return "free";
  const refuse = (reason: string) =>
    cannot("publish by a link at", destination, `${reason} (artifact.publish=symlink)`, {
      kind: "refused",
    });
  if (place === "link") throw refuse("it is a link that is not the agent's; remove it");
  if (place !== "directory") throw refuse("it is no directory; move it away");
  if (isEmptySync(destination)) return "empty";
  if (backup === undefined) {
    throw refuse(
      "it is a directory with files in it; move them away, or, before the first checkout, " +
        "set enable.initial.artifact.backup=true",
    );
  }
  if (placeAt(backup) !== "absent") {
    throw refuse(`it is a directory with files in it; move them away, ${backup} is there already`);
  }
  return "backup";
}

/**
 * Makes room for the link: an empty directory is removed, another one becomes the backup.
 *
 * @throws AgentError as {@link roomAt}.
 */
export function emptyDestination(destination: string, backup?: string): BackupNote | undefined {
  const room = roomAt(destination, backup);
  // A directory with something in it is never removed by this call, whoever is faster.
  if (room === "empty") Deno.removeSync(destination);
  if (room !== "backup" || backup === undefined) return undefined;
  const files = countFiles(destination);
  Deno.renameSync(destination, backup);
  return { path: backup, files, leftOut: namesOf([]) };
}

/**
 * Makes the link by which the destination will lead to another tree.
 *
 * @param scratch A directory of one's own on the same file system.
 * @returns Where it waits for {@link switchTo}.
 * @throws AgentError of kind `permission` when it cannot be made.
 */
export async function stageSwitch(
  destination: string,
  name: string,
  scratch: string,
  runtime: JobRuntime,
): Promise<string> {
  const path = basename(destination);
  const target = `${path}.agent/trees/${name}`;
  const place = join(scratch, "switch");
  Deno.mkdirSync(place, { mode: 0o700 });
  const link = { path, target, id: "0".repeat(40), mode: 0o120000 } as const;
  const { missing, reason } = await stageLinks(place, [link], runtime);
  if (missing.length > 0) throw notSwitched(destination, reason ?? "nobody can make links");
  return join(stagedLinksIn(place), path);
}

/**
 * Lets the destination lead to another tree, from one moment to the next.
 *
 * @param link Of {@link stageSwitch}.
 * @throws AgentError of kind `permission` when it cannot be brought into place.
 */
export function switchTo(destination: string, link: string): void {
  try {
    Deno.renameSync(link, destination);
  } catch (error) {
    const why = `the agent's user must be able to write into ${dirname(destination)}`;
    throw notSwitched(destination, `${reasonOf(error)}; ${why}`);
  }
}

function notSwitched(destination: string, reason: string) {
  const options = { kind: "permission", retryable: true } as const;
  return cannot("publish by a link at", destination, reason, options);
}

/** Remembers which tree is left, so that it stays until the next switch. */
export function rememberFormerTree(directory: GitDirectory, name: string | undefined): void {
  replaceFileSync(directory.formerTree, name ?? "", true);
}

/** Removes all trees but the one in use and the one before it. */
export function pruneTrees(destination: string, directory: GitDirectory): void {
  const trees = treesOf(destination);
  if (placeAt(trees) !== "directory") return;
  const former = new TextDecoder().decode(readIfPresentSync(directory.formerTree));
  const kept = [currentTree(destination), former];
  for (const { name } of Deno.readDirSync(trees)) {
    if (treeName.test(name) && !kept.includes(name)) removeSync(join(trees, name));
  }
}

/**
 * Makes the destination a directory again, with what is in the tree that it leads to: as if its files
 * had been published one by one. Nothing to do where there is no link of the agent's.
 *
 * @param interrupted The tree's name, when a crash may have come between link and tree.
 */
export function turnIntoDirectory(
  destination: string,
  interrupted: string | undefined,
  runtime: JobRuntime,
): void {
  const name = currentTree(destination) ?? interrupted;
  if (name === undefined || !treeName.test(name)) return;
  const tree = join(treesOf(destination), name);
  const place = placeAt(destination);
  if (placeAt(tree) !== "directory") {
    // Somebody removed the tree: the link leads nowhere.
    if (place === "link" && currentTree(destination) === name) Deno.removeSync(destination);
    return;
  }
  if (place === "link") Deno.removeSync(destination);
  else if (place === "directory" && isEmptySync(destination)) Deno.removeSync(destination);
  runtime.faultPoint?.("link removed");
  if (placeAt(destination) === "absent") Deno.renameSync(tree, destination);
  runtime.faultPoint?.("tree turned into the destination");
}

/** Removes all trees, and their directory. */
export function removeTrees(destination: string): void {
  removeSync(treesOf(destination));
}

/** Files, links and whatever else is no directory, below a directory. */
export function countFiles(directory: string): number {
  let count = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    count += isDirectory ? countFiles(join(directory, name)) : 1;
  }
  return count;
}
