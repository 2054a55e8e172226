/** Symbolic links as they are committed: by their text, never followed. */
import { objectIdOf } from "../git/pack_object.ts";
import { type IndexEntry } from "../git/index_file.ts";
import { planLinks, staysInside as staysInsideTree } from "../git/link_target.ts";
import { placeAt } from "../git/physical_path.ts";
import { ancestorsOf, type TreeSource } from "../git/tree_plan.ts";

const linkMode = 0o120000;

/** Empty when there is no link any more. */
export function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

/** The id that a link's object has. */
export function linkId(target: string): string {
  return objectIdOf({ type: "blob", data: new TextEncoder().encode(target) });
}

/** Whether a link leads to a place below the root, by its text alone. */
export function staysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  const parts = ancestorsOf(path).length;
  let depth = parts;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return false;
  }
  return !target.split("/").some((part) => part.toLowerCase() === ".git");
}

/**
 * Which of the links that were committed a checkout would leave out: the way of some leads out through
 * another link, or in a circle.
 *
 * @param changed What was committed, among others.
 * @param entries All of the commit.
 */
export function unplaceableLinks(
  root: string,
  changed: readonly { readonly path: string }[],
  entries: ReadonlyMap<string, IndexEntry>,
  source: TreeSource,
): readonly string[] {
  const made = changed.filter(({ path }) => entries.get(path)?.mode === linkMode);
  if (made.length === 0) return [];
  const all = [...entries.values()].flatMap(({ path, id, mode }) =>
    mode === linkMode ? [{ path, id, mode } as const] : []
  );
  const { links } = planLinks(all, (id) => source.read(id, "blob"));
  const targets = new Map(links.map(({ path, target }) => [path, target]));
  const isForeign = (path: string) => placeAt(`${root}/${path}`) === "link" && !entries.has(path);
  const lookUp = (path: string) => targets.get(path) ?? (isForeign(path) ? null : undefined);
  return made.map(({ path }) => path).filter((path) => {
    const target = targets.get(path);
    return target === undefined || !staysInsideTree(path, target, lookUp);
  });
}
