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

/** Encodes an index; the order of the entries does not matter. */
export function encodeIndex(entries: readonly IndexEntry[]): Uint8Array {
  const sorted = inGitsOrder(entries);
  // UTF-8 has no more than three bytes for each unit of UTF-16.
  const most = sorted.reduce((sum, { path }) => sum + entryBytes(3 * path.length), headerBytes);
  const bytes = new Uint8Array(most + checksumBytes);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  view.setUint32(0, signature);
  view.setUint32(4, 2);
  view.setUint32(8, sorted.length);
  let at = headerBytes;
  for (const { path, id, mode, stamp } of sorted) {
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
    at += entryBytes(written);
  }
  bytes.set(createHash("sha1").update(bytes.subarray(0, at)).digest(), at);
  return bytes.subarray(0, at + checksumBytes);
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
