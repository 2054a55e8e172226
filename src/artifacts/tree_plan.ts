/** From a commit to the list of files it consists of, checked before anything is written. */
import { AgentError, cannot } from "../base/errors.ts";
import type { ObjectStore } from "./object_store.ts";
import { longestNameBytes, refusedNameReason } from "./tree_entry_name.ts";

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
const idBytes = 20;

/**
 * Walks a commit's tree.
 *
 * @param mostEntries Files, links, submodules and directories together.
 * @throws AgentError of kind `input` when a path must not be written, `limit` when there are too many.
 */
export function planTree(source: TreeSource, commit: string, mostEntries: number): TreePlan {
  const files: PlannedFile[] = [];
  const leftOut: LeftOutEntry[] = [];
  const directories: string[] = [];
  const folded = new Set<string>();
  const collisions: string[] = [];
  let entries = 0;
  const visit = (tree: string, prefix: string, depth: number) => {
    const names = new Set<string>();
    for (const entry of parseTree(source.read(tree, "tree"))) {
      const refusal = refusedNameReason(entry.name);
      if (refusal !== undefined) throw refusedPath(prefix, refusal);
      const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(entry.name);
      const path = `${prefix}${name}`;
      if (names.has(name)) throw refusedPath(prefix, "a name appears twice");
      names.add(name);
      if (path.length > longestPathBytes - longestNameBytes && bytesOf(path) > longestPathBytes) {
        throw refusedPath(prefix, `a path is longer than ${longestPathBytes} bytes`);
      }
      if (++entries > mostEntries) throw tooMany(mostEntries);
      const key = path.normalize("NFC").toLowerCase();
      if (folded.has(key)) collisions.push(path);
      folded.add(key);
      switch (entry.mode) {
        case 0o040000:
          if (depth >= deepest) throw refusedPath(prefix, `it is deeper than ${deepest} levels`);
          directories.push(path);
          visit(entry.id, `${path}/`, depth + 1);
          break;
        case 0o120000:
        case 0o160000:
          leftOut.push({ path, id: entry.id, mode: entry.mode });
          break;
        case 0o100644:
        case 0o100664: // Git wrote it long ago.
          files.push({ path, id: entry.id, mode: 0o100644 });
          break;
        case 0o100755:
          files.push({ path, id: entry.id, mode: 0o100755 });
          break;
        default:
          throw refusedPath(prefix, `there is no file mode ${entry.mode.toString(8)}`);
      }
    }
  };
  visit(treeOfCommit(source.read(commit, "commit")), "", 1);
  const used = new Set(files.flatMap(({ path }) => ancestorsOf(path)));
  return {
    files,
    leftOut,
    directories: directories.filter((path) => used.has(path)),
    collisions,
  };
}

/** Directories above a path, from the top: `a`, `a/b` for `a/b/c`. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    ancestors.push(path.slice(0, at));
  }
  return ancestors;
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

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
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

function unreadable(reason: string): AgentError {
  return cannot("read", "the repository", reason, { kind: "input" });
}
