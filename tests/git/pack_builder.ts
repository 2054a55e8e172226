/** Makes packs byte by byte, good ones and bad ones. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

export const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4, offsetDelta: 6, idDelta: 7 };

export function bytesOf(...parts: (string | Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const arrays = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : Uint8Array.from(part)
  );
  const joined = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

/** Header of an entry: type and claimed size. */
export function entryHeader(type: number, size: number): number[] {
  const bytes = [];
  let current = type << 4 | size % 16;
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    bytes.push(current | 0x80);
    current = left % 128;
  }
  return [...bytes, current];
}

export function entry(type: number, content: Uint8Array, claimedSize = content.length): Uint8Array {
  return bytesOf(entryHeader(type, claimedSize), deflateSync(content));
}

export function idDelta(base: string, delta: Uint8Array): Uint8Array {
  const header = entryHeader(typeNumbers.idDelta, delta.length);
  return bytesOf(header, Uint8Array.fromHex(base), deflateSync(delta));
}

export function offsetDelta(distance: number, delta: Uint8Array): Uint8Array {
  const offset = [distance & 0x7f];
  for (let left = (distance >> 7) - 1; left >= 0; left = (left >> 7) - 1) {
    offset.unshift(left & 0x7f | 0x80);
  }
  const header = entryHeader(typeNumbers.offsetDelta, delta.length);
  return bytesOf(header, offset, deflateSync(delta));
}

export function pack(entries: readonly Uint8Array[], count = entries.length): Uint8Array {
  const header = new Uint8Array(12);
  header.set(new TextEncoder().encode("PACK"));
  new DataView(header.buffer).setUint32(4, 2);
  new DataView(header.buffer).setUint32(8, count);
  const body = bytesOf(header, ...entries);
  return bytesOf(body, createHash("sha1").update(body).digest());
}

/** A number as deltas hold it. */
export function varint(value: number): number[] {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

/** A delta that makes `result` by inserting all of it. */
export function insertingDelta(base: Uint8Array, result: Uint8Array): Uint8Array {
  const parts: number[] = [...varint(base.length), ...varint(result.length)];
  for (let at = 0; at < result.length; at += 127) {
    const piece = result.subarray(at, at + 127);
    parts.push(piece.length, ...piece);
  }
  return Uint8Array.from(parts);
}

export function idOf(type: string, content: Uint8Array): string {
  return createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
}
