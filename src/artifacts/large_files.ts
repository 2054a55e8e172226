/** Which files of a plan are kept by Git LFS, and the content that was fetched for them. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import { type LargeFile, parsePointer } from "../git/large_file_pointer.ts";
import { lstatIfPresentSync, withModeSync, writeAllSync } from "../git/synchronous_file.ts";
import type { PlannedFile, TreePlan, TreeSource } from "../git/tree_plan.ts";
import type { Survey } from "./work_tree_survey.ts";

/** A file to be written whose content is not in the repository. */
export interface NeededLargeFile extends LargeFile {
  readonly path: string;
}

/** Gives what was fetched. */
export interface LargeFileContents {
  /** Where the content is; nobody has looked at it yet. */
  pathOf(file: LargeFile): string;
}

const chunkBytes = 1024 * 1024;

/**
 * Whether a `.gitattributes` of the repository gives files to Git LFS; without, a pointer is a text
 * like any other.
 */
export function usesLargeFiles(plan: TreePlan, source: TreeSource): boolean {
  return plan.files.filter(({ path }) => /(?:^|\/)\.gitattributes$/.test(path))
    .some(({ id }) =>
      /\sfilter=lfs(?:\s|$)/.test(new TextDecoder().decode(source.read(id, "blob")))
    );
}

/**
 * A survey in which pointers that are in place count as to be written: they came there when their
 * content could not be had.
 */
export function withPointersInPlace(root: string, survey: Survey, source: TreeSource): Survey {
  const isStale = ({ path, id, mode, stamp }: Survey["keep"][number]) => {
    // No other size is one of a pointer.
    if (mode === 0o120000 || stamp === undefined || stamp.size > 200 || stamp.size < 100) {
      return false;
    }
    const data = source.read(id, "blob");
    if (data.length !== stamp.size || parsePointer(data) === undefined) return false;
    const there = Deno.readFileSync(join(root, path));
    return there.length === data.length && there.every((byte, at) => byte === data[at]);
  };
  const stale = survey.keep.filter(isStale);
  if (stale.length === 0) return survey;
  const paths = new Set(stale.map(({ path }) => path));
  const again = stale.map(({ path, id, mode }) => ({ path, id, mode } as PlannedFile));
  return {
    ...survey,
    write: [...survey.write, ...again],
    keep: survey.keep.filter(({ path }) => !paths.has(path)),
  };
}

/** The files to be written that are pointers. */
export function neededLargeFiles(
  write: readonly PlannedFile[],
  source: TreeSource,
): readonly NeededLargeFile[] {
  return write.flatMap(({ path, id }) => {
    const file = parsePointer(source.read(id, "blob"));
    return file === undefined ? [] : [{ path, ...file }];
  });
}

/** Where a content comes from, and where it is to go. */
export interface LargeFileCopy {
  /** Written by somebody else; believed only when size and hash are right. */
  readonly from: string;
  /** Must not be there yet. */
  readonly to: string;
  /** Whatever the process's umask is. */
  readonly mode: number;
  /** For errors. */
  readonly name: string;
}

/**
 * Copies a content to a new file.
 *
 * @throws AgentError when it is not there, or another one.
 */
export function copyLargeFileSync(
  { from, to, mode, name }: LargeFileCopy,
  { sha256, size }: LargeFile,
): Deno.FileInfo {
  const there = lstatIfPresentSync(from);
  if (there === undefined || !there.isFile) throw notTheContent(name, "it was not sent");
  if (there.size !== size) throw notTheContent(name, "its size is not the one that it should be");
  using source = Deno.openSync(from, { read: true });
  using target = Deno.openSync(to, { write: true, createNew: true, mode });
  const hash = createHash("sha256");
  const buffer = new Uint8Array(Math.min(chunkBytes, size + 1));
  let left = size;
  for (let count = source.readSync(buffer); count !== null; count = source.readSync(buffer)) {
    left -= count;
    if (left < 0) break;
    hash.update(buffer.subarray(0, count));
    writeAllSync(target, buffer.subarray(0, count));
  }
  if (left !== 0 || hash.digest("hex") !== sha256) {
    throw notTheContent(name, "its hash is not the one that it should be");
  }
  return withModeSync(to, mode);
}

function notTheContent(path: string, reason: string) {
  return cannot("take the content of the Git LFS file", path, reason, {
    kind: "unavailable",
    retryable: true,
  });
}
