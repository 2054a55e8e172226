/** Files whose content the remote never got. */
import { noCommit, unpushedBase } from "../git/unpushed_commits.ts";
import { filesOfCommit } from "../git/commit_tree.ts";
import { type GitDirectory, publishedCommit } from "../git/git_directory.ts";
import { ObjectStore } from "../git/object_store.ts";

/**
 * Which files commits added or changed that are not pushed: in the destination is their only copy once
 * the Git directory is gone.
 *
 * @returns Says so of a path; of every path when that cannot be found out.
 */
export function unpushedFiles(directory: GitDirectory): (path: string) => boolean {
  const base = unpushedBase(directory);
  const head = publishedCommit(directory);
  if (base === undefined || head === undefined) return () => false;
  try {
    // These commits were within the limits when they were made.
    using store = new ObjectStore(directory, { inflatedBytes: Infinity, objects: Infinity });
    const ours = filesOfCommit(store, head, Infinity);
    const theirs = base === noCommit ? new Map() : filesOfCommit(store, base, Infinity);
    return (path) => ours.get(path)?.id !== theirs.get(path)?.id;
  } catch {
    return () => true;
  }
}
