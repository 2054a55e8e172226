import { join } from "node:path";
import { type PlannedLink, staysInside } from "../git/link_target.ts";
import { placeAt } from "../git/physical_path.ts";
import type { LeftOutEntry } from "../git/tree_plan.ts";

/**
 * Sorts out links whose way leads through a link that is in the directory and not the repository's.
 *
 * @param planned All that the repository has and that stay inside as far as it tells.
 * @param isOurs Whether what is at a path was put there by us, or is part of what was planned.
 */
export function divideLinks(
  root: string,
  planned: readonly PlannedLink[],
  isOurs: (path: string) => boolean,
): { readonly links: readonly PlannedLink[]; readonly leftOut: readonly LeftOutEntry[] } {
  const targets = new Map(planned.map(({ path, target }) => [path, target]));
  const foreign = new Map<string, boolean>();
  const isForeign = (path: string) => {
    let known = foreign.get(path);
    known ??= placeAt(join(root, path)) === "link" && !isOurs(path);
    foreign.set(path, known);
    return known;
  };
  const lookUp = (path: string) => targets.get(path) ?? (isForeign(path) ? null : undefined);
  const links: PlannedLink[] = [];
  const leftOut: LeftOutEntry[] = [];
  for (const entry of planned) {
    const { path, id, mode, target } = entry;
    if (staysInside(path, target, lookUp)) links.push(entry);
    else leftOut.push({ path, id, mode });
  }
  return { links, leftOut };
}
