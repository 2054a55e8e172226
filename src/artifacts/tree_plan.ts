/** From a commit to the list of files it consists of, checked before anything is written. */
import { AgentError, cannot } from "../base/errors.ts";
import type { ObjectStore } from "./object_store.ts";
import { refusedNameReason } from "./tree_entry_name.ts";

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
  /** Symbolic links and submodules. */
  readonly leftOut: readonly LeftOutEntry[];
  /** Directories that hold files, parents before children. */
  readonly directories: readonly string[];
  /** Paths that differ from another one only in case or Unicode composition. */
  readonly collisions: readonly string[];
}

/** Gives the content of trees and commits. */
export type TreeSource = Pick<ObjectStore, "read">;

const deepest = 128;
const longestPathBytes = 3500;
/**
 * Of all paths together. A subtree that is used again and again costs a repository nothing, and the
 * agent every path in full.
 */
const mostPathBytes = 64 * 1024 * 1024;
const idBytes = 20;

/**
 * Walks a commit's tree.
 *
 * @param mostEntries Files, links, submodules and directories together.
 * @throws AgentError of kind `input` when a path must not be written, `limit` when there are too many
 *   or their paths are too long together.
 */
export function planTree(source: TreeSource, commit: string, mostEntries: number): TreePlan {
  const files: PlannedFile[] = [];
  const leftOut: LeftOutEntry[] = [];
  const directories: string[] = [];
  const collisions: string[] = [];
  let entries = 0;
  let pathBytes = 0;

  /** All of a directory before its subdirectories, so that no tree stays in memory below itself. */
  const namesOf = (tree: string, place: Place): readonly NamedEntry[] => {
    const named: NamedEntry[] = [];
    const names = new Set<string>();
    for (const { name: bytes, mode, id } of parseTree(source.read(tree, "tree"))) {
      const refusal = refusedNameReason(bytes);
      if (refusal !== undefined) throw refusedPath(place.prefix, refusal);
      const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      if (names.has(name)) throw refusedPath(place.prefix, "a name appears twice");
      names.add(name);
      const length = place.prefixBytes + bytes.length;
      if (length > longestPathBytes) {
        throw refusedPath(place.prefix, `a path is longer than ${longestPathBytes} bytes`);
      }
      if (++entries > mostEntries) throw tooMany(mostEntries);
      pathBytes += length;
      if (pathBytes > mostPathBytes) throw pathsTooLong();
      named.push({ name, folded: folded(name), pathBytes: length, mode, id });
    }
    return named;
  };

  /** @returns Whether there is a file in it, at any depth. */
  const visit = (tree: string, place: Place): boolean => {
    const named = namesOf(tree, place);
    const shared = sharedNames(named);
    const twins = place.twins ?? new Twins();
    const filesBefore = files.length;
    for (const { name, folded, pathBytes, mode, id } of named) {
      const path = `${place.prefix}${name}`;
      if (place.twins || shared.has(folded)) {
        if (twins.has(folded)) collisions.push(path);
        twins.add(folded);
      }
      switch (mode) {
        case 0o040000: {
          if (place.depth >= deepest) {
            throw refusedPath(place.prefix, `it is deeper than ${deepest} levels`);
          }
          const directoriesBefore = directories.length;
          directories.push(path);
          const inside = {
            prefix: `${path}/`,
            prefixBytes: pathBytes + 1,
            depth: place.depth + 1,
            twins: twins.has(folded) ? twins.inside(folded) : undefined,
          };
          if (!visit(id, inside)) directories.length = directoriesBefore;
          break;
        }
        case 0o120000:
        case 0o160000:
          leftOut.push({ path, id, mode });
          break;
        case 0o100644:
        case 0o100664: // Git wrote it long ago.
          files.push({ path, id, mode: 0o100644 });
          break;
        case 0o100755:
          files.push({ path, id, mode: 0o100755 });
          break;
        default:
          throw refusedPath(place.prefix, `there is no file mode ${mode.toString(8)}`);
      }
    }
    return files.length > filesBefore;
  };

  const root = treeOfCommit(source.read(commit, "commit"));
  visit(root, { prefix: "", prefixBytes: 0, depth: 1, twins: undefined });
  return { files, leftOut, directories, collisions };
}

/** Where a walk is. */
interface Place {
  readonly prefix: string;
  readonly prefixBytes: number;
  readonly depth: number;
  /** What is in directories whose path differs from this one's only in case or composition. */
  readonly twins: Twins | undefined;
}

interface NamedEntry {
  readonly name: string;
  readonly folded: string;
  readonly pathBytes: number;
  readonly mode: number;
  readonly id: string;
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
  return name.normalize("NFC").toLowerCase();
}

/** Folded names that a directory has more than once. */
function sharedNames(entries: readonly NamedEntry[]): ReadonlySet<string> {
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

interface TreeEntry {
  readonly mode: number;
  readonly name: Uint8Array;
  readonly id: string;
}

/** @throws AgentError of kind `input` when the bytes are no tree. */
export function* parseTree(bytes: Uint8Array): Generator<TreeEntry> {
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const nul = bytes.indexOf(0, blank + 1);
    if (blank < 0 || blank - at > 6 || nul < 0 || nul + 1 + idBytes > bytes.length) {
      throw unreadable("a tree is damaged");
    }
    const mode = new TextDecoder().decode(bytes.subarray(at, blank));
    if (!/^[0-7]+$/.test(mode)) throw unreadable("a tree is damaged");
    at = nul + 1 + idBytes;
    yield {
      mode: parseInt(mode, 8),
      name: bytes.subarray(blank + 1, nul),
      id: bytes.subarray(nul + 1, at).toHex(),
    };
  }
}

function treeOfCommit(bytes: Uint8Array): string {
  const id = /^tree ([0-9a-f]{40})\n/.exec(new TextDecoder().decode(bytes.subarray(0, 46)))?.[1];
  if (id === undefined) throw unreadable("the commit names no tree");
  return id;
}

function refusedPath(directory: string, reason: string): AgentError {
  // The name itself is left out: it may hold anything.
  const place = directory === "" ? "the top directory" : directory;
  return cannot("check out", place, `the repository is refused, ${reason}`, { kind: "input" });
}

function tooMany(mostEntries: number): AgentError {
  return cannot(
    "check out",
    "the repository",
    `it has more than ${mostEntries} files (artifact.limit.files)`,
    { kind: "limit" },
  );
}

function pathsTooLong() {
  return cannot(
    "check out",
    "the repository",
    `the paths of its files and directories have more than ${mostPathBytes} bytes together`,
    { kind: "limit" },
  );
}

function unreadable(reason: string): AgentError {
  return cannot("read", "the repository", reason, { kind: "input" });
}
