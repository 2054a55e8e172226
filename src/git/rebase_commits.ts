/** Puts commits of ours on top of another one. */
import type { LooseObjects } from "./loose_objects.ts";
import { noCommit } from "./unpushed_commits.ts";
import { encodeCommit, filesOfCommit, readCommit, writeTrees } from "./commit_tree.ts";
import { mergeFiles, type TreeFiles } from "./rebase_files.ts";
import { mergeText } from "./rebase_text.ts";
import { cannot } from "../base/errors.ts";
import type { TreeSource } from "./tree_plan.ts";

/** With what, and how much. */
export interface RebaseTools {
  readonly source: TreeSource;
  readonly loose: LooseObjects;
  readonly mostFiles: number;
}

/** What came of it. */
export interface RebasedCommits {
  /** The last one; the commit below all when nothing was left of ours. */
  readonly tip: string;
  /** New ones, each after its parent. */
  readonly commits: readonly string[];
  /** Where the version below stands and not ours. */
  readonly conflicts: readonly string[];
}

const longestChain = 100_000;

/** Commits after a base, each after its parent. @throws AgentError when the base is not below. */
export function commitsAfter(source: TreeSource, base: string, tip: string): string[] {
  const commits: string[] = [];
  for (let at: string | undefined = tip; at !== base; at = readCommit(source, at).parents[0]) {
    if (at === undefined) {
      if (base === noCommit) break;
      throw cannot("find the commits after", base, "it is not below the branch", {
        kind: "internal",
      });
    }
    commits.push(at);
    if (commits.length > longestChain) throw new RangeError("endless history");
  }
  return commits.reverse();
}

/** Puts commits on top of `onto`, one after the other, each by a merge with what it changed. */
export function rebaseCommits(
  commits: readonly string[],
  onto: string,
  { source, loose, mostFiles }: RebaseTools,
): RebasedCommits {
  const mergeContents = (base: string, ours: string, theirs: string) => {
    const [b, o, t] = [base, ours, theirs].map((id) => source.read(id, "blob"));
    const merged = b && o && t && mergeText(b, o, t);
    return merged && loose.write({ type: "blob", data: merged });
  };
  let tip = onto;
  let files = filesOfCommit(source, onto, mostFiles);
  const rebased: string[] = [];
  const conflicts = new Set<string>();
  for (const id of commits) {
    const { parents: [parent], author, message } = readCommit(source, id);
    const base: TreeFiles = parent === undefined
      ? new Map()
      : filesOfCommit(source, parent, mostFiles);
    const merged = mergeFiles(base, filesOfCommit(source, id, mostFiles), files, mergeContents);
    for (const path of merged.conflicts) conflicts.add(path);
    if (isEqual(merged.files, files)) continue;
    files = merged.files;
    const tree = writeTrees(files, (object) => loose.write(object));
    tip = loose.write(encodeCommit({ tree, parents: [tip], author, message }));
    rebased.push(tip);
  }
  return { tip, commits: rebased, conflicts: [...conflicts].sort() };
}

function isEqual(a: TreeFiles, b: TreeFiles): boolean {
  if (a.size !== b.size) return false;
  for (const [path, { id, mode }] of a) {
    const other = b.get(path);
    if (other?.id !== id || other.mode !== mode) return false;
  }
  return true;
}
