/** Symbolic links as they are committed: by their text, never followed. */
import { objectIdOf } from "../git/pack_object.ts";
import type { IndexEntry } from "../git/index_file.ts";
import { planLinks } from "../git/link_target.ts";
import { divideLinks } from "./foreign_links.ts";
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
  const inTree = planLinks(all, (id) => source.read(id, "blob")).links;
  const { links } = divideLinks(root, inTree, (path) => entries.has(path));
  const placed = new Set(links.map(({ path }) => path));
  return made.map(({ path }) => path).filter((path) => !placed.has(path));
}
