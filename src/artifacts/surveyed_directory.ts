/** Reads what a survey comes by. */
import { cannot, reasonOf } from "../base/errors.ts";
import { readLink, staysInside } from "./commit_links.ts";
import { isReachedPhysically } from "../git/physical_path.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";
import { refusedNameReason } from "../git/tree_entry_name.ts";

/**
 * What is in a directory; nothing when it is gone.
 *
 * @param isNeeded Whether what cannot be read there would count as deleted.
 * @returns `undefined` when it cannot be read and need not be.
 * @throws AgentError when it cannot be read and is needed.
 */
export function readDirectory(
  path: string,
  isNeeded: () => boolean,
): Deno.DirEntry[] | undefined {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!isNeeded()) return isGone ? [] : undefined;
    throw cannot("read", path, isGone ? "it is gone" : reasonOf(error), {
      kind: "permission",
      retryable: true,
    });
  }
}

/** The bytes of a file; `undefined` when it is gone. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether its owner may execute a file: all that is committed of its mode. */
export function isExecutable(info: Deno.FileInfo): boolean {
  return ((info.mode ?? 0) & 0o100) !== 0;
}

/** Why a file of so many bytes is left out. */
export function tooLarge(size: number): string {
  return `${size} bytes, more than one file may have; ignore it with .gitignore or move it away`;
}

/** All directories that files are in, from their paths. */
export function directoriesOf(paths: Iterable<string>): ReadonlySet<string> {
  const directories = new Set<string>();
  for (const path of paths) {
    let at = path.lastIndexOf("/");
    for (; at > 0; at = path.lastIndexOf("/", at - 1)) {
      const directory = path.slice(0, at);
      if (directories.has(directory)) break;
      directories.add(directory);
    }
  }
  return directories;
}

/** Whether nothing that could be committed is at a path any more. */
export function isGone(root: string, path: string): boolean {
  if (!isReachedPhysically(root, path)) return true;
  const info = lstatIfPresentSync(`${root}/${path}`);
  return info?.isSymlink ? !staysInside(path, readLink(`${root}/${path}`)) : info?.isFile !== true;
}

/** Why our own checkout would refuse a name; `undefined` when it would not. */
export function refusedReason(name: string): string | undefined {
  return name.includes("\uFFFD")
    ? "a name is not UTF-8"
    : refusedNameReason(new TextEncoder().encode(name));
}
