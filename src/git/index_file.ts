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

/** Whether a file that had one stamp and now has the other was left alone in between. */
export function isSameFile(then: FileStamp, now: FileStamp): boolean {
  return then.size % 2 ** 32 === now.size % 2 ** 32 && then.mtimeMs === now.mtimeMs &&
    then.ino === now.ino;
}

/** An index, and what it was made from. */
export interface EncodedIndex {
  readonly bytes: Uint8Array;
  /** In the order of the index. */
  readonly entries: readonly IndexEntry[];
  /** Where each entry begins in the bytes, and where the last one ends. */
  readonly starts: Uint32Array;
}

/** Encodes an index; the order of the entries does not matter. */
export function encodeIndex(entries: readonly IndexEntry[]): Uint8Array {
  return encodeIndexAfter(entries).bytes;
}

/**
 * Encodes an index; the order of the entries does not matter.
 *
 * @param former An index that has many of the same entries, the very same objects: they are copied.
 */
export function encodeIndexAfter(
  entries: readonly IndexEntry[],
  former?: EncodedIndex,
): EncodedIndex {
  const sorted = inGitsOrder(entries);
  const sources = sourcesOf(sorted, former);
  // UTF-8 has no more than three bytes for each unit of UTF-16.
  const most = sorted.reduce(
    (sum, { path }, index) => sources[index] === none ? sum + entryBytes(3 * path.length) : sum,
    headerBytes + (former?.bytes.length ?? 0),
  );
  const bytes = new Uint8Array(most + checksumBytes);
  const view = new DataView(bytes.buffer);
  const starts = new Uint32Array(sorted.length + 1);
  const encoder = new TextEncoder();
  view.setUint32(0, signature);
  view.setUint32(4, 2);
  view.setUint32(8, sorted.length);
  let at = headerBytes;
  for (let index = 0; index < sorted.length;) {
    const source = sources[index] ?? none;
    if (former === undefined || source === none) {
      starts[index] = at;
      at = writeEntry({ bytes, view, encoder }, at, sorted[index] as IndexEntry);
      index++;
      continue;
    }
    // As many as stand in a row.
    const from = former.starts[source] ?? 0;
    let count = 0;
    for (; index < sorted.length && sources[index] === source + count; index++, count++) {
      starts[index] = at + (former.starts[source + count] ?? 0) - from;
    }
    const copied = former.bytes.subarray(from, former.starts[source + count]);
    bytes.set(copied, at);
    at += copied.length;
  }
  starts[sorted.length] = at;
  bytes.set(createHash("sha1").update(bytes.subarray(0, at)).digest(), at);
  return { bytes: bytes.subarray(0, at + checksumBytes), entries: sorted, starts };
}

const none = -1;

/** For each entry its position in the former index. An entry that is missed there only costs time. */
function sourcesOf(sorted: readonly IndexEntry[], former: EncodedIndex | undefined): Int32Array {
  const sources = new Int32Array(sorted.length).fill(none);
  if (former === undefined) return sources;
  let at = 0;
  for (const [index, entry] of sorted.entries()) {
    let known = former.entries[at];
    while (known !== undefined && known !== entry && known.path < entry.path) {
      known = former.entries[++at];
    }
    if (known === entry) sources[index] = at++;
  }
  return sources;
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
  // Only these are ordered otherwise by their UTF-16 units than by their bytes.
  const isUnusual = entries.some(({ path }) => /[\ud800-\uffff]/.test(path));
  if (!isUnusual) return entries.toSorted((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return entries.map((entry) => ({ entry, name: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ entry }) => entry);
}

function damagedIndex(reason: string) {
  return cannot("read", "the record of published files", reason, { kind: "input" });
}
