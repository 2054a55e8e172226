/** Finds what was changed in a directory since its files were published; reads only. */
import { join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { IgnoreRules } from "./commit_ignore.ts";
import { readIgnoreFile } from "./commit_ignored.ts";
import { linkId, readLink, staysInside } from "./commit_links.ts";
import { stampOf } from "../git/file_stamp.ts";
import { type IndexEntry, isSameFile } from "../git/index_file.ts";
import { objectIdOf } from "../git/pack_object.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";
import { isReachedPhysically } from "../git/physical_path.ts";
import { refusedNameReason, reservedName } from "../git/tree_entry_name.ts";

/** What is published, as the record of it says. */
export interface TrackedFiles {
  readonly entries: ReadonlyMap<string, IndexEntry>;
  /** Of a publication that was interrupted: what already looks so was not changed by anybody else. */
  readonly announced: ReadonlyMap<string, IndexEntry>;
  /** When the record was written: a file changed in the same moment looks unchanged, and is read. */
  readonly writtenMs: number;
  readonly isInterrupted: boolean;
  /** The record was damaged, and what the commit holds stands in for it: no entry has a stamp. */
  readonly isRebuilt?: boolean;
}

/** Something to be committed: a file, or a link where `mode` says so. */
export interface ChangedFile {
  readonly path: string;
  readonly mode: 0o100644 | 0o100755 | 0o120000;
  readonly info: Deno.FileInfo;
}

/** What a survey found. */
export interface LocalChanges {
  readonly changed: readonly ChangedFile[];
  readonly deleted: readonly string[];
  /** Unchanged, though their stamps differ from the recorded ones. */
  readonly touched: readonly IndexEntry[];
  /** With the reason, for people. */
  readonly leftOut: readonly string[];
  /** No file of the record is there any more, nor one that could be committed. */
  readonly isEmptied: boolean;
}

/** How to survey. */
export interface SurveyOptions {
  readonly root: string;
  readonly tracked: TrackedFiles;
  /** Larger files are left out. */
  readonly mostFileBytes: number;
  /** Reads no file: a stamp that differs counts as a change. */
  readonly isQuick?: boolean;
}

const linkMode = 0o120000;
/** Some milliseconds of work. */
const entriesPerSlice = 2000;
const deepest = 128;

/**
 * Surveys. Pauses now and then, so that somebody who has other things to do can do them.
 *
 * @throws AgentError when a directory cannot be read: nothing in it counts as deleted then.
 */
export function* surveyChanges(options: SurveyOptions): Generator<void, LocalChanges> {
  return yield* new Survey(options).run();
}

/** What a generator of pauses ends with. */
export function withoutPauses<T>(steps: Generator<void, T>): T {
  while (true) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

class Survey {
  readonly #options: SurveyOptions;
  readonly #tracked: TrackedFiles;
  /** Made when it is needed, which is seldom. */
  #trackedDirectories: ReadonlySet<string> | undefined;
  /** Tracked files that are there, or a link in their place. */
  #seen = 0;
  readonly #changed: ChangedFile[] = [];
  readonly #touched: IndexEntry[] = [];
  readonly #leftOut: string[] = [];
  #entries = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#tracked = options.tracked;
  }

  *run(): Generator<void, LocalChanges> {
    yield* this.#visit("", undefined, false, 0);
    const deleted = this.#deleted();
    return {
      changed: this.#changed,
      deleted,
      touched: this.#touched,
      leftOut: this.#leftOut,
      isEmptied: this.#seen === 0 && deleted.length > 0 && this.#changed.length === 0,
    };
  }

  /** Only where fewer were seen than there should be, they are looked for one by one. */
  #deleted(): string[] {
    // An interrupted publication may have removed some.
    if (this.#tracked.isInterrupted) return [];
    const files = [...this.#tracked.entries.values()].filter((entry) => this.#isPlaced(entry));
    if (this.#seen === files.length) return [];
    const deleted: string[] = [];
    const { root } = this.#options;
    for (const { path } of files) {
      if (!isReachedPhysically(root, path)) deleted.push(path);
      else {
        const info = lstatIfPresentSync(`${root}/${path}`);
        const isOut = info?.isSymlink === true && !staysInside(path, readLink(`${root}/${path}`));
        if (info === undefined || isOut || !info.isFile && !info.isSymlink) deleted.push(path);
      }
    }
    return deleted;
  }

  /** What a checkout left out (submodules, links, what is not in its part) is missing, not removed. */
  #isPlaced({ mode, stamp }: IndexEntry): boolean {
    if (stamp !== undefined) return mode !== 0o160000;
    return this.#tracked.isRebuilt === true && (mode === 0o100644 || mode === 0o100755);
  }

  #hasTracked(directory: string): boolean {
    if (this.#trackedDirectories === undefined) {
      const directories = new Set<string>();
      for (const path of this.#tracked.entries.keys()) {
        let at = path.lastIndexOf("/");
        for (; at > 0; at = path.lastIndexOf("/", at - 1)) {
          const directory = path.slice(0, at);
          if (directories.has(directory)) break;
          directories.add(directory);
        }
      }
      this.#trackedDirectories = directories;
    }
    return this.#trackedDirectories.has(directory);
  }

  *#visit(
    directory: string,
    above: IgnoreRules | undefined,
    isIgnored: boolean,
    depth: number,
  ): Generator<void> {
    const absolute = join(this.#options.root, directory);
    const entries = readDirectory(absolute, directory === "" || this.#hasTracked(directory));
    if (entries === undefined) {
      if (!isIgnored) this.#leftOut.push(`${directory} (it cannot be read)`);
      return;
    }
    if (directory !== "" && entries.some(({ name }) => name === ".git")) {
      if (!this.#hasTracked(directory)) {
        if (!isIgnored) this.#leftOut.push(`${directory} (a repository of its own)`);
        return;
      }
    }
    const ignoreFile = entries.find(({ name, isFile }) => name === ".gitignore" && isFile);
    const file = ignoreFile && readIgnoreFile(absolute);
    const rules = new IgnoreRules(above, directory, file);
    for (const entry of entries) {
      if (++this.#entries % entriesPerSlice === 0) yield;
      const { name } = entry;
      if (name === reservedName && directory === "" || name === ".git") continue;
      const path = directory === "" ? name : `${directory}/${name}`;
      if (entry.isDirectory) {
        const ignored = isIgnored || rules.ignores(path, true);
        if (ignored && !this.#hasTracked(path) || this.#isSubmodule(path)) continue;
        if (this.#isRefused(path, name, false)) continue;
        if (depth >= deepest) this.#leftOut.push(`${path} (too deep)`);
        else yield* this.#visit(path, rules, ignored, depth + 1);
        continue;
      }
      const known = this.#tracked.entries.get(path);
      const isTracked = known !== undefined || this.#isAnnounced(path);
      if (!isTracked && (isIgnored || rules.ignores(path, false))) continue;
      this.#file(path, entry, known);
    }
  }

  #isSubmodule(path: string): boolean {
    return this.#tracked.entries.get(path)?.mode === 0o160000;
  }

  /** What our own checkout would refuse must not be in a commit of ours. */
  #isRefused(path: string, name: string, isTracked: boolean): boolean {
    if (isTracked) return false;
    const reason = name.includes("\uFFFD")
      ? "a name is not UTF-8"
      : refusedNameReason(new TextEncoder().encode(name));
    if (reason !== undefined) this.#leftOut.push(`${path} (${reason})`);
    return reason !== undefined;
  }

  #isAnnounced(path: string): boolean {
    return this.#tracked.isInterrupted && this.#tracked.announced.has(path);
  }

  #file(path: string, entry: Deno.DirEntry, known: IndexEntry | undefined): void {
    if (this.#isRefused(path, entry.name, known !== undefined)) return;
    if (entry.isSymlink) return this.#link(path, known);
    // Without the normalisation that a join of paths does: this is the place that takes the time.
    const info = lstatIfPresentSync(`${this.#options.root}/${path}`);
    if (info === undefined || info.isSymlink || info.isDirectory) return;
    if (!info.isFile) {
      this.#leftOut.push(`${path} (a socket, pipe or device)`);
      return;
    }
    if (known && this.#isPlaced(known)) this.#seen++;
    const announced = this.#isAnnounced(path) ? this.#tracked.announced.get(path) : undefined;
    if (announced && this.#unchanged(announced, info)) return;
    const same = known && this.#unchanged(known, info);
    if (same) {
      if (same !== known) this.#touched.push(same);
      return;
    }
    if (info.size > this.#options.mostFileBytes) {
      this.#leftOut.push(
        `${path} (${info.size} bytes, more than one file may have; ` +
          "ignore it with .gitignore or move it away)",
      );
      return;
    }
    const mode = isExecutable(info) ? 0o100755 : 0o100644;
    this.#changed.push({ path, mode, info });
  }

  #link(path: string, known: IndexEntry | undefined): void {
    const absolute = join(this.#options.root, path);
    const info = lstatIfPresentSync(absolute);
    const target = readLink(absolute);
    if (info === undefined || target === "") return;
    if (!staysInside(path, target)) {
      this.#leftOut.push(`${path} (a link that leads out)`);
      return;
    }
    if (known && this.#isPlaced(known)) this.#seen++;
    if (known?.mode === linkMode && known.id === linkId(target)) return;
    this.#changed.push({ path, mode: linkMode, info });
  }

  /** The entry, with the file's stamp of now; `undefined` when the file is not what was recorded. */
  #unchanged(entry: IndexEntry, info: Deno.FileInfo): IndexEntry | undefined {
    if (isExecutable(info) !== (entry.mode === 0o100755) || entry.mode === linkMode) {
      return undefined;
    }
    const stamp = stampOf(info);
    const isSame = entry.stamp !== undefined && isSameFile(entry.stamp, stamp);
    if (isSame && stamp.mtimeMs < this.#tracked.writtenMs) return entry;
    if (this.#options.isQuick) return undefined;
    const isLarge = info.size > this.#options.mostFileBytes;
    if (isLarge || entry.stamp !== undefined && entry.stamp.size !== stamp.size % 2 ** 32) {
      return isSame ? entry : undefined;
    }
    const data = readIfThere(join(this.#options.root, entry.path));
    if (data === undefined) return undefined;
    return objectIdOf({ type: "blob", data }) === entry.id ? { ...entry, stamp } : undefined;
  }
}

function isExecutable(info: Deno.FileInfo): boolean {
  return ((info.mode ?? 0) & 0o100) !== 0;
}

/**
 * What is in a directory; nothing when it is gone.
 *
 * @param isNeeded What cannot be read there would count as deleted.
 * @returns `undefined` when it cannot be read and need not be.
 */
function readDirectory(path: string, isNeeded: boolean): Deno.DirEntry[] | undefined {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!isNeeded) return isGone ? [] : undefined;
    throw cannot("read", path, isGone ? "it is gone" : reasonOf(error), {
      kind: "permission",
      retryable: true,
    });
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
