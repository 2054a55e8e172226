/**
 * The Git directory of a tenant: in the state directory, readable by native Git, without credentials.
 *
 * Everything here is synchronous, because it runs in a worker of its own.
 */
import { join } from "node:path";
import {
  lstatIfPresentSync,
  readIfPresentSync,
  removeSync,
  replaceFileSync,
} from "./synchronous_file.ts";

/** Where the parts of a Git directory are. */
export interface GitDirectory {
  readonly path: string;
  readonly packs: string;
  /** The files that are published, with what is known of them on disk. */
  readonly index: string;
  /** The same for a publication that has begun and not ended. */
  readonly indexInProgress: string;
  readonly shallow: string;
  /** Names the tree that was in use before the one that is now (artifact.publish=symlink). */
  readonly formerTree: string;
  /** Names the tree that is being turned into the destination. */
  readonly turningTree: string;
  /** There while the tenant's artifacts are being removed. */
  readonly removing: string;
  /** Holds the path of the destination when the agent made that. */
  readonly madeDestination: string;
}

/** A received pack has this name until it is complete. */
export const incomingPackName = "incoming.pack";

// The refspec is what isomorphic-git derives the names of remote branches from.
const config = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = false
[remote "origin"]
\tfetch = +refs/heads/*:refs/remotes/origin/*
`;

/** The parts of the Git directory at a path. */
export function gitDirectoryAt(path: string): GitDirectory {
  return {
    path,
    packs: join(path, "objects", "pack"),
    index: join(path, "index"),
    indexInProgress: join(path, "index.publishing"),
    shallow: join(path, "shallow"),
    formerTree: join(path, "former-tree"),
    turningTree: join(path, "turning-tree"),
    removing: join(path, "removing"),
    madeDestination: join(path, "made-destination"),
  };
}

/** Creates what is missing and removes what an interrupted job left behind. */
export function prepareGitDirectory(directory: GitDirectory): void {
  Deno.mkdirSync(directory.packs, { recursive: true, mode: 0o700 });
  Deno.mkdirSync(join(directory.path, "refs", "heads"), { recursive: true, mode: 0o700 });
  const head = join(directory.path, "HEAD");
  if (lstatIfPresentSync(head) === undefined) replaceFileSync(head, "ref: refs/heads/master\n");
  const configPath = join(directory.path, "config");
  if (readText(configPath) !== config) replaceFileSync(configPath, config);
  const names = new Set([...Deno.readDirSync(directory.packs)].map(({ name }) => name));
  for (const name of names) {
    const pack = /^(pack-[0-9a-f]{40})\.(?:pack|idx|keep)$/.exec(name)?.[1];
    // A pack without its index, or the reverse, was cut off by a crash.
    const isComplete = names.has(`${pack}.pack`) && names.has(`${pack}.idx`);
    if (!isComplete) Deno.removeSync(join(directory.packs, name));
  }
}

/** The commit whose files are in place, or `undefined` before the first publication. */
export function publishedCommit(directory: GitDirectory): string | undefined {
  const head = readText(join(directory.path, "HEAD"))?.trim();
  const ref = head?.startsWith("ref: ") ? head.slice("ref: ".length) : undefined;
  const id = ref === undefined ? head : readText(join(directory.path, ref))?.trim();
  return id !== undefined && /^[0-9a-f]{40}$/.test(id) ? id : undefined;
}

/** Full name of the branch that HEAD names; `undefined` when it names a commit, or is missing. */
export function publishedBranch(directory: GitDirectory): string | undefined {
  const head = readText(join(directory.path, "HEAD"))?.trim();
  return head?.startsWith("ref: ") ? head.slice("ref: ".length) : undefined;
}

/**
 * Remembers which commit is published.
 *
 * @param branch Full name, as chosen from the remote's refs; `HEAD` becomes a detached HEAD.
 * @param isDurable Also after a power cut: the commit may be ours, and nobody else has it.
 */
export function setPublishedCommit(
  directory: GitDirectory,
  branch: string,
  commit: string,
  isDurable = false,
): void {
  const head = join(directory.path, "HEAD");
  if (!branch.startsWith("refs/heads/")) return replaceFileSync(head, `${commit}\n`, isDurable);
  const ref = join(directory.path, branch);
  clearTheWay(directory, branch);
  Deno.mkdirSync(join(ref, ".."), { recursive: true, mode: 0o700 });
  replaceFileSync(ref, `${commit}\n`, isDurable);
  replaceFileSync(head, `ref: ${branch}\n`, isDurable);
}

/** Forgets packs; the record of published files stays. @param kept Names without ending. */
export function forgetObjects(directory: GitDirectory, kept: ReadonlySet<string>): void {
  for (const { name } of [...Deno.readDirSync(directory.packs)]) {
    if (!kept.has(name.replace(/\.[^.]*$/, ""))) Deno.removeSync(join(directory.packs, name));
  }
}

/**
 * Forgets all that checkouts left, as if there had been none; who made the destination stays known.
 * That a removal is under way is forgotten last.
 */
export function forgetCheckouts(directory: GitDirectory): void {
  removeSync(directory.index);
  removeSync(directory.indexInProgress);
  for (const { name } of Deno.readDirSync(directory.path)) {
    const path = join(directory.path, name);
    if (path !== directory.removing && path !== directory.madeDestination) removeSync(path);
  }
  removeSync(directory.removing);
}

/** A remote that renamed branch `a` to `a/b` (or the reverse) makes a file stand where a directory must. */
function clearTheWay(directory: GitDirectory, branch: string): void {
  const parts = branch.split("/");
  for (let count = 3; count <= parts.length; count++) {
    const path = join(directory.path, ...parts.slice(0, count));
    const isLast = count === parts.length;
    const found = lstatIfPresentSync(path);
    if (found === undefined) return;
    if (found.isDirectory === isLast) Deno.removeSync(path, { recursive: true });
  }
}

function readText(path: string): string | undefined {
  const bytes = readIfPresentSync(path);
  return bytes && new TextDecoder().decode(bytes);
}
