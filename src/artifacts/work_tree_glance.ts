/** A look at the files that are published, while the job waits for the server. */
import { type Clock, systemClock } from "../base/clock.ts";
import type { IndexEntry } from "../git/index_file.ts";
import { placeAt } from "../git/physical_path.ts";
import { isUntouchedFile, type PublishedRecord } from "./published_record.ts";
import { factsPerFile, type LookedAt, type SecondThread } from "./second_thread.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";

/** Half a millisecond of work: what comes and goes over the network needs many turns. */
const filesAtOnce = 100;
/** What was seen longer ago is looked at again. */
const mostAgeMs = 1_000;
/** From so many on a message to another thread is worth its while. */
const filesForTwo = 2_000;

/** With what. */
export interface GlanceOptions {
  readonly clock?: Pick<Clock, "monotonicMs">;
  /** Looks at half of the files, if it is there. */
  readonly second?: SecondThread | undefined;
}

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
  /** What another thread looks at. */
  readonly #given: readonly IndexEntry[];
  readonly #facts: Promise<LookedAt | undefined> | undefined;
  /** Missing, changed, or replaced by something else; links, too. */
  readonly #others = new Set<IndexEntry>();
  readonly #directories = new Map<string, boolean>([["", true]]);
  /** Of a directory that is there. */
  #prefix = "";
  #state: "looking" | "complete" | "useless" = "looking";
  #ended: Promise<void> | undefined;

  /**
   * @param root Where the files of the record should be.
   */
  constructor(
    root: string,
    record: PublishedRecord,
    { clock = systemClock, second }: GlanceOptions = {},
  ) {
    this.#root = root;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.record = record;
    const entries = [...record.placed];
    const half = entries.length < filesForTwo ? entries.length : Math.ceil(entries.length / 2);
    const given = entries.slice(half);
    this.#facts = given.length === 0
      ? undefined
      : second?.look(root, given.map(({ path }) => path));
    this.#given = this.#facts === undefined ? [] : given;
    this.#left = (this.#facts === undefined ? entries : entries.slice(0, half))[Symbol.iterator]();
  }

  /**
   * Looks from now on, when there is nothing else to do, at what no other thread looks at.
   *
   * @returns Resolves when all of that was seen, or the end came.
   */
  start(): Promise<void> {
    return this.#ended ??= this.#look();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "looking") this.#state = "useless";
    await this.#ended;
    await this.#facts;
  }

  /**
   * Looks at what is left.
   *
   * @returns Whether all of the directory was seen, and just now.
   */
  async complete(root: string): Promise<boolean> {
    this.#lookAt(Infinity);
    const facts = await this.#facts;
    const ageMs = this.#clock.monotonicMs() - this.#startedMs;
    if (root !== this.#root || ageMs > mostAgeMs) this.#state = "useless";
    if (this.#facts !== undefined && facts === undefined) this.#state = "useless";
    if (facts !== undefined && this.#state === "complete") this.#take(facts);
    return this.#state === "complete";
  }

  #take(facts: LookedAt): void {
    try {
      for (const [index, entry] of this.#given.entries()) {
        const isThere = this.#isInDirectory(entry.path);
        if (!isThere || !isUntouchedAsTold(entry, facts, index * factsPerFile)) {
          this.#others.add(entry);
        }
      }
    } catch {
      // The survey will meet it too, and say so.
      this.#state = "useless";
    }
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
    if (!this.#isInDirectory(entry.path)) return false;
    const info = lstatIfPresentSync(`${this.#root}/${entry.path}`);
    return info !== undefined && isUntouchedFile(entry, info);
  }

  /** Whether what is above a path are directories, and no links. */
  #isInDirectory(path: string): boolean {
    // Most are in the same directory as the one before.
    const isBeside = path.startsWith(this.#prefix) && path.indexOf("/", this.#prefix.length) < 0;
    if (isBeside) return true;
    const end = path.lastIndexOf("/");
    if (!this.#isDirectory(path.slice(0, Math.max(0, end)))) return false;
    this.#prefix = path.slice(0, end + 1);
    return true;
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

/** As `isUntouchedFile`, of what another thread has seen. */
function isUntouchedAsTold({ mode, stamp }: IndexEntry, facts: LookedAt, at: number): boolean {
  if (stamp === undefined || mode === 0o120000) return false;
  const fact = (index: number) => facts[at + index] ?? NaN;
  return fact(0) === (mode === 0o100755 ? 2 : 1) &&
    fact(1) % 2 ** 32 === stamp.size % 2 ** 32 && fact(2) === stamp.mtimeMs &&
    fact(3) === stamp.ctimeMs && fact(4) === stamp.dev && fact(5) === stamp.ino &&
    fact(6) === stamp.uid && fact(7) === stamp.gid;
}
