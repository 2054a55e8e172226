/** Turns what was changed in the destination into a commit. */
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import type { LooseObjects } from "../git/loose_objects.ts";
import { trackedFiles } from "./commit_record.ts";
import { unplaceableLinks } from "./commit_links.ts";
import { announceUnpushed, noCommit, unpushedBase } from "../git/unpushed_commits.ts";
import { surveyChanges } from "./commit_survey.ts";
import type { ChangedFile } from "./local_changes.ts";
import { encodeCommit, readCommit, writeTrees } from "../git/commit_tree.ts";
import {
  type GitDirectory,
  publishedBranch,
  publishedCommit,
  setPublishedCommit,
} from "../git/git_directory.ts";
import type { CommitJob } from "./git_job.ts";
import { isSameFile, stampOf } from "../git/file_stamp.ts";
import { encodeIndex, type IndexEntry } from "../git/index_file.ts";
import { mostObjectBytes } from "../git/pack_object.ts";
import { isReachedPhysically } from "../git/physical_path.ts";
import { lstatIfPresentSync, replaceFileSync } from "../git/synchronous_file.ts";
import { planTree, type TreeSource } from "../git/tree_plan.ts";

/** What came of it. */
export interface LocalCommit {
  readonly committed: readonly string[];
  readonly leftOut: readonly string[];
  readonly unsettled: readonly string[];
}

/** With what. */
export interface LocalTools {
  readonly directory: GitDirectory;
  readonly source: TreeSource;
  readonly loose: LooseObjects;
  /** Full name of the branch that a first commit begins. */
  readonly firstBranch: string;
  readonly nowMs: number;
  readonly faultPoint?: (name: string) => void;
}

/** Largest file that can be committed. */
export function mostFileBytes({ limits }: Pick<CommitJob, "limits">): number {
  return Math.min(limits.bytes, mostObjectBytes);
}

/**
 * Commits all local changes. Objects come first, then what is remembered of the commit, then the
 * branch, then the record of files: after a crash at any point the next call completes it.
 *
 * @throws AgentError when something cannot be read, when there is too much, or when everything is gone.
 */
export function commitChanges(job: CommitJob, tools: LocalTools): LocalCommit {
  const { directory, source, loose } = tools;
  const published = publishedCommit(directory);
  const tracked = trackedFiles(directory, () => entriesOf(source, published, job)) ??
    (job.mayBegin && published === undefined ? nothingTracked(directory) : undefined);
  if (tracked === undefined) return { committed: [], leftOut: [], unsettled: [] };
  const survey = withoutPauses(
    surveyChanges({ root: job.destination, tracked, mostFileBytes: mostFileBytes(job) }),
  );
  const { deleted } = survey;
  const leftOut = [...survey.leftOut];
  if (survey.isEmptied) throw emptied(job.destination);
  assertSize(survey.changed, job);
  const entries = new Map(tracked.entries);
  const committed: string[] = [...deleted];
  const unsettled: string[] = [];
  for (const path of deleted) entries.delete(path);
  for (const entry of survey.touched) entries.set(entry.path, entry);
  for (const changed of survey.changed) {
    const entry = entryOf(job.destination, changed, loose);
    if (entry === "unreadable") leftOut.push(`${changed.path} (it cannot be read)`);
    else if (entry === undefined) unsettled.push(changed.path);
    else {
      entries.set(entry.path, entry);
      committed.push(entry.path);
    }
  }
  // What has no stamp is nobody's: a checkout would take away what it does not put there itself.
  for (const path of unplaceableLinks(job.destination, survey.changed, entries, source)) {
    const { stamp: _, ...entry } = entries.get(path) as IndexEntry;
    entries.set(path, entry);
  }
  const result = { committed: committed.sort(), leftOut, unsettled };
  if (committed.length + survey.touched.length === 0) return result;
  if (entries.size > job.limits.files) throw tooMany(entries.size, job);
  if (committed.length > 0) record(job, tools, entries, committed.length, published);
  tools.faultPoint?.("branch moved");
  replaceFileSync(directory.index, encodeIndex([...entries.values()]), true);
  tools.faultPoint?.("index written");
  return result;
}

