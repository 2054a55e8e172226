/** One file of an archive. */
export interface ArchivedFile {
  /** Relative, of at most 100 bytes of ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

const blockSize = 512;

/**
 * An archive in the ustar format, files in the given order: the same files give the same bytes, for
 * owners and times are left out.
 */
export function tarArchive(files: readonly ArchivedFile[]): Uint8Array<ArrayBuffer> {
  const blocks = files.map(({ content }) => 1 + Math.ceil(content.length / blockSize));
  // Two empty blocks end it.
  const total = blocks.reduce((sum, count) => sum + count, 2);
  const archive = new Uint8Array(total * blockSize);
  let at = 0;
  files.forEach((file, index) => {
    archive.set(header(file), at);
    archive.set(file.content, at + blockSize);
    at += blocks[index]! * blockSize;
  });
  return archive;
}

function header({ path, content, executable }: ArchivedFile): Uint8Array {
  const block = new Uint8Array(blockSize);
  const put = (offset: number, text: string) => block.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  // deno-lint-ignore no-control-regex -- what else could be in a name is not written by this project
  if (!/^[\x00-\x7f]{1,100}$/.test(path)) throw new Error(`"${path}" fits into no archive`);
  put(0, path);
  put(100, octal(executable ? 0o755 : 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8)); // the checksum counts itself as blanks
  put(156, "0");
  put(257, "ustar\x0000");
  put(265, "root");
  put(297, "root");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return block;
}
