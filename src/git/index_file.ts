/**
 * Git's index file, version 2: the record of which files are published, from which objects, and how
 * they looked on disk when they were written. Native Git reads it too.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { cannot } from "../base/errors.ts";
import type { FileStamp } from "./file_stamp.ts";

/** Kinds of entries; as in a tree. */
export type IndexMode = 0o100644 | 0o100755 | 0o120000 | 0o160000;

/** An entry of the index. */
export interface IndexEntry {
  readonly path: string;
  /** Object id, hexadecimal. */
  readonly id: string;
  readonly mode: IndexMode;
  /** Absent: the entry is in the tree but was left out of the work tree (links, submodules). */
  readonly stamp?: FileStamp;
}

const signature = 0x44495243; // DIRC
const headerBytes = 12;
const fixedBytes = 62;
const idAt = 40;
const flagsAt = 60;
const checksumBytes = 20;
const assumeValid = 0x8000;
const extended = 0x4000;
const stage = 0x3000;
const longestName = 0xfff;

/** An index, and what it was made from. */
export interface EncodedIndex {
  readonly bytes: Uint8Array;
  /** In the order of the index. */
  readonly entries: readonly IndexEntry[];
  /** Where each entry begins in the bytes, and where the last one ends. */
  readonly starts: Uint32Array;
  /** Entries that the former index did not have. */
  readonly fresh: readonly IndexEntry[];
}

/** Encodes an index; the order of the entries does not matter. */
export function encodeIndex(entries: readonly IndexEntry[]): Uint8Array {
  return encodeIndexAfter(entries).bytes;
}

/**
 * Encodes an index; the order of the entries does not matter.
 *
 * @param former An index that has many of the same entries, the very same objects: where they come in
 *   its order, they are copied.
 */
export function encodeIndexAfter(
  entries: readonly IndexEntry[],
  former?: EncodedIndex,
): EncodedIndex {
  const { kept, fresh: unsorted } = divide(entries, former);
  const fresh = inGitsOrder(unsorted);
  const copied = former?.bytes.length ?? 0;
  // UTF-8 has no more than three bytes for each unit of UTF-16.
  const most = fresh.reduce((sum, { path }) => sum + entryBytes(3 * path.length), headerBytes);
  const bytes = new Uint8Array(most + copied + checksumBytes);
  const view = new DataView(bytes.buffer);
  const count = kept.length + fresh.length;
  const sorted: IndexEntry[] = [];
  const starts = new Uint32Array(count + 1);
  const encoder = new TextEncoder();
  view.setUint32(0, signature);
  view.setUint32(4, 2);
  view.setUint32(8, count);
  let at = headerBytes;
  let next = 0;
  const copyUntil = (end: number) => {
    while (former !== undefined && next < end) {
      const first = kept[next] ?? 0;
      const from = former.starts[first] ?? 0;
      let last = first;
      // As many as stand in a row.
      for (; next < end && kept[next] === last; next++, last++) {
        starts[sorted.length] = at + (former.starts[last] ?? 0) - from;
        sorted.push(former.entries[last] as IndexEntry);
      }
      const row = former.bytes.subarray(from, former.starts[last]);
      bytes.set(row, at);
      at += row.length;
    }
  };
  for (const entry of fresh) {
    copyUntil(placeAmong(kept, entry, former));
    starts[sorted.length] = at;
    sorted.push(entry);
    at = writeEntry({ bytes, view, encoder }, at, entry);
  }
  copyUntil(kept.length);
  starts[count] = at;
  bytes.set(createHash("sha1").update(bytes.subarray(0, at)).digest(), at);
  return { bytes: bytes.subarray(0, at + checksumBytes), entries: sorted, starts, fresh };
}

/** Only these are ordered otherwise by their UTF-16 units than by their bytes. */
const unusual = /[\ud800-\uffff]/;

/** Positions in the former index of entries that are copied, and what is to be encoded anew. */
function divide(
  entries: readonly IndexEntry[],
  former: EncodedIndex | undefined,
): { readonly kept: readonly number[]; readonly fresh: readonly IndexEntry[] } {
  const kept: number[] = [];
  const fresh: IndexEntry[] = [];
  let at = 0;
  for (const entry of former === undefined ? [] : entries) {
    let known = former?.entries[at];
    while (known !== undefined && known !== entry && known.path < entry.path) {
      known = former?.entries[++at];
    }
    if (known === entry) kept.push(at++);
    else fresh.push(entry);
  }
  // Among unusual names, an entry's place is not found by comparing strings.
  const isCopied = former !== undefined && !fresh.some(({ path }) => unusual.test(path));
  return isCopied ? { kept, fresh } : { kept: [], fresh: entries };
}

