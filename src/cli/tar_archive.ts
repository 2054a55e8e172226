/** A file of an archive. */
export interface ArchivedFile {
  /** Relative, at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
}

const blockBytes = 512;
const fileMode = "0000600\0";

/**
 * An archive in the ustar format, compressed by gzip, readable by every `tar`.
 *
 * @param timeMs Time of all files, milliseconds since 1970.
 */
export async function tarGz(files: readonly ArchivedFile[], timeMs: number): Promise<Uint8Array> {
  const blocks = files.flatMap((file) => [headerOf(file, timeMs), padded(file.content)]);
  const archive = new Blob([...blocks, new Uint8Array(2 * blockBytes)]);
  const compressed = archive.stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

function headerOf({ name, content }: ArchivedFile, timeMs: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(blockBytes);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
  put(0, name);
  put(100, fileMode);
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, octal(content.length));
  put(136, octal(Math.floor(timeMs / 1000)));
  // The checksum is made as if it were blanks.
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\x0000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

function padded(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(Math.ceil(content.length / blockBytes) * blockBytes);
  whole.set(content);
  return whole;
}
