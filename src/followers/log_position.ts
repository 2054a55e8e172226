import { createHash } from "node:crypto";

/** A fingerprint of some bytes. */
export interface Print {
  /** How many bytes. */
  readonly bytes: number;
  /** SHA-256, base64. */
  readonly sha: string;
}

/** Bytes at a file's beginning that tell it from another one. */
export const headBytes = 1024;
/** Bytes before a position that tell whether it is still the same place. */
export const tailBytes = 64;
/** A shorter beginning tells nothing about whether one file is a copy of another. */
const leastTellingBytes = 16;

/** Up to where a file was published; kept in the state directory. */
export interface Position {
  /** The name it was followed under. */
  readonly path: string;
  /** Device and inode. */
  readonly id: string;
  /** Files of a name are read in this order. */
  readonly order: number;
  readonly offset: number;
  /** When last looked at. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly head: Print;
  readonly tail: Print;
  /** The rest of a message that was too long is being left out. */
  readonly skipping: boolean;
  /** Read to its end, and nothing will follow. */
  readonly ended: boolean;
}

/** The fingerprint of bytes. */
export function printOf(bytes: Uint8Array): Print {
  return { bytes: bytes.length, sha: createHash("sha256").update(bytes).digest("base64") };
}

/** The fingerprint of nothing. */
export const emptyPrint: Print = { bytes: 0, sha: "" };

/** The position of a file of which nothing was read, at some offset. */
export function freshPosition(
  { path, id, size, mtimeMs }: Pick<Position, "path" | "id" | "size" | "mtimeMs">,
  order: number,
  offset: number,
): Position {
  const [head, tail] = [emptyPrint, emptyPrint];
  return { path, id, order, offset, size, mtimeMs, head, tail, skipping: false, ended: false };
}

/** Whether bytes begin with what a fingerprint was taken of. */
export function beginsLike(bytes: Uint8Array, print: Print): boolean {
  if (print.bytes === 0) return true;
  return bytes.length >= print.bytes && printOf(bytes.subarray(0, print.bytes)).sha === print.sha;
}

/** Whether a file's beginning is so much like a known one's that it must be a copy of it. */
export function isCopyOf(bytes: Uint8Array, { head }: Position): boolean {
  return head.bytes >= leastTellingBytes && beginsLike(bytes, head);
}

/** A position as it was written, or `undefined` when this is none. */
export function parsePosition(value: unknown): Position | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const it = value as Record<string, unknown>;
  const { path, id, order, offset, size, mtimeMs, head, tail, skipping, ended } = it;
  if (typeof path !== "string" || typeof id !== "string") return undefined;
  if (!isCount(order) || !isCount(offset) || !isCount(size)) return undefined;
  if (typeof mtimeMs !== "number" || !isPrint(head) || !isPrint(tail)) return undefined;
  if (typeof skipping !== "boolean" || typeof ended !== "boolean") return undefined;
  return { path, id, order, offset, size, mtimeMs, head, tail, skipping, ended };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPrint(value: unknown): value is Print {
  if (typeof value !== "object" || value === null) return false;
  const { bytes, sha } = value as Record<string, unknown>;
  return isCount(bytes) && bytes <= headBytes && typeof sha === "string";
}
