/**
 * Paths below a directory that are what they look like: no symbolic link on the way. A permission
 * does not stop a write through a link inside it, so each write is preceded by this check.
 */
import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import { lstatIfPresentSync } from "./synchronous_file.ts";
import { ancestorsOf } from "./tree_plan.ts";

/** What a relative path leads to. */
export type Place = "absent" | "directory" | "file" | "link" | "other";

/** What is at a path, links not followed. */
export function placeAt(path: string): Place {
  const info = lstatIfPresentSync(path);
  if (info === undefined) return "absent";
  if (info.isSymlink) return "link";
  if (info.isDirectory) return "directory";
  return info.isFile ? "file" : "other";
}

/**
 * Makes sure that a directory and all above it, up to the root, are directories and not links.
 *
 * @param relative Empty for the root itself, which may be a link: the operator configured it.
 * @throws AgentError of kind `refused` at the first component that is something else.
 */
export function assertPhysicalDirectory(root: string, relative: string): void {
  if (relative === "") return;
  for (const directory of [...ancestorsOf(relative), relative]) {
    const place = placeAt(join(root, directory));
    if (place !== "directory") throw notADirectory(join(root, directory), place);
  }
}

/** Whether all directories above a relative path are there, and none of them is a link. */
export function isReachedPhysically(root: string, relative: string): boolean {
  return ancestorsOf(relative).every((ancestor) => placeAt(join(root, ancestor)) === "directory");
}

/** The error for something that stands where a directory must be. */
export function notADirectory(path: string, place: Place): AgentError {
  return cannot(
    "write into",
    path,
    place === "link"
      ? "it is a symbolic link, and links are never followed"
      : `it is ${place === "absent" ? "gone" : "no directory"}`,
    { kind: "refused" },
  );
}
