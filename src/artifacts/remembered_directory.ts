/** What looks for local changes remember of directories, so that the next one need not read them. */
import { IgnoreRules } from "./commit_ignore.ts";
import { readIgnoreFile } from "./commit_ignored.ts";
import type { IndexEntry } from "../git/index_file.ts";
import { SteadyStamp } from "./steady_stamp.ts";

/** A directory below another. */
export interface RememberedChild {
  readonly path: string;
  /** By the rules of the directories above. */
  readonly isIgnored: boolean;
  readonly memory: RememberedDirectory;
}

/** How a look remembers. */
export interface LookOptions {
  /** Never jumps. */
  readonly monotonicMs: () => number;
  /** Reads every directory, whatever its stamps say. */
  readonly isThorough: boolean;
  /** Remembers stamps and nothing else. */
  readonly isTentative: boolean;
}

const factsPerFile = 4;

/** What a directory holds that may change without a new stamp of the directory. */
export class DirectoryNotes {
  readonly rules: IgnoreRules;
  readonly children: RememberedChild[] = [];
  /** Absolute paths of published files that were as they were published. */
  readonly files: string[] = [];
  /** Published links that are there: to change one, somebody must replace it. */
  links = 0;
  /** Files that are not committed as they are, and may be when they are smaller. */
  readonly doubtful: { readonly path: string; readonly known: IndexEntry | undefined }[] = [];
  /** Of each file: size, time of the last change, inode, whether it is executable. */
  readonly #facts: number[] = [];

  /** @param rules Those that are valid in the directory. */
  constructor(rules: IgnoreRules) {
    this.rules = rules;
  }

  /** Takes a published file that is unchanged. */
  addFile(absolute: string, info: Deno.FileInfo): void {
    this.files.push(absolute);
    const { size, mtime, ino, mode } = info;
    this.#facts.push(size % 2 ** 32, mtime?.getTime() ?? 0, (ino ?? 0) >>> 0, (mode ?? 0) & 0o100);
  }

  /** Whether one of the files is still as it was: the same question as of the record of all files. */
  isSame(index: number, { isFile, size, mtime, ino, mode }: Deno.FileInfo): boolean {
    const facts = this.#facts;
    const at = index * factsPerFile;
    return isFile && size % 2 ** 32 === facts[at] && (mtime?.getTime() ?? 0) === facts[at + 1] &&
      (ino ?? 0) >>> 0 === facts[at + 2] && ((mode ?? 0) & 0o100) === facts[at + 3];
  }
}

/**
 * A directory as the looks before found it; valid for one record of published files. Looks that ended
 * early, or failed, leave nothing behind that is wrong.
 */
export class RememberedDirectory {
  /** Whether published files are below it; whoever finds it out writes it here. */
  hasTracked: boolean | undefined;
  readonly #stamp = new SteadyStamp();
  readonly #rulesStamp = new SteadyStamp();
  #isSteady = false;
  #above: IgnoreRules | undefined;
  #isIgnored = false;
  #rules: IgnoreRules | undefined;
  #hasRulesFile = false;
  #notes: DirectoryNotes | undefined;
  #children: ReadonlyMap<string, RememberedDirectory> = new Map();

  /**
   * What reading the directory would tell; `undefined` when it has to be read.
   *
   * @param above Rules of the directory above.
   * @param isRoot The root may be a link.
   */
  recall(
    absolute: string,
    isRoot: boolean,
    above: IgnoreRules | undefined,
    isIgnored: boolean,
    { monotonicMs, isThorough, isTentative }: LookOptions,
  ): DirectoryNotes | undefined {
    const info = isRoot ? attempt(Deno.statSync, absolute) : attempt(Deno.lstatSync, absolute);
    this.#isSteady = info?.isDirectory === true && this.#stamp.see(info, monotonicMs()) &&
      !isTentative;
    if (isThorough || this.#above !== above || this.#isIgnored !== isIgnored) {
      this.#rules = this.#notes = undefined;
    }
    this.#above = above;
    this.#isIgnored = isIgnored;
    const notes = this.#isSteady ? this.#notes : undefined;
    const isSame = notes && (!this.#hasRulesFile || this.#isRulesFileSteady(absolute, monotonicMs));
    return this.#notes = isSame ? notes : undefined;
  }

  /**
   * The rules that are valid in a directory that had to be read: the same object as before when they
   * are certainly the same.
   */
  rulesOf(
    directory: string,
    absolute: string,
    hasRulesFile: boolean,
    { monotonicMs }: LookOptions,
  ): IgnoreRules {
    const isSteady = !hasRulesFile || this.#isRulesFileSteady(absolute, monotonicMs);
    const former = isSteady && hasRulesFile === this.#hasRulesFile ? this.#rules : undefined;
    const file = hasRulesFile && former === undefined ? readIgnoreFile(absolute) : undefined;
    const rules = former ?? new IgnoreRules(this.#above, directory, file);
    this.#hasRulesFile = hasRulesFile;
    this.#rules = isSteady ? rules : undefined;
    return rules;
  }

  /** What is remembered of a directory in this one. */
  child(path: string): RememberedDirectory {
    return this.#children.get(path) ?? new RememberedDirectory();
  }

  /** Takes what reading the whole directory told. */
  keep(notes: DirectoryNotes): void {
    this.#children = new Map(notes.children.map(({ path, memory }) => [path, memory]));
    if (this.#isSteady && this.#rules === notes.rules) this.#notes = notes;
  }

  #isRulesFileSteady(directory: string, monotonicMs: () => number): boolean {
    const info = attempt(Deno.lstatSync, `${directory}/.gitignore`);
    return info !== undefined && this.#rulesStamp.see(info, monotonicMs());
  }
}

/** Whatever hinders it: reading will tell. */
function attempt(stat: (path: string) => Deno.FileInfo, path: string): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch {
    return undefined;
  }
}
