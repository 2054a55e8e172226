/** Which objects a server lacks, and the pack that brings them. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { readCommit } from "./commit_tree.ts";
import { encodePackEntryHeader, type ObjectType } from "./pack_object.ts";
import { concatBytes } from "./packet_line.ts";
import { parseTree } from "./tree_object.ts";
import type { TreeSource } from "./tree_plan.ts";

/** An object to be sent. */
export interface SentObject {
  readonly id: string;
  readonly type: ObjectType;
}

const treeMode = 0o040000;
const submoduleMode = 0o160000;

/**
 * Objects of commits that those below them do not have.
 *
 * @param commits Each after its parent; the first one's parent is on the server, or it has none.
 */
export function objectsToSend(source: TreeSource, commits: readonly string[]): SentObject[] {
  const found = new Map<string, SentObject>();
  const addTree = (id: string, below: string | undefined) => {
    if (id === below || found.has(id)) return;
    found.set(id, { id, type: "tree" });
    const former = new Map<string, string>();
    if (below !== undefined) {
      for (const { name, id } of parseTree(source.read(below, "tree"))) {
        former.set(keyOf(name), id);
      }
    }
    for (const { name, mode, id: entry } of parseTree(source.read(id, "tree"))) {
      const before = former.get(keyOf(name));
      if (mode === submoduleMode || entry === before) continue;
      if (mode !== treeMode) found.set(entry, { id: entry, type: "blob" });
      else addTree(entry, before !== undefined && isTree(source, before) ? before : undefined);
    }
  };
  for (const id of commits) {
    const { tree, parents: [parent] } = readCommit(source, id);
    found.set(id, { id, type: "commit" });
    addTree(tree, parent === undefined ? undefined : readCommit(source, parent).tree);
  }
  return [...found.values()];
}

/** A pack, piece by piece; each object is in memory only while it is sent. */
export function* packOf(
  source: TreeSource,
  objects: readonly SentObject[],
): Generator<Uint8Array<ArrayBuffer>> {
  const sha = createHash("sha1");
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x5041434b);
  view.setUint32(4, 2);
  view.setUint32(8, objects.length);
  sha.update(header);
  yield header;
  for (const { id, type } of objects) {
    const data = source.read(id, type);
    const entry = concatBytes([encodePackEntryHeader(type, data.length), deflateSync(data)]);
    sha.update(entry);
    yield entry;
  }
  yield new Uint8Array(sha.digest());
}

function isTree(source: TreeSource, id: string): boolean {
  try {
    source.read(id, "tree");
    return true;
  } catch {
    return false;
  }
}

function keyOf(name: Uint8Array): string {
  return String.fromCharCode(...name);
}
