/** One file of an archive. */
export interface ArchivedFile {
  /** Relative, of at most 100 bytes of ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

const blockSize = 512;

/**
 * An archive in the ustar format, files in the given order, owned by root.
 *
 * @param timeMs Time of all files, milliseconds since 1970. The default makes the same files give the
 *   same bytes.
 * @throws Error for a path that fits into no header.
 */
export function tarArchive(
  files: readonly ArchivedFile[],
  timeMs: number = 0,
): Uint8Array<ArrayBuffer> {
  const blocks = files.map(({ content }) => 1 + Math.ceil(content.length / blockSize));
  // Two empty blocks end it.
  const total = blocks.reduce((sum, count) => sum + count, 2);
  const archive = new Uint8Array(total * blockSize);
  let at = 0;
  for (const file of files) {
    archive.set(header(file, timeMs), at);
    archive.set(file.content, at + blockSize);
    at += (1 + Math.ceil(file.content.length / blockSize)) * blockSize;
  }
  return archive;
}

/** Bytes compressed by gzip. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

function header({ path, content, mode }: ArchivedFile, timeMs: number): Uint8Array {
  const block = new Uint8Array(blockSize);
  const put = (offset: number, text: string) => block.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  // deno-lint-ignore no-control-regex -- what else could be in a name is not written by this project
  if (!/^[\x00-\x7f]{1,100}$/.test(path)) throw new Error(`"${path}" fits into no archive`);
  put(0, path);
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(Math.floor(timeMs / 1000), 11));
  put(148, " ".repeat(8)); // the checksum counts itself as blanks
  put(156, "0");
  put(257, "ustar\x0000");
  put(265, "root");
  put(297, "root");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return block;
}
