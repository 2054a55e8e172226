/** File operations of the workers, where waiting blocks nobody and promises only cost time. */

/**
 * Replaces a file so that whoever reads it, and whoever starts after the process was killed, finds the
 * old or the new content.
 *
 * @param content Text as UTF-8.
 * @param isDurable Also after a power cut; costs a few milliseconds. Without, such a cut may leave the
 *   file empty.
 */
export function replaceFileSync(
  path: string,
  content: string | Uint8Array,
  isDurable = false,
): void {
  const beside = `${path}.new`;
  {
    using file = Deno.openSync(beside, { write: true, create: true, truncate: true, mode: 0o600 });
    writeAllSync(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
    if (isDurable) file.syncDataSync();
  }
  Deno.renameSync(beside, path);
}

/** Writes all bytes, however many calls that takes. */
export function writeAllSync(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += file.writeSync(bytes.subarray(written));
  }
}

/**
 * Writes a file that must not be there yet.
 *
 * @param mode Whatever the process's umask is.
 * @returns What the system says of it.
 */
export function writeNewFileSync(path: string, bytes: Uint8Array, mode: number): Deno.FileInfo {
  {
    using file = Deno.openSync(path, { write: true, createNew: true, mode });
    writeAllSync(file, bytes);
  }
  // An open file would be as dear to ask as to open: Deno looks at each part of its path again.
  return withModeSync(path, mode);
}

/**
 * Adds what the process's umask has taken away of a new file's mode.
 *
 * @returns What the system says of it then.
 */
export function withModeSync(path: string, mode: number): Deno.FileInfo {
  const info = Deno.lstatSync(path);
  if (((info.mode ?? mode) & mode) === mode) return info;
  try {
    Deno.chmodSync(path, mode);
  } catch (error) {
    // A file system without modes; the file is ours.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  return Deno.lstatSync(path);
}

/** What is at a path, links not followed; `undefined` when nothing is. */
export function lstatIfPresentSync(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The bytes of a file; `undefined` when there is none. */
export function readIfPresentSync(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes a file or a directory with everything in it; nothing there is fine. */
export function removeSync(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Whether nothing is in a directory. */
export function isEmptySync(directory: string): boolean {
  return Deno.readDirSync(directory)[Symbol.iterator]().next().done === true;
}

/**
 * Removes a directory with nothing in it; something else there, or nothing, is fine. Whoever puts
 * something in it, or removes it, meanwhile is faster: then it is left to him.
 */
export function removeIfEmptySync(path: string): void {
  if (!lstatIfPresentSync(path)?.isDirectory) return;
  try {
    // Asked first: a mount point that is in use is busy, whatever is in it.
    if (isEmptySync(path)) Deno.removeSync(path);
  } catch (error) {
    if (!isMissing(error) && !isNotEmpty(error)) throw error;
  }
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOTEMPTY";
}

/** A path through a file names nothing either. */
function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
