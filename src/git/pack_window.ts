import { createHash } from "node:crypto";
import { writeAllSync } from "./synchronous_file.ts";

/** Packets bring some kilobytes each; a write costs as much as copying that. */
const storedTogetherBytes = 256 * 1024;

/** What has arrived of a pack and is not taken apart yet. All that arrives goes to a file. */
export class PackWindow {
  readonly #file: Deno.FsFile;
  readonly #sha = createHash("sha1");
  #bytes = new Uint8Array(64 * 1024);
  /** Where in the pack the buffer begins. */
  #start = 0;
  /** In the buffer: up to here it is in the file, is taken apart, is filled. */
  #stored = 0;
  #passed = 0;
  #filled = 0;

  /** @param file Empty; others may read it, and move in it. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Where in the pack the window begins. */
  get at(): number {
    return this.#start + this.#passed;
  }

  /** How much of the pack has arrived. */
  get end(): number {
    return this.#start + this.#filled;
  }

  /** Valid until more arrives. */
  get window(): Uint8Array {
    return this.#bytes.subarray(this.#passed, this.#filled);
  }

  /** More has arrived. */
  add(chunk: Uint8Array): void {
    if (this.#filled + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#filled);
    this.#filled += chunk.length;
    if (this.#filled - this.#stored >= storedTogetherBytes) this.store();
  }

  /** So many bytes are taken apart. */
  pass(bytes: number): void {
    this.#passed += bytes;
  }

  /** Brings the file up to date. */
  store(): void {
    if (this.#stored === this.#filled) return;
    this.#file.seekSync(0, Deno.SeekMode.End);
    writeAllSync(this.#file, this.#bytes.subarray(this.#stored, this.#filled));
    this.#stored = this.#filled;
  }

  /** SHA-1 of all that is taken apart, hexadecimal. Nothing may be added after that. */
  hash(): string {
    this.#drop();
    return this.#sha.digest("hex");
  }

  #makeRoom(bytes: number): void {
    this.#drop();
    if (this.#filled + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#filled + bytes, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = larger;
  }

  /** Hashes and forgets what is taken apart. */
  #drop(): void {
    if (this.#stored < this.#passed) this.store();
    this.#sha.update(this.#bytes.subarray(0, this.#passed));
    this.#bytes.copyWithin(0, this.#passed, this.#filled);
    this.#start += this.#passed;
    this.#stored -= this.#passed;
    this.#filled -= this.#passed;
    this.#passed = 0;
  }
}
