/** Objects as a pack stores them: header, delta and zlib stream. */
import { createHash } from "node:crypto";
import { constants, inflateSync } from "node:zlib";
import { cannot } from "../base/errors.ts";

/** What an object is; the order is that of the type numbers 1 to 4. */
export type ObjectType = "commit" | "tree" | "blob" | "tag";

/** An object with its content. */
export interface GitObject {
  readonly type: ObjectType;
  readonly data: Uint8Array;
}

/** What stands before an object's compressed bytes. */
export interface PackEntryHeader {
  /** Where the compressed bytes begin, relative to where the header was read. */
  readonly length: number;
  /** Bytes after inflating. */
  readonly size: number;
  readonly content:
    | { readonly kind: "whole"; readonly type: ObjectType }
    /** Delta against the object so many bytes before this one. */
    | { readonly kind: "offsetDelta"; readonly distance: number }
    /** Delta against the object of that id. */
    | { readonly kind: "idDelta"; readonly base: string };
}

/**
 * Largest single object. While one arrives it is in memory compressed and inflated at once, whatever
 * a whole transfer may have.
 */
export const mostObjectBytes = 256 * 1024 * 1024;
/** No header is longer: size, then an offset or an object id. */
export const longestHeaderBytes = 32;

const types: Readonly<Record<number, ObjectType>> = { 1: "commit", 2: "tree", 3: "blob", 4: "tag" };
const offsetDeltaType = 6;
const idDeltaType = 7;
const idBytes = 20;
/** Up to so many bytes a loop is faster than a call. */
const shortCopyBytes = 64;

/**
 * Reads an entry's header.
 *
 * @throws AgentError of kind `input` when it is none.
 */
export function parsePackEntryHeader(bytes: Uint8Array, at: number): PackEntryHeader {
  let next = at;
  const byte = () => {
    const value = bytes[next++];
    if (value === undefined || next - at > longestHeaderBytes) throw damaged("a header is cut off");
    return value;
  };
  let current = byte();
  const typeNumber = (current >> 4) & 7;
  let size = current & 15;
  for (let factor = 16; current & 0x80; factor *= 128) {
    current = byte();
    size += (current & 0x7f) * factor;
  }
  if (!Number.isSafeInteger(size)) throw damaged("an object claims an impossible size");
  const header = (content: PackEntryHeader["content"]) => ({ length: next - at, size, content });
  if (typeNumber === offsetDeltaType) {
    current = byte();
    let distance = current & 0x7f;
    while (current & 0x80) {
      current = byte();
      distance = (distance + 1) * 128 + (current & 0x7f);
    }
    return header({ kind: "offsetDelta", distance });
  }
  if (typeNumber === idDeltaType) {
    if (bytes.length < next + idBytes) throw damaged("a header is cut off");
    const base = bytes.subarray(next, next + idBytes).toHex();
    next += idBytes;
    return header({ kind: "idDelta", base });
  }
  const type = types[typeNumber];
  if (type === undefined) throw damaged(`there is no object type ${typeNumber}`);
  return header({ kind: "whole", type });
}

/** The header of an object that is stored whole. */
export function encodePackEntryHeader(type: ObjectType, size: number): Uint8Array {
  const number = Number(Object.keys(types).find((key) => types[Number(key)] === type));
  const bytes: number[] = [];
  let left = Math.floor(size / 16);
  let current = number << 4 | size & 15;
  while (left > 0) {
    bytes.push(current | 0x80);
    current = left & 0x7f;
    left = Math.floor(left / 128);
  }
  return Uint8Array.from([...bytes, current]);
}

/** More compressed bytes than this for `size` bytes of content are padding meant to waste time. */
export function mostCompressedBytes(size: number): number {
  return size + (size >> 8) + 4096;
}

/** Deflate cannot press `size` bytes into less. */
export function fewestCompressedBytes(size: number): number {
  return Math.floor(size / 1040);
}

/**
 * Inflates an object whose size is known from its header.
 *
 * @param bytes Begins with the zlib stream; may go on behind its end.
 * @returns The content and how many bytes the stream had; `undefined` when `bytes` ends too early.
 * @throws AgentError of kind `input` when the stream is damaged or the size differs.
 */