/** How many of the kept entries come before an entry. */
function placeAmong(
  kept: readonly number[],
  { path }: IndexEntry,
  former: EncodedIndex | undefined,
): number {
  let [low, high] = [0, kept.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((former?.entries[kept[middle] ?? 0]?.path ?? "") < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @returns Where it ends. */
function writeEntry(
  { bytes, view, encoder }: {
    readonly bytes: Uint8Array;
    readonly view: DataView;
    readonly encoder: TextEncoder;
  },
  at: number,
  { path, id, mode, stamp }: IndexEntry,
): number {
  view.setUint32(at + 24, mode);
  if (stamp) {
    setTime(view, at, stamp.ctimeMs);
    setTime(view, at + 8, stamp.mtimeMs);
    view.setUint32(at + 16, stamp.dev);
    view.setUint32(at + 20, stamp.ino);
    view.setUint32(at + 28, stamp.uid);
    view.setUint32(at + 32, stamp.gid);
    view.setUint32(at + 36, stamp.size);
  }
  bytes.subarray(at + idAt).setFromHex(id);
  const { written } = encoder.encodeInto(path, bytes.subarray(at + fixedBytes));
  // Native Git takes what is marked so for unchanged, though it is not there.
  const mark = stamp ? 0 : assumeValid;
  view.setUint16(at + flagsAt, mark | Math.min(written, longestName));
  return at + entryBytes(written);
}

/**
 * Reads an index of version 2; extensions are passed over.
 *
 * @throws AgentError of kind `input` when it is damaged or of another version.
 */
export function parseIndex(bytes: Uint8Array): IndexEntry[] {
  if (bytes.length < headerBytes + checksumBytes) throw damagedIndex("it is too short");
  const covered = bytes.subarray(0, -checksumBytes);
  const checksum = bytes.subarray(-checksumBytes).toHex();
  if (createHash("sha1").update(covered).digest("hex") !== checksum) {
    throw damagedIndex("its checksum is wrong");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== signature || view.getUint32(4) !== 2) {
    throw damagedIndex("it is not of version 2");
  }
  const entries: IndexEntry[] = [];
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = headerBytes;
  for (let left = view.getUint32(8); left > 0; left--) {
    if (at + fixedBytes > covered.length) throw damagedIndex("it is cut off");
    const flags = view.getUint16(at + flagsAt);
    if (flags & (extended | stage)) throw damagedIndex("it has entries of an unknown kind");
    const nameAt = at + fixedBytes;
    const end = covered.indexOf(0, nameAt);
    if (end < 0) throw damagedIndex("it is cut off");
    const field = (index: number) => view.getUint32(at + index * 4);
    entries.push({
      path: decoder.decode(covered.subarray(nameAt, end)),
      id: bytes.subarray(at + idAt, at + idAt + 20).toHex(),
      mode: field(6) as IndexMode,
      ...(flags & assumeValid ? {} : {
        stamp: {
          ctimeMs: field(0) * 1000 + field(1) / 1e6,
          mtimeMs: field(2) * 1000 + field(3) / 1e6,
          dev: field(4),
          ino: field(5),
          uid: field(7),
          gid: field(8),
          size: field(9),
        },
      }),
    });
    at += entryBytes(end - nameAt);
  }
  return entries;
}

/** Fixed part, name and one to eight NULs. */
function entryBytes(nameBytes: number): number {
  return (fixedBytes + nameBytes + 8) & ~7;
}

function setTime(view: DataView, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  view.setUint32(at, seconds);
  view.setUint32(at + 4, Math.round((ms - seconds * 1000) * 1e6));
}

/** By the bytes of the paths. */
function inGitsOrder(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  const isUnusual = entries.some(({ path }) => unusual.test(path));
  if (!isUnusual) return entries.toSorted((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return entries.map((entry) => ({ entry, name: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ entry }) => entry);
}

function damagedIndex(reason: string) {
  return cannot("read", "the record of published files", reason, { kind: "input" });
}
