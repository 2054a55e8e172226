import { dirname } from "node:path";

/**
 * Replaces a file so that a crash leaves the old or the new content, never a part.
 *
 * Writes beside it, forces it to disk, renames, forces the directory to disk where the system can.
 *
 * @param path Where; the directory must exist.
 * @param content What, text as UTF-8.
 * @param mode Permission bits of the file. Default 0600.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const beside = `${path}.new`;
  {
    using file = await Deno.open(beside, { write: true, create: true, truncate: true, mode });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await writeAll(file, bytes);
    await file.syncData();
  }
  await Deno.rename(beside, path);
  await syncDirectory(dirname(path));
}

/** Writes all bytes, however many calls that takes. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** Makes a rename or creation in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path, { read: true });
  await directory.sync();
}

/** The text of a file, or `undefined` when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
