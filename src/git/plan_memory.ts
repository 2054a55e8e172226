/** What planning a commit found, for the next commit, of which most is the same. */
import type { TreeChecks } from "./tree_checks.ts";
import { directoryMode } from "./tree_object.ts";
import type { LeftOutEntry, PlannedFile } from "./tree_plan.ts";

/** Where planned entries go. */
export interface PlannedLists {
  readonly files: PlannedFile[];
  readonly allLinks: LeftOutEntry[];
  readonly submodules: LeftOutEntry[];
  readonly directories: string[];
}

/**
 * A tree at its place, with all below it. The id names the content, and the place is the same one:
 * what was refused or counted there once would be so again.
 */
export interface KnownTree {
  readonly id: string;
  readonly path: string;
  readonly mode: typeof directoryMode;
  /** In the order of the tree. */
  readonly items: readonly (PlannedFile | LeftOutEntry | KnownTree)[];
  readonly children: ReadonlyMap<string, KnownTree>;
  /** Entries of all trees here and below. */
  readonly entries: number;
  /** Of their paths together. */
  readonly pathBytes: number;
  /** Whether there is a file or a link in it, at any depth. */
  readonly isFilled: boolean;
  /** No names in it, at any depth, are one where case does not matter. */
  readonly isPlain: boolean;
}

/** A plan of more entries is not kept: some 20 MiB. */
const mostEntries = 100_000;

/**
 * Remembers the trees of the commit planned last, and nothing else.
 *
 * That their objects are still there is not looked up again. Whoever lost one finds out when the tree
 * changes, or with the next process.
 */
export class PlanMemory {
  #root: KnownTree | undefined;

  /** The top tree of the commit planned last. */
  get root(): KnownTree | undefined {
    return this.#root;
  }

  /** Every tree is to be read again. */
  forget(): void {
    this.#root = undefined;
  }

  /** Remembers the commit planned last. */
  keep(root: KnownTree): void {
    this.#root = root.entries > mostEntries ? undefined : root;
  }
}

/**
 * Plans a tree that is known.
 *
 * @returns Whether there is a file or a link in it.
 * @throws AgentError of kind `limit` as for one that is not known.
 */
export function planKnown(tree: KnownTree, lists: PlannedLists, checks: TreeChecks): boolean {
  checks.count(tree.entries, tree.pathBytes);
  addKnown(tree, lists);
  return tree.isFilled;
}

function addKnown({ items }: KnownTree, lists: PlannedLists): void {
  for (const item of items) {
    switch (item.mode) {
      case directoryMode:
        // One without a file may still hold submodules.
        if (item.isFilled) lists.directories.push(item.path);
        addKnown(item, lists);
        break;
      case 0o120000:
        lists.allLinks.push(item);
        break;
      case 0o160000:
        lists.submodules.push(item);
        break;
      default:
        lists.files.push(item);
    }
  }
}