export function inflateObject(
  bytes: Uint8Array,
  size: number,
): { readonly data: Uint8Array; readonly consumed: number } | undefined {
  // zlib asks for 64 bytes at least; never more than one byte above what was declared.
  const room = Math.max(64, size);
  // With that byte to spare zlib sees the end at once, instead of making room for as much again.
  let result: { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };
  try {
    result = inflateSync(bytes, {
      info: true,
      chunkSize: room + 1,
      maxOutputLength: room,
      finishFlush: constants.Z_FINISH,
    }) as unknown as typeof result;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "Z_BUF_ERROR") return undefined;
    throw damaged(
      code === "ERR_BUFFER_TOO_LARGE"
        ? "an object is larger than it claims"
        : "an object's compression is damaged",
    );
  }
  if (result.buffer.length !== size) throw damaged("an object has another size than it claims");
  return { data: result.buffer, consumed: result.engine.bytesWritten };
}

/**
 * Applies a delta.
 *
 * @param mostBytes Size of the result above which nothing is allocated.
 * @throws AgentError of kind `input` when the delta does not fit its base, `limit` when it is too big.
 */
export function applyDelta(delta: Uint8Array, base: Uint8Array, mostBytes: number): Uint8Array {
  let at = 0;
  // Beyond the end it reads zeros, which is noticed when an instruction is complete.
  const byte = () => delta[at++] ?? 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const current = byte();
      value += (current & 0x7f) * factor;
      if (!(current & 0x80)) return value;
      if (factor > 2 ** 49) throw damaged("a delta claims an impossible size");
    }
  };
  if (varint() !== base.length) throw damaged("a delta does not fit its base");
  const size = varint();
  if (at > delta.length) throw damaged("a delta is cut off");
  if (size > mostBytes) throw tooLarge(size, mostBytes);
  assertObjectSize(size);
  const result = new Uint8Array(size);
  let filled = 0;
  while (at < delta.length) {
    const instruction = byte();
    if (instruction === 0) throw damaged("a delta has an unknown instruction");
    let source = delta;
    let [offset, length] = [at, instruction];
    if (instruction & 0x80) {
      source = base;
      [offset, length] = [0, 0];
      // Written out: there may be millions of them.
      if (instruction & 0x01) offset = byte();
      if (instruction & 0x02) offset |= byte() << 8;
      if (instruction & 0x04) offset |= byte() << 16;
      if (instruction & 0x08) offset += byte() * 0x1000000;
      if (instruction & 0x10) length = byte();
      if (instruction & 0x20) length |= byte() << 8;
      if (instruction & 0x40) length |= byte() << 16;
      if (at > delta.length) throw damaged("a delta is cut off");
      if (length === 0) length = 0x10000;
    } else at += instruction;
    if (offset + length > source.length || filled + length > size) {
      const what = source === base ? "copies from outside its base" : "inserts more than it has";
      throw damaged(`a delta ${what}`);
    }
    if (length <= shortCopyBytes) {
      for (let copied = 0; copied < length; copied++) {
        result[filled + copied] = source[offset + copied] ?? 0;
      }
    } else result.set(source.subarray(offset, offset + length), filled);
    filled += length;
  }
  if (filled !== size) throw damaged("a delta makes another size than it claims");
  return result;
}

/** The id Git gives an object, in hexadecimal. */
export function objectIdOf({ type, data }: GitObject): string {
  return createHash("sha1").update(`${type} ${data.length}\0`).update(data).digest("hex");
}

/** The error for a pack that is not what it must be; the next transfer may be better. */
export function damaged(reason: string) {
  return cannot("read", "the received objects", reason, {
    kind: "input",
    retryable: true,
    data: { damaged: true },
  });
}

/**
 * Refuses an object that is too large by itself.
 *
 * @param size As its header claims; nothing needs to have arrived.
 * @throws AgentError of kind `limit`.
 */
export function assertObjectSize(size: number): void {
  if (size <= mostObjectBytes) return;
  throw cannot(
    "accept",
    "the received objects",
    `an object (mostly: a file) has ${size} bytes, one alone may have ${mostObjectBytes}`,
    { kind: "limit" },
  );
}

/** The error for an object above what is left for all together. */
export function tooLarge(size: number, mostBytes: number) {
  return cannot(
    "accept",
    "the received objects",
    `an object has ${size} bytes, ${mostBytes} are left of what is allowed (artifact.limit.bytes)`,
    { kind: "limit" },
  );
}

/** The error for objects that are too much together. */
export function tooMuch(mostBytes: number) {
  const reason = `they have more than ${mostBytes} bytes (artifact.limit.bytes)`;
  return cannot("accept", "the received objects", reason, { kind: "limit" });
}
