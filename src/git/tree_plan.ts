/** From a commit to the list of files it consists of, checked before anything is written. */
import { planLinks, type PlannedLink } from "./link_target.ts";
import type { ObjectStore } from "./object_store.ts";
import { type KnownTree, planKnown, type PlanMemory } from "./plan_memory.ts";
import {
  type NamedEntry,
  refusedPath,
  rootPlace,
  TreeChecks,
  type TreePlace,
} from "./tree_checks.ts";
import { directoryMode, treeOfCommit } from "./tree_object.ts";

/** A file to be in place. */
export interface PlannedFile {
  /** Relative to the destination, parts joined by `/`. */
  readonly path: string;
  readonly id: string;
  readonly mode: 0o100644 | 0o100755;
}

/** Something in the tree that does not become a file. */
export interface LeftOutEntry {
  readonly path: string;
  readonly id: string;
  readonly mode: 0o120000 | 0o160000;
}

/** A commit's tree, ready to be published. */
export interface TreePlan {
  readonly files: readonly PlannedFile[];
  /** Symbolic links that stay inside the tree, as far as the tree tells. */
  readonly links: readonly PlannedLink[];
  /** Submodules, and symbolic links that lead out of the tree or in a circle. */
  readonly leftOut: readonly LeftOutEntry[];
  /** Directories that hold files or links, parents before children. */
  readonly directories: readonly string[];
  /** Paths that differ from another one only in case or Unicode composition. */
  readonly collisions: readonly string[];
}

/** Gives the content of trees and commits. */
export type TreeSource = Pick<ObjectStore, "read">;

/**
 * Walks a commit's tree.
 *
 * @param mostEntries Files, links, submodules and directories together.
 * @param memory Of the commit before, where most trees are the same; then of this one.
 * @throws AgentError of kind `input` when a path must not be written, `limit` when there are too many
 *   or their paths are too long together.
 */
export function planTree(
  source: TreeSource,
  commit: string,
  mostEntries: number,
  memory?: PlanMemory,
): TreePlan {
  const lists = {
    files: [] as PlannedFile[],
    allLinks: [] as LeftOutEntry[],
    submodules: [] as LeftOutEntry[],
    directories: [] as string[],
  };
  const { files, allLinks, submodules, directories } = lists;
  const collisions: string[] = [];
  const checks = new TreeChecks(mostEntries);

  const visit = (tree: string, place: Place, known: KnownTree | undefined): KnownTree => {
    if (known?.isPlain && known.id === tree) {
      planKnown(known, lists, checks);
      return known;
    }
    const countedBefore = checks.counted;
    // All of a directory before its subdirectories, so that no tree stays in memory below itself.
    const named = checks.entriesOf(source.read(tree, "tree"), place)
      .map((entry) => ({ ...entry, folded: folded(entry.name) }));
    const shared = sharedNames(named);
    const twins = place.twins ?? new Twins();
    const filledBefore = files.length + allLinks.length;
    const items: KnownTree["items"][number][] = [];
    const children = new Map<string, KnownTree>();
    let isPlain = shared.size === 0 && place.twins === undefined;
    for (const entry of named) {
      const { folded, mode, id } = entry;
      const path = `${place.prefix}${entry.name}`;
      if (place.twins || shared.has(folded)) {
        if (twins.has(folded)) collisions.push(path);
        twins.add(folded);
      }
      let item: KnownTree["items"][number];
      switch (mode) {
        case directoryMode: {
          const inside = {
            ...checks.inside(place, entry),
            twins: twins.has(folded) ? twins.inside(folded) : undefined,
          };
          const directoriesBefore = directories.length;
          directories.push(path);
          // What collides is found by looking at each of these names.
          const former = inside.twins ? undefined : known?.children.get(entry.name);
          const child = visit(id, inside, former);
          if (!child.isFilled) directories.length = directoriesBefore;
          if (!child.isPlain) isPlain = false;
          children.set(entry.name, child);
          item = child;
          break;
        }
        case 0o120000:
          allLinks.push(item = { path, id, mode });
          break;
        case 0o160000:
          submodules.push(item = { path, id, mode });
          break;
        default:
          files.push(item = plannedFile(place.prefix, entry));
      }
      items.push(item);
    }
    return {
      id: tree,
      path: place.prefix.slice(0, -1),
      mode: directoryMode,
      items,
      children,
      entries: checks.counted.entries - countedBefore.entries,
      pathBytes: checks.counted.pathBytes - countedBefore.pathBytes,
      isFilled: files.length + allLinks.length > filledBefore,
      isPlain,
    };
  };

  const root = treeOfCommit(source.read(commit, "commit"));
  const top = visit(root, { ...rootPlace, twins: undefined }, memory?.root);
  memory?.keep(top);
  const { links, outside } = planLinks(allLinks, (id) => source.read(id, "blob"));
  const leftOut = [...outside, ...submodules];
  if (outside.length === 0) return { files, links, leftOut, directories, collisions };
  // No directory is needed for what is left out.
  const needed = new Set(directoriesAbove([...files, ...links].map(({ path }) => path)));
  const kept = directories.filter((path) => needed.has(path));
  return { files, links, leftOut, directories: kept, collisions };
}

/**
 * A file for an entry of a tree.
 *
 * @throws AgentError of kind `input` when the entry has no mode of a file.
 */
export function plannedFile(prefix: string, { name, mode, id }: NamedEntry): PlannedFile {
  const path = `${prefix}${name}`;
  // Git wrote 664 long ago.
  if (mode === 0o100644 || mode === 0o100664) return { path, id, mode: 0o100644 };
  if (mode === 0o100755) return { path, id, mode };
  const reason = `there is no file mode ${mode.toString(8)}`;
  throw refusedPath(prefix, reason, new TextEncoder().encode(name));
}

/** Where a walk is. */
interface Place extends TreePlace {
  /** What is in directories whose path differs from this one's only in case or composition. */
  readonly twins: Twins | undefined;
}

/** Folded names seen in directories that are one where case does not matter, and below them. */
class Twins {
  readonly #names = new Map<string, Twins | undefined>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    if (!this.#names.has(name)) this.#names.set(name, undefined);
  }

  /** What was seen in the directory of that name. */
  inside(name: string): Twins {
    const inside = this.#names.get(name) ?? new Twins();
    this.#names.set(name, inside);
    return inside;
  }
}

/** What names have in common that differ only in case or Unicode composition. */
function folded(name: string): string {
  const isAscii = /^[ -~]*$/.test(name);
  return (isAscii ? name : name.normalize("NFC")).toLowerCase();
}

/** Folded names that a directory has more than once. */
function sharedNames(entries: readonly { readonly folded: string }[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { folded } of entries) {
    if (seen.has(folded)) shared.add(folded);
    seen.add(folded);
  }
  return shared;
}

/** Directories above a path, from the top: `a`, `a/b` for `a/b/c`. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    ancestors.push(path.slice(0, at));
  }
  return ancestors;
}

/**
 * All directories above these paths, each once, the deepest first. Never lists more than there are:
 * many deep paths have far more ancestors than directories.
 */
export function directoriesAbove(paths: Iterable<string>): readonly string[] {
  const all = new Set<string>();
  for (const path of paths) {
    const parent = (of: string) => of.slice(0, Math.max(0, of.lastIndexOf("/")));
    for (let at = parent(path); at !== "" && !all.has(at); at = parent(at)) all.add(at);
  }
  return [...all].sort((a, b) => b.length - a.length);
}