/** What a generator of pauses ends with: here nobody else wants a turn. */
function withoutPauses<T>(steps: Generator<void, T>): T {
  while (true) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function record(
  job: CommitJob,
  { directory, source, loose, nowMs, firstBranch, faultPoint }: LocalTools,
  entries: ReadonlyMap<string, IndexEntry>,
  count: number,
  published: string | undefined,
): void {
  const tree = writeTrees(entries, (object) => loose.write(object));
  // It was committed, and the record not written.
  if (published !== undefined && readCommit(source, published).tree === tree) return;
  const commit = loose.write(encodeCommit({
    tree,
    parents: published === undefined ? [] : [published],
    author: `${job.author} <${job.author}@cartridge-agent.invalid> ${
      Math.floor(nowMs / 1000)
    } +0000`,
    message: `${count} local ${count === 1 ? "change" : "changes"}`,
  }));
  faultPoint?.("objects written");
  announceUnpushed(directory, commit, unpushedBase(directory) ?? published ?? noCommit);
  faultPoint?.("commit announced");
  const branch = published === undefined ? firstBranch : publishedBranch(directory) ?? "HEAD";
  setPublishedCommit(directory, branch, commit, true);
}

/** The file's entry once its content is stored; `undefined` when it changed meanwhile or is gone. */
function entryOf(
  root: string,
  { path, mode, info }: ChangedFile,
  loose: LooseObjects,
): IndexEntry | "unreadable" | undefined {
  // Links that turned up since the survey are not followed.
  if (!isReachedPhysically(root, path)) return undefined;
  const absolute = join(root, path);
  if (mode === 0o120000) {
    const now = lstatIfPresentSync(absolute);
    if (!now?.isSymlink) return undefined;
    const data = new TextEncoder().encode(Deno.readLinkSync(absolute));
    return { path, mode, id: loose.write({ type: "blob", data }), stamp: stampOf(now) };
  }
  const data = readSettled(absolute, info);
  if (data === undefined || data === "unreadable") return data;
  const stamp = stampOf(info);
  return { path, mode, id: loose.write({ type: "blob", data }), stamp };
}

function readSettled(
  absolute: string,
  info: Deno.FileInfo,
): Uint8Array | "unreadable" | undefined {
  const isUntouched = () => {
    const now = lstatIfPresentSync(absolute);
    return now?.isFile === true && isSameFile(stampOf(info), stampOf(now)) &&
      now.mode === info.mode;
  };
  if (!isUntouched()) return undefined;
  let data: Uint8Array;
  try {
    using file = Deno.openSync(absolute);
    const opened = file.statSync();
    // Whoever owns the directory could have put a link to somebody else's file there, for a moment.
    const isIt = opened.isFile && opened.ino === info.ino && opened.dev === info.dev &&
      opened.size === info.size;
    if (!isIt) return undefined;
    data = readAllSync(file, opened.size);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // Of another user: the other changes need not wait for it.
    if (error instanceof Deno.errors.PermissionDenied) return "unreadable";
    throw error;
  }
  return isUntouched() && data.length === info.size ? data : undefined;
}

/** What is in an open file, as far as its size was told. */
function readAllSync(file: Deno.FsFile, size: number): Uint8Array {
  const data = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const count = file.readSync(data.subarray(at));
    if (count === null) break;
    at += count;
  }
  return data.subarray(0, at);
}

function entriesOf(
  source: TreeSource,
  commit: string | undefined,
  job: CommitJob,
): readonly IndexEntry[] {
  if (commit === undefined) return [];
  const { files, links, leftOut } = planTree(source, commit, job.limits.files);
  return [...files, ...links, ...leftOut];
}

function nothingTracked(directory: GitDirectory) {
  // A first publication was interrupted: it is to be finished, not committed.
  if (lstatIfPresentSync(directory.indexInProgress) !== undefined) return undefined;
  return { entries: new Map(), announced: new Map(), writtenMs: 0, isInterrupted: false };
}

function assertSize(changed: readonly ChangedFile[], { limits, destination }: CommitJob): void {
  const total = changed.reduce((sum, { info }) => sum + info.size, 0);
  if (total <= limits.bytes) return;
  const largest = changed.reduce((a, b) => b.info.size > a.info.size ? b : a);
  throw cannot(
    "commit the local changes in",
    destination,
    `they have ${total} bytes, more than ${limits.bytes} (artifact.limit.bytes); the largest file is ` +
      `"${largest.path}": ignore it with .gitignore or move it away`,
    { kind: "limit", retryable: true },
  );
}

function tooMany(count: number, { limits, destination }: CommitJob) {
  return cannot(
    "commit the local changes in",
    destination,
    `there would be ${count} files, more than ${limits.files} (artifact.limit.files)`,
    { kind: "limit", retryable: true },
  );
}

/** An unmounted volume looks so; a repository without files would be pushed. */
function emptied(destination: string) {
  return cannot(
    "commit the local changes in",
    destination,
    "every file is gone, as if a volume were not mounted; to delete all, do so in the repository",
    { kind: "refused", retryable: true },
  );
}
