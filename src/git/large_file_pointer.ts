/** The files that Git LFS keeps in a repository in place of large ones. */
import { objectIdOf } from "./pack_object.ts";

/** The content that a pointer stands for. */
export interface LargeFile {
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

const canonical =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize ([1-9]\d{0,15})\n$/;
/** What a pointer may measure as Git LFS writes it. */
const largestPointerBytes = 200;

/**
 * Reads a pointer as Git LFS writes it today; one with extensions or of an older form is none, and
 * stays as it is.
 */
export function parsePointer(data: Uint8Array): LargeFile | undefined {
  if (data.length > largestPointerBytes) return undefined;
  const [, sha256, size] = canonical.exec(new TextDecoder().decode(data)) ?? [];
  const bytes = Number(size);
  return sha256 === undefined || !Number.isSafeInteger(bytes) ? undefined : { sha256, size: bytes };
}

/** The one text of a pointer that {@link parsePointer} reads. */
export function pointerText({ sha256, size }: LargeFile): Uint8Array<ArrayBuffer> {
  const lines = [
    "version https://git-lfs.github.com/spec/v1",
    `oid sha256:${sha256}`,
    `size ${size}`,
  ];
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** The object id of a content's pointer: what a tree says of the file. */
export function pointerIdOf(file: LargeFile): string {
  return objectIdOf({ type: "blob", data: pointerText(file) });
}
