/** Finds what was changed in a directory since its files were published; reads only. */
import { join } from "node:path";
import { IgnoreRules } from "./commit_ignore.ts";
import { readIgnoreFile } from "./commit_ignored.ts";
import { countPlaced, isPlaced } from "./commit_record.ts";
import type { ChangedFile, LocalChanges, SurveyOptions, TrackedFiles } from "./local_changes.ts";
import { linkId, readLink, staysInside } from "./commit_links.ts";
import { isSameFile, stampOf } from "../git/file_stamp.ts";
import { type IndexEntry } from "../git/index_file.ts";
import { objectIdOf } from "../git/pack_object.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";
import { DirectoryNotes, type RememberedDirectory } from "./remembered_directory.ts";
import {
  directoriesOf,
  isExecutable,
  isGone,
  readDirectory,
  readIfThere,
  refusedReason,
  tooLarge,
} from "./surveyed_directory.ts";
import { reservedName } from "../git/tree_entry_name.ts";

const linkMode = 0o120000;
/** Some tenths of a millisecond of work. */
const entriesPerSlice = 128;
const deepest = 128;

/**
 * Surveys. Pauses now and then, so that somebody who has other things to do can do them.
 *
 * @throws AgentError when a directory cannot be read: nothing in it counts as deleted then.
 */
export function* surveyChanges(options: SurveyOptions): Generator<void, LocalChanges> {
  return yield* new Survey(options).run();
}

