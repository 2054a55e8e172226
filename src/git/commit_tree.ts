/** Trees and commits as objects: written from lists of files, and read. */
import { Buffer } from "node:buffer";
import { cannot } from "../base/errors.ts";
import type { GitObject } from "./pack_object.ts";
import type { TreeFile, TreeFiles } from "./rebase_files.ts";
import { planTree, type TreeSource } from "./tree_plan.ts";

/** What a commit says. */
export interface CommitContent {
  readonly tree: string;
  readonly parents: readonly string[];
  /** Author and committer: name, address, time, as Git writes them. */
  readonly author: string;
  readonly message: string;
}

const treeMode = 0o040000;

/** All files, links and submodules of a commit. @throws As `planTree`. */
export function filesOfCommit(source: TreeSource, commit: string, mostFiles: number): TreeFiles {
  const { files, links, leftOut } = planTree(source, commit, mostFiles);
  const all = [...files, ...links, ...leftOut];
  return new Map(all.map(({ path, id, mode }) => [path, { id, mode }]));
}

/**
 * Writes the trees for a list of files.
 *
 * @returns The id of the top one.
 */
export function writeTrees(files: TreeFiles, write: (object: GitObject) => string): string {
  const top: Directory = { entries: new Map() };
  for (const [path, file] of files) {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let at = top;
    for (const part of parts) {
      let inside = at.entries.get(part);
      if (inside === undefined || !("entries" in inside)) {
        inside = { entries: new Map() };
        at.entries.set(part, inside);
      }
      at = inside;
    }
    at.entries.set(name, file);
  }
  return writeDirectory(top, write);
}

interface Directory {
  readonly entries: Map<string, Directory | TreeFile>;
}

function writeDirectory({ entries }: Directory, write: (object: GitObject) => string): string {
  const named = [...entries].map(([name, entry]) => {
    const isDirectory = "entries" in entry;
    const file = isDirectory ? { id: writeDirectory(entry, write), mode: treeMode } : entry;
    // Git sorts a directory as if its name ended with a slash.
    return { name, file, order: Buffer.from(isDirectory ? `${name}/` : name) };
  }).sort((a, b) => Buffer.compare(a.order, b.order));
  const data = Buffer.concat(named.flatMap(({ name, file }) => [
    Buffer.from(`${file.mode.toString(8)} ${name}\0`),
    Buffer.from(file.id, "hex"),
  ]));
  return write({ type: "tree", data });
}

/** Encodes a commit. */
export function encodeCommit({ tree, parents, author, message }: CommitContent): GitObject {
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${author}`,
    `committer ${author}`,
  ];
  const text = `${lines.join("\n")}\n\n${message.replace(/\n*$/, "\n")}`;
  return { type: "commit", data: new TextEncoder().encode(text) };
}

/** Reads a commit. @throws AgentError of kind `input` when it is missing or none. */
export function readCommit(source: TreeSource, id: string): CommitContent {
  const text = new TextDecoder().decode(source.read(id, "commit"));
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end);
  const lines = head.split("\n");
  const value = (name: string) =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const tree = value("tree");
  if (tree === undefined || !/^[0-9a-f]{40}$/.test(tree)) {
    throw cannot("read commit", id, "it names no tree", { kind: "input" });
  }
  return {
    tree,
    parents: lines.flatMap((line) => /^parent ([0-9a-f]{40})$/.exec(line)?.[1] ?? []),
    author: value("author") ?? "",
    message: end < 0 ? "" : text.slice(end + 2),
  };
}
