/** What trees and commits hold, taken apart; nothing of it is believed yet. */
import { type AgentError, cannot } from "../base/errors.ts";

const idBytes = 20;

/** The mode of a tree's entry that is a tree itself. */
export const directoryMode = 0o040000;

/** An entry of a tree. */
export interface TreeEntry {
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
    const mode = octal(bytes, at, blank);
    at = nul + 1 + idBytes;
    yield {
      mode,
      name: bytes.subarray(blank + 1, nul),
      id: bytes.subarray(nul + 1, at).toHex(),
    };
  }
}

function octal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) throw unreadable("a tree is damaged");
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw unreadable("a tree is damaged");
    value = value * 8 + digit;
  }
  return value;
}

/**
 * The id of a commit's tree.
 *
 * @throws AgentError of kind `input` when it names none.
 */
export function treeOfCommit(bytes: Uint8Array): string {
  const id = /^tree ([0-9a-f]{40})\n/.exec(new TextDecoder().decode(bytes.subarray(0, 46)))?.[1];
  if (id === undefined) throw unreadable("the commit names no tree");
  return id;
}

function unreadable(reason: string): AgentError {
  return cannot("read", "the repository", reason, { kind: "input" });
}