class Survey {
  readonly #options: SurveyOptions;
  readonly #tracked: TrackedFiles;
  /** Made when it is needed, which is seldom. */
  #trackedDirectories: ReadonlySet<string> | undefined;
  /** Tracked files that are there, or a link in their place. */
  #seen = 0;
  readonly #remembered: DirectoryNotes[] = [];
  readonly #changed: ChangedFile[] = [];
  readonly #deleted: string[] = [];
  readonly #touched: IndexEntry[] = [];
  readonly #leftOut: string[] = [];
  #entries = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#tracked = options.tracked;
  }

  *run(): Generator<void, LocalChanges> {
    yield* this.#visit("", undefined, false, 0, this.#options.memory?.root);
    for (const notes of this.#remembered) {
      if (!this.#isDecided()) yield* this.#lookAtRemembered(notes);
    }
    if (!this.#isDecided()) yield* this.#findDeleted();
    if (this.#options.memory) this.#options.memory.entries = this.#entries;
    return {
      changed: this.#changed,
      deleted: this.#deleted,
      touched: this.#touched,
      leftOut: this.#leftOut,
      isEmptied: this.#seen === 0 && this.#deleted.length > 0 && this.#changed.length === 0,
    };
  }

  #isDecided(): boolean {
    return this.#options.isQuick === true && this.#changed.length + this.#deleted.length > 0;
  }

  /** Only where fewer were seen than there should be, they are looked for one by one. */
  *#findDeleted(): Generator<void> {
    // An interrupted publication may have removed some.
    if (this.#tracked.isInterrupted || this.#seen === this.#placedFiles()) return;
    for (const entry of this.#tracked.entries.values()) {
      if (this.#isDecided()) return;
      if (++this.#entries % entriesPerSlice === 0) yield;
      if (isPlaced(this.#tracked, entry) && isGone(this.#options.root, entry.path)) {
        this.#deleted.push(entry.path);
      }
    }
  }

  #placedFiles(): number {
    const { memory } = this.#options;
    if (memory === undefined) return countPlaced(this.#tracked);
    return memory.placed ??= countPlaced(this.#tracked);
  }

  #hasTracked(directory: string, memory?: RememberedDirectory): boolean {
    if (memory?.hasTracked !== undefined) return memory.hasTracked;
    this.#trackedDirectories ??= directoriesOf(this.#tracked.entries.keys());
    const has = this.#trackedDirectories.has(directory);
    if (memory !== undefined) memory.hasTracked = has;
    return has;
  }

  *#visit(
    directory: string,
    above: IgnoreRules | undefined,
    isIgnored: boolean,
    depth: number,
    memory?: RememberedDirectory,
  ): Generator<void> {
    const absolute = directory === "" ? this.#options.root : `${this.#options.root}/${directory}`;
    const look = this.#options.memory;
    const known = look && memory?.recall(absolute, directory === "", above, isIgnored, look);
    if (known !== undefined) return yield* this.#revisit(known, depth);
    const isNeeded = () => directory === "" || this.#hasTracked(directory, memory);
    const entries = readDirectory(absolute, isNeeded);
    if (entries === undefined) {
      if (!isIgnored) this.#leftOut.push(`${directory} (it cannot be read)`);
      return;
    }
    // In the order in which they were made, mostly: the system finds them faster.
    if (look && !look.isTentative) entries.sort((a, b) => a.name < b.name ? -1 : 1);
    const hasRules = entries.some(({ name, isFile }) => name === ".gitignore" && isFile);
    const rules = look && memory?.rulesOf(directory, absolute, hasRules, look) ||
      new IgnoreRules(above, directory, hasRules ? readIgnoreFile(absolute) : undefined);
    const notes = memory && new DirectoryNotes(rules);
    const isRepository = directory !== "" && entries.some(({ name }) => name === ".git");
    if (isRepository && !this.#hasTracked(directory, memory)) {
      if (!isIgnored) this.#leftOut.push(`${directory} (a repository of its own)`);
    } else yield* this.#visitEntries(directory, entries, isIgnored, depth, rules, memory, notes);
    if (notes !== undefined && !this.#isDecided()) memory?.keep(notes);
  }

  *#visitEntries(
    directory: string,
    entries: readonly Deno.DirEntry[],
    isIgnored: boolean,
    depth: number,
    rules: IgnoreRules,
    memory?: RememberedDirectory,
    notes?: DirectoryNotes,
  ): Generator<void> {
    for (const entry of entries) {
      if (++this.#entries % entriesPerSlice === 0) yield;
      const { name } = entry;
      if (name === reservedName && directory === "" || name === ".git") continue;
      const path = directory === "" ? name : `${directory}/${name}`;
      if (entry.isDirectory) {
        const ignored = isIgnored || rules.ignores(path, true);
        const isSubmodule = this.#tracked.entries.get(path)?.mode === 0o160000;
        if (ignored && !this.#hasTracked(path) || isSubmodule) continue;
        if (this.#isRefused(path, name, false)) continue;
        if (depth >= deepest) this.#leftOut.push(`${path} (too deep)`);
        else {
          const child = memory?.child(path);
          if (child) notes?.children.push({ path, isIgnored: ignored, memory: child });
          yield* this.#visit(path, rules, ignored, depth + 1, child);
        }
      } else {
        const known = this.#tracked.entries.get(path);
        const isTracked = known !== undefined || this.#isAnnounced(path);
        if (!isTracked && (isIgnored || rules.ignores(path, false))) continue;
        this.#file(path, entry, known, notes);
      }
      if (this.#isDecided()) return;
    }
  }

  /** As a visit, without reading names: they are the same as before. */
  *#revisit(notes: DirectoryNotes, depth: number): Generator<void> {
    this.#seen += notes.links;
    this.#remembered.push(notes);
    for (const { path, isIgnored, memory } of notes.children) {
      if (++this.#entries % entriesPerSlice === 0) yield;
      yield* this.#visit(path, notes.rules, isIgnored, depth + 1, memory);
      if (this.#isDecided()) return;
    }
  }

  /** Comes after all directories, whose new and missing names are found with fewer looks. */
  *#lookAtRemembered(notes: DirectoryNotes): Generator<void> {
    const { files, doubtful } = notes;
    for (let index = 0; index < files.length; index++) {
      if (++this.#entries % entriesPerSlice === 0) yield;
      const absolute = files[index] ?? "";
      const info = lstatIfPresentSync(absolute);
      if (info !== undefined && notes.isSame(index, info)) {
        this.#seen++;
        continue;
      }
      const path = absolute.slice(this.#options.root.length + 1);
      if (info === undefined) this.#deleted.push(path);
      else if (info.isFile) {
        this.#seen++;
        this.#differs(path, info);
      }
      if (this.#isDecided()) return;
    }
    for (const { path, known } of doubtful) {
      const info = lstatIfPresentSync(`${this.#options.root}/${path}`);
      if (info !== undefined) this.#fileAt(path, info, known);
    }
  }

  /** What our own checkout would refuse must not be in a commit of ours. */
  #isRefused(path: string, name: string, isTracked: boolean): boolean {
    if (isTracked) return false;
    const reason = refusedReason(name);
    if (reason !== undefined) this.#leftOut.push(`${path} (${reason})`);
    return reason !== undefined;
  }

  #isAnnounced(path: string): boolean {
    return this.#tracked.isInterrupted && this.#tracked.announced.has(path);
  }

  #file(
    path: string,
    entry: Deno.DirEntry,
    known: IndexEntry | undefined,
    notes?: DirectoryNotes,
  ): void {
    if (this.#isRefused(path, entry.name, known !== undefined)) return;
    if (entry.isSymlink) return this.#link(path, known, notes);
    // Without the normalisation that a join of paths does: this is the place that takes the time.
    const info = lstatIfPresentSync(`${this.#options.root}/${path}`);
    if (info !== undefined) this.#fileAt(path, info, known, notes);
  }

  #fileAt(
    path: string,
    info: Deno.FileInfo,
    known: IndexEntry | undefined,
    notes?: DirectoryNotes,
  ): void {
    if (info.isSymlink || info.isDirectory) return;
    if (!info.isFile) {
      this.#leftOut.push(`${path} (a socket, pipe or device)`);
      return;
    }
    const isCounted = known !== undefined && isPlaced(this.#tracked, known);
    if (isCounted) this.#seen++;
    const announced = this.#isAnnounced(path) ? this.#tracked.announced.get(path) : undefined;
    if (announced && this.#unchanged(announced, info)) return;
    const same = known && this.#unchanged(known, info);
    if (same) {
      if (same !== known) this.#touched.push(same);
      if (isCounted) notes?.addFile(`${this.#options.root}/${path}`, info);
      else notes?.doubtful.push({ path, known });
      return;
    }
    if (info.size > this.#options.mostFileBytes) notes?.doubtful.push({ path, known });
    this.#differs(path, info);
  }

  #differs(path: string, info: Deno.FileInfo): void {
    if (info.size > this.#options.mostFileBytes) {
      this.#leftOut.push(`${path} (${tooLarge(info.size)})`);
      return;
    }
    const mode = isExecutable(info) ? 0o100755 : 0o100644;
    this.#changed.push({ path, mode, info });
  }

  #link(path: string, known: IndexEntry | undefined, notes?: DirectoryNotes): void {
    const absolute = join(this.#options.root, path);
    const info = lstatIfPresentSync(absolute);
    const target = readLink(absolute);
    if (info === undefined || target === "") return;
    if (!staysInside(path, target)) {
      this.#leftOut.push(`${path} (a link that leads out)`);
      return;
    }
    if (known && isPlaced(this.#tracked, known)) {
      this.#seen++;
      if (notes) notes.links++;
    }
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
