/** Puts our changes on top of somebody else's, file by file. */
import { ancestorsOf } from "./tree_plan.ts";

/** A file, link or submodule of a tree. */
export interface TreeFile {
  readonly id: string;
  readonly mode: number;
}

/** Path → what is there. */
export type TreeFiles = ReadonlyMap<string, TreeFile>;

/** A merge. Where it could not be done the other side's version stands. */
export interface MergedFiles {
  readonly files: TreeFiles;
  readonly conflicts: readonly string[];
}

const linkMode = 0o120000;
const submoduleMode = 0o160000;

/**
 * Merges three trees.
 *
 * @param base What both sides began with.
 * @param mergeContents Merges the contents of a file that both changed and returns the result's id;
 *   `undefined` is a conflict.
 */
export function mergeFiles(
  base: TreeFiles,
  ours: TreeFiles,
  theirs: TreeFiles,
  mergeContents: (base: string, ours: string, theirs: string) => string | undefined,
): MergedFiles {
  const files = new Map(theirs);
  const conflicts: string[] = [];
  const additions: (readonly [string, TreeFile])[] = [];
  for (const path of new Set([...base.keys(), ...ours.keys()])) {
    const [b, o, t] = [base.get(path), ours.get(path), theirs.get(path)];
    if (isSame(o, b) || isSame(o, t)) continue;
    if (isSame(t, b)) {
      if (o === undefined) files.delete(path);
      else additions.push([path, o]);
      continue;
    }
    const merged = b && o && t && mergeFile(b, o, t, mergeContents);
    if (merged) files.set(path, merged);
    else conflicts.push(path);
  }
  const directories = new Set([...files.keys()].flatMap(ancestorsOf));
  for (const [path, file] of additions) {
    // A file stands where the other side has a directory, or the reverse.
    if (directories.has(path) || ancestorsOf(path).some((ancestor) => files.has(ancestor))) {
      conflicts.push(path);
      continue;
    }
    files.set(path, file);
    for (const ancestor of ancestorsOf(path)) directories.add(ancestor);
  }
  return { files, conflicts: conflicts.sort() };
}

function mergeFile(
  base: TreeFile,
  ours: TreeFile,
  theirs: TreeFile,
  mergeContents: (base: string, ours: string, theirs: string) => string | undefined,
): TreeFile | undefined {
  const all = [base, ours, theirs];
  if (all.some(({ mode }) => mode === linkMode || mode === submoduleMode)) return undefined;
  const mode = ours.mode === base.mode ? theirs.mode : ours.mode;
  if (ours.id === base.id || ours.id === theirs.id) return { id: theirs.id, mode };
  if (theirs.id === base.id) return { id: ours.id, mode };
  const id = mergeContents(base.id, ours.id, theirs.id);
  return id === undefined ? undefined : { id, mode };
}

function isSame(a: TreeFile | undefined, b: TreeFile | undefined): boolean {
  return a?.id === b?.id && a?.mode === b?.mode;
}
