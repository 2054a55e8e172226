/**
 * Completes a thin pack: a server that knows what is here sends deltas against objects it leaves out,
 * and a pack on disk must hold the bases of its deltas.
 */
import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import { concatBytes } from "./packet_line.ts";
import { damaged, encodePackEntryHeader, type GitObject } from "./pack_object.ts";
import { writeAllSync } from "./synchronous_file.ts";

/** Where an appended object is. */
export interface AppendedEntry {
  readonly offset: number;
  readonly end: number;
  readonly crc: number;
}

const countAt = 8;
const readBytes = 1024 * 1024;

/** Appends objects to a pack. Between the first {@link append} and {@link seal} it is not valid. */
export class ThinPackCompletion {
  readonly #file: Deno.FsFile;
  #end: number;

  /** @param end Where the last object ends; the trailer behind it is overwritten. */
  constructor(file: Deno.FsFile, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /** Writes an object behind the last one. */
  append({ type, data }: GitObject): AppendedEntry {
    const entry = concatBytes([encodePackEntryHeader(type, data.length), deflateSync(data)]);
    const offset = this.#end;
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    writeAllSync(this.#file, entry);
    this.#end += entry.length;
    return { offset, end: this.#end, crc: crc32(entry) };
  }

  /**
   * Makes the pack valid again.
   *
   * @param count How many objects it has now.
   * @returns The new trailer.
   */
  seal(count: number): Uint8Array {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, count);
    this.#file.seekSync(countAt, Deno.SeekMode.Start);
    writeAllSync(this.#file, header);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const sha = createHash("sha1");
    const buffer = new Uint8Array(readBytes);
    for (let left = this.#end; left > 0;) {
      const read = this.#file.readSync(buffer.subarray(0, Math.min(left, readBytes)));
      if (read === null) throw damaged("a pack on disk is cut off");
      sha.update(buffer.subarray(0, read));
      left -= read;
    }
    const trailer = sha.digest();
    writeAllSync(this.#file, trailer);
    return trailer;
  }
}
