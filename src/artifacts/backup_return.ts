/** Brings back what the backup of the initial artifacts keeps. */
import { join } from "node:path";
import { assertPhysicalDirectory, notADirectory, placeAt } from "../git/physical_path.ts";
import { removeSync } from "../git/synchronous_file.ts";
import { reservedName } from "../git/tree_entry_name.ts";

/** What came back and what did not. */
export interface ReturnedBackup {
  /** Files that are in place again. */
  readonly files: number;
  /** Files that stay in the backup: something else has their place. */
  readonly left: readonly string[];
}

/** Larger files count as different without being read. */
const mostComparedBytes = 64 * 1024 * 1024;
const ownerMayAll = 0o700;

/**
 * Moves the files of a backup to where they were, each by a rename, and removes what that leaves of
 * the backup. Nothing that is in place is replaced; a copy equal to what is in place is dropped.
 *
 * Done again after a crash at any point, it finishes what was begun.
 *
 * @param backup Absent is fine, then there is nothing to do.
 * @param root Where to; exists when there is a backup.
 * @throws AgentError of kind `refused` when a symbolic link turned up on the way.
 */
export function returnBackup(backup: string, root: string): ReturnedBackup {
  const left: string[] = [];
  if (placeAt(backup) !== "directory") return { files: 0, left };
  if (placeAt(root) === "absent") throw notADirectory(root, "absent");
  let files = 0;
  const visit = (relative: string) => {
    const from = join(backup, relative);
    const mode = Deno.lstatSync(from).mode ?? ownerMayAll;
    // Nothing can be taken out of a directory without write permission.
    if ((mode & ownerMayAll) !== ownerMayAll) Deno.chmodSync(from, mode & 0o7777 | ownerMayAll);
    const isMade = relative !== "" && placeFor(root, relative) === "absent";
    if (isMade) Deno.mkdirSync(join(root, relative), { mode: 0o700 });
    for (const { name, isDirectory, isFile } of [...Deno.readDirSync(from)]) {
      const path = relative === "" ? name : `${relative}/${name}`;
      const place = placeFor(root, path);
      const source = join(from, name);
      if (isDirectory && (place === "absent" || place === "directory")) visit(path);
      else if (isFile && place === "absent") {
        move(source, join(root, path), root);
        files++;
      } else if (isFile && place === "file" && isEqual(source, join(root, path))) {
        Deno.removeSync(source);
      } else left.push(path);
    }
    // Last: it could not have been filled without write permission.
    if (isMade) Deno.chmodSync(join(root, relative), mode & 0o7777);
    if ([...Deno.readDirSync(from)].length === 0) Deno.removeSync(from);
  };
  visit("");
  return { files, left };
}

/** What is at the path; everything above it is a directory and no link. */
function placeFor(root: string, path: string) {
  assertPhysicalDirectory(root, path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  return placeAt(join(root, path));
}

function move(source: string, target: string, root: string): void {
  try {
    Deno.renameSync(source, target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    copyAcross(source, target, root);
  }
}

/** For an APPLICATION_PATH that is a mount point: its backup is on another file system. */
function copyAcross(source: string, target: string, root: string): void {
  const scratch = join(root, reservedName);
  removeSync(scratch);
  Deno.mkdirSync(scratch, { mode: 0o700 });
  const copy = join(scratch, "copy");
  Deno.copyFileSync(source, copy);
  {
    using file = Deno.openSync(copy);
    file.syncDataSync();
  }
  Deno.renameSync(copy, target);
  Deno.removeSync(scratch);
  Deno.removeSync(source);
}

function isEqual(one: string, other: string): boolean {
  const { size } = Deno.lstatSync(one);
  if (size !== Deno.lstatSync(other).size || size > mostComparedBytes) return false;
  const [a, b] = [Deno.readFileSync(one), Deno.readFileSync(other)];
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
