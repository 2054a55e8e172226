/** Where the symbolic links of a repository lead, before any of them is made. */
import type { LeftOutEntry } from "./tree_plan.ts";
import { refusedNameReason } from "./tree_entry_name.ts";

/** A symbolic link to be in place. */
export interface PlannedLink {
  readonly path: string;
  readonly id: string;
  readonly mode: 0o120000;
  /** As the repository has it: relative, and inside the destination. */
  readonly target: string;
}

/** What stands at a path: a link with its target, `null` for one not to be followed, else `undefined`. */
export type LinkLookup = (path: string) => string | null | undefined;

/** Deno, the launcher's shell and the file systems take so many bytes without trouble. */
const longestTargetBytes = 4000;
/** Parts of a target, those of the links on the way included; systems allow 40 links. */
const mostParts = 1000;

/**
 * Reads a link's target.
 *
 * @param content The blob's content.
 * @returns `undefined` when it leads out of the tree by itself, or cannot be made.
 */
export function parseTarget(content: Uint8Array): string | undefined {
  if (content.length === 0 || content.length > longestTargetBytes) return undefined;
  try {
    const target = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    return target.startsWith("/") || /\p{Cc}/u.test(target) ? undefined : target;
  } catch {
    return undefined;
  }
}

/**
 * Whether a link leads to a place inside the destination, with all links on its way followed as the
 * system follows them. What it leads to need not be there.
 *
 * @param path Of the link, relative to the destination.
 * @param lookUp What stands at a path; asked for every step of the way.
 */
export function staysInside(path: string, target: string, lookUp: LinkLookup): boolean {
  const way = path.split("/").slice(0, -1);
  const parts = target.split("/").reverse();
  for (let count = 0; parts.length > 0; count++) {
    const part = parts.pop();
    if (count >= mostParts) return false;
    if (part === undefined || part === "" || part === ".") continue;
    if (part === "..") {
      if (way.pop() === undefined) return false;
      continue;
    }
    // A .git that somebody left there must not be served under another name.
    if (refusedNameReason(new TextEncoder().encode(part)) !== undefined) return false;
    way.push(part);
    const next = lookUp(way.join("/"));
    if (next === undefined) continue;
    if (next === null) return false;
    way.pop();
    parts.push(...next.split("/").reverse());
    if (parts.length > mostParts) return false;
  }
  return true;
}

/** The launcher looks at nothing but the text, and so may whoever copies the files elsewhere. */
const asWritten = () => undefined;

/**
 * Divides the links of a tree into those that stay inside it and those that do not, as far as the tree
 * tells.
 *
 * @param read Gives a blob's content.
 */
export function planLinks(
  entries: readonly LeftOutEntry[],
  read: (id: string) => Uint8Array,
): { readonly links: readonly PlannedLink[]; readonly outside: readonly LeftOutEntry[] } {
  const byId = new Map<string, string | undefined>();
  const targets = new Map<string, string | null>();
  for (const { path, id } of entries) {
    if (!byId.has(id)) byId.set(id, parseTarget(read(id)));
    targets.set(path, byId.get(id) ?? null);
  }
  const links: PlannedLink[] = [];
  const outside: LeftOutEntry[] = [];
  const lookUp = (path: string) => targets.get(path);
  for (const entry of entries) {
    const target = byId.get(entry.id);
    const isInside = target !== undefined && staysInside(entry.path, target, asWritten) &&
      staysInside(entry.path, target, lookUp);
    if (isInside) {
      links.push({ path: entry.path, id: entry.id, mode: 0o120000, target });
    } else outside.push(entry);
  }
  return { links, outside };
}
