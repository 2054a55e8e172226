/** What a worker that stays warm keeps of the record of published files. */
import type { GitDirectory } from "../git/git_directory.ts";
import { type FileStamp, isStampOf, stampOf } from "../git/file_stamp.ts";
import { type EncodedIndex, type IndexEntry } from "../git/index_file.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";

/** The record as a job wrote it. */
export interface KnownRecord {
  readonly encoded: EncodedIndex;
  /** Files and links that are in place, by path. */
  readonly placed: Map<string, IndexEntry>;
}

/** A record of more entries is not kept: some 20 MiB. */
const mostEntries = 100_000;

/**
 * Remembers the record that a job wrote, so that the next one need not read it. It counts only while
 * the file is the very one that was written.
 */
export class RecordMemory {
  #known: KnownRecord | undefined;
  #stamp: FileStamp | undefined;

  /** The record, unless somebody else has written it since, or something in it is changed on disk. */
  find({ index }: GitDirectory): KnownRecord | undefined {
    if (this.#known === undefined || this.#stamp === undefined) return undefined;
    const info = lstatIfPresentSync(index);
    if (info === undefined || !isStampOf(this.#stamp, info)) this.forget();
    return this.#known;
  }

  /** The record is about to be changed. */
  forget(): void {
    this.#known = this.#stamp = undefined;
  }

  /** Keeps what is in the file now. */
  keep({ index }: GitDirectory, known: KnownRecord): void {
    if (known.encoded.entries.length > mostEntries) return;
    const info = lstatIfPresentSync(index);
    if (info === undefined) return;
    this.#known = known;
    this.#stamp = stampOf(info);
  }
}
