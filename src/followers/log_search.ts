import { basename, dirname, join } from "node:path";
import { fileId, look } from "./log_file.ts";
import { isCompressed, isRotatedName, rotationNumber } from "./log_names.ts";
import { beginsLike, headBytes, type Position, printOf } from "./log_position.ts";

/** Names looked at in one directory. */
const entriesLimit = 10_000;

/** A file of a directory. */
export interface FoundFile {
  readonly path: string;
  readonly id: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The path of a file in the directory of its old name, or `undefined`. */
export async function findById(path: string, id: string): Promise<string | undefined> {
  for await (const found of filesBeside(path, () => true)) if (found.id === id) return found.path;
  return undefined;
}

/** What a rotation made of the files of a name: not compressed, oldest first. */
export async function findRotated(path: string): Promise<readonly FoundFile[]> {
  const base = basename(path);
  const found: FoundFile[] = [];
  for await (
    const file of filesBeside(path, (name) => !isCompressed(name) && isRotatedName(base, name))
  ) found.push(file);
  return found.sort((a, b) =>
    a.mtimeMs - b.mtimeMs || rotationNumber(b.path) - rotationNumber(a.path)
  );
}

/** Compressed files that a rotation made of files of a name after some time. */
export async function countCompressed(path: string, sinceMs: number): Promise<number> {
  const base = basename(path);
  const isOne = (name: string) =>
    isCompressed(name) && isRotatedName(base, name.slice(0, name.lastIndexOf(".")));
  let count = 0;
  for await (const file of filesBeside(path, isOne)) if (file.mtimeMs > sinceMs) count++;
  return count;
}

/** The copy of a truncated file, and where reading goes on in it. */
export interface FoundCopy {
  readonly file: FoundFile;
  /** The end of the copy when more was read than was copied. */
  readonly offset: number;
}

/** A file that holds what was read of another one up to its position, or what there was to be copied. */
export async function findCopy(position: Position): Promise<FoundCopy | undefined> {
  const { path, id, offset, head, tail } = position;
  if (head.bytes === 0 && tail.bytes === 0) return undefined;
  for (const file of (await findRotated(path)).toReversed()) {
    if (file.id === id) continue;
    const [begin, before] = await readParts(file.path, offset, tail.bytes);
    if (!beginsLike(begin, head)) continue;
    if (file.size < offset) return { file, offset: file.size };
    if (tail.bytes === 0 || printOf(before).sha === tail.sha) return { file, offset };
  }
  return undefined;
}

/** The first bytes of a file; empty when it cannot be read. */
export async function beginningOf(path: string): Promise<Uint8Array> {
  return (await readParts(path, 0, 0))[0];
}

async function readParts(
  path: string,
  offset: number,
  tail: number,
): Promise<readonly [Uint8Array, Uint8Array]> {
  try {
    using file = await Deno.open(path);
    const begin = await readAt(file, 0, headBytes);
    return [begin, await readAt(file, Math.max(0, offset - tail), Math.min(tail, offset))];
  } catch {
    // Rotated away or not readable: it is not what was looked for.
    return [new Uint8Array(), new Uint8Array()];
  }
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const read = await file.read(bytes.subarray(filled));
    if (!read) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

async function* filesBeside(
  path: string,
  isWanted: (name: string) => boolean,
): AsyncGenerator<FoundFile> {
  const directory = dirname(path);
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      if (entry.isFile && isWanted(entry.name)) names.push(entry.name);
      if (names.length >= entriesLimit) break;
    }
  } catch {
    // The directory is gone or not readable: there is nothing to be found.
    return;
  }
  for (const name of names) {
    const file = join(directory, name);
    const info = await look(file).catch(() => undefined);
    if (!info?.isFile) continue;
    const mtimeMs = info.mtime?.getTime() ?? 0;
    yield { path: file, id: fileId(info), size: info.size, mtimeMs };
  }
}
