import { replaceFile, writeAll } from "../base/durable_file.ts";
import { reasonOf } from "../base/errors.ts";
import {
  acknowledgementLine,
  messageLine,
  type OutboxContent,
  type OutboxMessage,
  readRecords,
} from "./outbox_records.ts";

/** The file is written anew when it has more records than this, and mostly acknowledged ones. */
const compactAbove = 100;
/** Much more than an outbox can hold; what is larger is damaged. */
const maxFileBytes = 64 * 1024 * 1024;

/** What {@link OutboxFile.load} found. */
export interface LoadedOutbox extends Pick<OutboxContent, "pending" | "nextSequence"> {
  /** What is wrong with the file and where it was put; absent when nothing is. */
  readonly fault?: string;
}

/** The file of an outbox: records are added at the end and on disk when the call resolves. */
export class OutboxFile {
  readonly #path: string;
  /** The file exists and ends with a whole record: the next one can be added. */
  #sound = false;
  #records = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the file; never rejects.
   *
   * A record that a crash cut off at the end is ignored. A damaged file is kept under another name,
   * with `.corrupt-` and the time.
   *
   * @param nowMs Wall-clock time, for that name.
   */
  async load(nowMs: number): Promise<LoadedOutbox> {
    const aside = `${this.#path}.corrupt-${new Date(nowMs).toISOString().replaceAll(":", "")}`;
    let found: { bytes: Uint8Array; tooLarge: boolean } | undefined;
    try {
      found = await readBounded(this.#path);
    } catch (error) {
      return { pending: [], nextSequence: 1, fault: await this.#moveAside(aside, reasonOf(error)) };
    }
    if (!found) return { pending: [], nextSequence: 1 };
    const { pending, nextSequence, records, torn, damagedLines } = readRecords(found.bytes);
    this.#records = records;
    this.#sound = !torn && damagedLines === 0 && !found.tooLarge;
    if (damagedLines === 0 && !found.tooLarge) return { pending, nextSequence };
    const damage = found.tooLarge ? "it is too large" : `${damagedLines} of its lines are damaged`;
    return { pending, nextSequence, fault: await this.#copyAside(aside, damage, pending) };
  }

  /**
   * Adds a message.
   *
   * @param all All messages that are not acknowledged, this one included, for a rewrite.
   * @throws What the file system throws; what reached the file is then written anew next time.
   */
  async add(message: OutboxMessage, all: readonly OutboxMessage[]): Promise<void> {
    await this.#write(messageLine(message), all);
  }

  /** Notes an acknowledgement; `all` is what is left. */
  async acknowledge(sequence: number, all: readonly OutboxMessage[]): Promise<void> {
    await this.#write(acknowledgementLine(sequence), all);
  }

  /** Writes the file anew, so that a crash leaves the old or the new one. */
  async rewrite(all: readonly OutboxMessage[]): Promise<void> {
    await replaceFile(this.#path, all.map(messageLine).join(""));
    this.#records = all.length;
    this.#sound = true;
  }

  async #write(record: string, all: readonly OutboxMessage[]): Promise<void> {
    const mostlyDone = this.#records >= compactAbove && this.#records >= 2 * all.length;
    if (!this.#sound || mostlyDone) return await this.rewrite(all);
    try {
      using file = await Deno.open(this.#path, { append: true });
      await writeAll(file, new TextEncoder().encode(record));
      await file.syncData();
      this.#records++;
    } catch {
      // Part of the record may be in the file, or somebody has removed it: nothing may be added now.
      this.#sound = false;
      await this.rewrite(all);
    }
  }

  /** Keeps a damaged file and goes on with what was readable of it. */
  async #copyAside(
    aside: string,
    damage: string,
    pending: readonly OutboxMessage[],
  ): Promise<string> {
    try {
      await Deno.copyFile(this.#path, aside);
      await this.rewrite(pending);
      return `${damage}; it was set aside as "${aside}", ${pending.length} events of it are kept`;
    } catch (error) {
      return `${damage}; it could not be set aside: ${reasonOf(error)}`;
    }
  }

  async #moveAside(aside: string, damage: string): Promise<string> {
    try {
      await Deno.rename(this.#path, aside);
      return `${damage}; it was set aside as "${aside}"`;
    } catch (error) {
      return `${damage}; it could not be set aside: ${reasonOf(error)}`;
    }
  }
}

async function readBounded(
  path: string,
): Promise<{ bytes: Uint8Array; tooLarge: boolean } | undefined> {
  let opened: Deno.FsFile;
  try {
    opened = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  using file = opened;
  const { size } = await file.stat();
  const bytes = new Uint8Array(Math.min(size, maxFileBytes));
  let filled = 0;
  while (filled < bytes.length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return { bytes: bytes.subarray(0, filled), tooLarge: size > maxFileBytes };
}
