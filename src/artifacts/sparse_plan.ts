/** The part of a tree that artifact.sparse names. */
import type { IndexEntry } from "../git/index_file.ts";
import { directoriesAbove, type TreePlan } from "../git/tree_plan.ts";

/** A plan, and what of the tree is not part of it. */
export interface SparsePlan extends TreePlan {
  /** For the record: entries of the tree that are not published. */
  readonly outside: readonly IndexEntry[];
}

/**
 * Keeps these directories with all that is in them, and the files of all directories above them, the
 * top one included.
 *
 * @param sparse Relative, parts joined by `/`; absent: everything is kept.
 */
export function sparsePlan(plan: TreePlan, sparse: readonly string[] | undefined): SparsePlan {
  if (sparse === undefined) return { ...plan, outside: [] };
  const wanted = new Set(sparse);
  const above = new Set(["", ...directoriesAbove(sparse)]);
  const isInside = (path: string) => {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    return above.has(parent) || isBelow(path, wanted);
  };
  const files = plan.files.filter(({ path }) => isInside(path));
  const links = plan.links.filter(({ path }) => isInside(path));
  const needed = new Set(directoriesAbove([...files, ...links].map(({ path }) => path)));
  const outside = [...plan.files, ...plan.links].filter(({ path }) => !isInside(path))
    .map(({ path, id, mode }): IndexEntry => ({ path, id, mode }));
  return {
    files,
    links,
    leftOut: plan.leftOut.filter(({ path }) => isInside(path)),
    directories: plan.directories.filter((path) => needed.has(path)),
    collisions: plan.collisions.filter(isInside),
    outside: [
      ...outside,
      ...plan.leftOut.filter(({ path }) => !isInside(path)),
    ],
  };
}

function isBelow(path: string, directories: ReadonlySet<string>): boolean {
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    if (directories.has(path.slice(0, at))) return true;
  }
  return false;
}
