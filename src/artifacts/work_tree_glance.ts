/** A look at the files that are published, while the job waits for the server. */
import { type Clock, systemClock } from "../base/clock.ts";
import type { IndexEntry } from "../git/index_file.ts";
import { placeAt } from "../git/physical_path.ts";
import { isUntouchedFile, type PublishedRecord } from "./published_record.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";

/** One or two milliseconds of work. */
const filesAtOnce = 500;
/** What was seen longer ago is looked at again. */
const mostAgeMs = 1_000;

/**
 * Looks at every file of a record once, a few at a time, so that answers of the server are taken
 * meanwhile. It tells only what is as it was written; everything else is for a survey to find out.
 */
export class WorkTreeGlance implements AsyncDisposable {
  readonly record: PublishedRecord;
  readonly #root: string;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #startedMs: number;
  /** What nobody has looked at yet. */
  readonly #left: Iterator<IndexEntry>;
  /** Missing, changed, or replaced by something else; links, too. */
  readonly #others = new Set<IndexEntry>();
  readonly #directories = new Map<string, boolean>([["", true]]);
  /** Of a directory that is there. */
  #prefix = "";
  #state: "looking" | "complete" | "useless" = "looking";
  readonly #ended: Promise<void>;

  /** @param root Where the files of the record should be. */
  constructor(
    root: string,
    record: PublishedRecord,
    clock: Pick<Clock, "monotonicMs"> = systemClock,
  ) {
    this.#root = root;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.record = record;
    this.#left = record.placed[Symbol.iterator]();
    this.#ended = this.#look();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "looking") this.#state = "useless";
    await this.#ended;
  }

  /**
   * Looks at what is left.
   *
   * @returns Whether all of the directory was seen, and just now.
   */
  complete(root: string): boolean {
    const ageMs = this.#clock.monotonicMs() - this.#startedMs;
    if (root !== this.#root || ageMs > mostAgeMs) this.#state = "useless";
    this.#lookAt(Infinity);
    return this.#state === "complete";
  }

  /** Whether the file of an entry of the record is there, exactly as recorded, and no link on the way. */
  sawUntouched(entry: IndexEntry): boolean {
    return !this.#others.has(entry);
  }

  /** Whether there is a directory, and no link on the way. */
  sawDirectory(path: string): boolean {
    return this.#directories.get(path) === true;
  }

  async #look(): Promise<void> {
    while (this.#state === "looking") {
      // Only what the system does on its own lets answers of the server come in between.
      await Deno.lstat(this.#root).catch(() => {});
      this.#lookAt(filesAtOnce);
    }
  }

  #lookAt(most: number): void {
    try {
      for (let count = 0; count < most && this.#state === "looking"; count++) {
        const { done, value } = this.#left.next();
        if (done) this.#state = "complete";
        else if (!this.#isUntouched(value)) this.#others.add(value);
      }
    } catch {
      // The survey will meet it too, and say so.
      this.#state = "useless";
    }
  }

  #isUntouched(entry: IndexEntry): boolean {
    const { path } = entry;
    // Most are in the same directory as the one before.
    const isBeside = path.startsWith(this.#prefix) && path.indexOf("/", this.#prefix.length) < 0;
    if (!isBeside) {
      const end = path.lastIndexOf("/");
      if (!this.#isDirectory(path.slice(0, Math.max(0, end)))) return false;
      this.#prefix = path.slice(0, end + 1);
    }
    const info = lstatIfPresentSync(`${this.#root}/${path}`);
    return info !== undefined && isUntouchedFile(entry, info);
  }

  #isDirectory(path: string): boolean {
    let known = this.#directories.get(path);
    if (known === undefined) {
      const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      known = this.#isDirectory(parent) && placeAt(`${this.#root}/${path}`) === "directory";
      this.#directories.set(path, known);
    }
    return known;
  }
}
