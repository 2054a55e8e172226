/** Keeps what was in the application's directory before the first checkout. */
import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { type BackupNote, namesOf } from "./git_job.ts";
import { placeAt } from "../git/physical_path.ts";
import { reservedName } from "../git/tree_entry_name.ts";
import { removeSync } from "../git/synchronous_file.ts";

/** Whether there is something to back up; an existing backup is never touched. */
export function needsBackUp(directory: string, backup: string): boolean {
  return placeAt(backup) === "absent" &&
    [...Deno.readDirSync(directory)].some(({ name }) => name !== reservedName);
}

/**
 * Copies a directory to its backup, which is not there yet. It appears complete or not at all.
 *
 * @param backup Where to.
 * @param scratchPlaces Directories from one of which a rename to `backup` works; what is there goes.
 * @throws AgentError of kind `permission` when it cannot be made.
 */
export function backUp(
  directory: string,
  backup: string,
  scratchPlaces: readonly string[],
): BackupNote {
  const reasons: string[] = [];
  for (const scratch of scratchPlaces) {
    try {
      removeSync(scratch);
      const copied = { files: 0, leftOut: [] as string[] };
      copyDirectory(directory, scratch, "", copied);
      Deno.renameSync(scratch, backup);
      return { path: backup, files: copied.files, leftOut: namesOf(copied.leftOut) };
    } catch (error) {
      reasons.push(reasonOf(error));
      removeSync(scratch);
    }
  }
  throw cannot("back up to", backup, reasons.join("; "), { kind: "permission", retryable: true });
}

function copyDirectory(
  from: string,
  to: string,
  relative: string,
  copied: { files: number; readonly leftOut: string[] },
): void {
  const { mode } = Deno.lstatSync(from);
  Deno.mkdirSync(to, { mode: 0o700 });
  for (const { name, isDirectory, isFile } of Deno.readDirSync(from)) {
    if (relative === "" && name === reservedName) continue;
    const path = relative === "" ? name : `${relative}/${name}`;
    if (isDirectory) {
      copyDirectory(join(from, name), join(to, name), path, copied);
    } else if (isFile) {
      Deno.copyFileSync(join(from, name), join(to, name));
      copied.files++;
    } else {
      copied.leftOut.push(path);
    }
  }
  // Last: a directory without write permission could not have been filled.
  if (mode !== null) Deno.chmodSync(to, mode & 0o7777);
}
