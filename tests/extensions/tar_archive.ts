/** One entry of an archive: a file, unless the type says otherwise. */
export interface TarEntry {
  readonly name: string;
  readonly content?: string;
  /** As in the format, e.g. `2` for a symbolic link. Default `0`. */
  readonly type?: string;
  /** What the header says. Default: the content's. */
  readonly size?: number;
}

/** An archive in the ustar format. */
export function tarArchive(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array[] = [];
  for (const { name, content = "", type = "0", size } of entries) {
    const bytes = new TextEncoder().encode(content);
    const header = new Uint8Array(512);
    const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
    put(0, name);
    put(100, "0000644\0");
    put(124, `${(size ?? bytes.length).toString(8).padStart(11, "0")}\0`);
    put(156, type);
    put(257, "ustar\x0000");
    const body = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    body.set(bytes);
    blocks.push(header, body);
  }
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 1024));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
