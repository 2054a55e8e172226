/** What the Git directory remembers of commits that the remote does not have. */
import { join } from "node:path";
import { type GitDirectory, publishedCommit } from "./git_directory.ts";
import {
  lstatIfPresentSync,
  readIfPresentSync,
  removeSync,
  replaceFileSync,
} from "./synchronous_file.ts";

/** Why commits are kept that the branch does not have. */
export type KeptReason = "conflict" | "rewritten" | "otherRepository" | "notWanted";

/** Where the agent's own refs are. */
export const ownRefs = "refs/cartridge-agent";
/** In place of a commit: nothing, where our first commit stands on nothing. */
export const noCommit = "0".repeat(40);

/** Kept without somebody having to look at them; the oldest go. */
const mostRebased = 20;
const rebasedForMs = 30 * 24 * 3_600_000;
const folders: Readonly<Record<KeptReason, string>> = {
  conflict: "conflicts",
  rewritten: "rebased",
  otherRepository: "other-repository",
  notWanted: "not-wanted",
};

/**
 * The commit below those that are not pushed: what the branch has after it up to the published one is
 * ours alone.
 *
 * @returns `undefined` when everything is pushed; {@link noCommit} when all is ours.
 */
export function unpushedBase(directory: GitDirectory): string | undefined {
  const published = publishedCommit(directory);
  return published === undefined ? undefined : readBases(directory).get(published);
}

/**
 * Remembers it for a commit that is about to be the published one. What is remembered for the one that
 * is still published stays, so that a crash in between loses nothing.
 */
export function announceUnpushed(directory: GitDirectory, commit: string, base: string): void {
  const bases = readBases(directory);
  const published = publishedCommit(directory);
  const former = published === undefined ? undefined : bases.get(published);
  const kept = published === undefined || former === undefined ? [] : [[published, former]];
  const lines = [...kept, [commit, base]].map((pair) => pair.join(" "));
  replaceFileSync(pathOfBases(directory), `${lines.join("\n")}\n`, true);
}

/** The published commit, and all below it, are the remote's. */
export function forgetUnpushed(directory: GitDirectory): void {
  removeSync(pathOfBases(directory));
}

function readBases(directory: GitDirectory): Map<string, string> {
  const bytes = readIfPresentSync(pathOfBases(directory));
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  return new Map(
    [...text.matchAll(/^([0-9a-f]{40}) ([0-9a-f]{40})$/gm)].map(([, commit = "", base = ""]) => [
      commit,
      base,
    ]),
  );
}

/** The repository that the published commit came from; holds no credentials. */
export function publishedUrl(directory: GitDirectory): string | undefined {
  return readLine(pathOfUrl(directory));
}

/** Remembers it. */
export function setPublishedUrl(directory: GitDirectory, url: string): void {
  if (publishedUrl(directory) !== url) replaceFileSync(pathOfUrl(directory), `${url}\n`);
}

/**
 * Keeps commits under a ref of the agent, with all that they need.
 *
 * @returns The ref's full name; the one that there is when they are kept already.
 */
export function keepCommits(
  directory: GitDirectory,
  why: KeptReason,
  commit: string,
  now: Date,
): string {
  const folder = `${ownRefs}/${folders[why]}`;
  const known = refsIn(directory, folder);
  const same = known.find(({ id }) => id === commit);
  if (same) return same.ref;
  const ref = `${folder}/${timeOf(now)}-${commit.slice(0, 7)}`;
  Deno.mkdirSync(join(directory.path, folder), { recursive: true, mode: 0o700 });
  markPacks(directory);
  replaceFileSync(join(directory.path, ref), `${commit}\n`, true);
  if (why !== "conflict") {
    for (const { ref } of known.slice(0, Math.max(0, known.length + 1 - mostRebased))) {
      removeSync(join(directory.path, ref));
    }
  }
  return ref;
}

/** Forgets commits as they were before they were put on top of others, once that is long ago. */
export function forgetOldRebased(directory: GitDirectory, now: Date): void {
  const oldest = timeOf(new Date(now.getTime() - rebasedForMs));
  for (const { ref } of refsIn(directory, `${ownRefs}/${folders.rewritten}`)) {
    if ((ref.split("/").at(-1) ?? "") < oldest) removeSync(join(directory.path, ref));
  }
}

/** Whether commits are kept, or wait to be pushed: their objects must stay. */
export function hasOwnCommits(directory: GitDirectory): boolean {
  return unpushedBase(directory) !== undefined ||
    Object.values(folders).some((folder) => refsIn(directory, `${ownRefs}/${folder}`).length > 0);
}

/** Native Git's mark for packs that must stay. */
export function isMarkedPack(directory: GitDirectory, pack: string): boolean {
  return lstatIfPresentSync(join(directory.packs, `${pack}.keep`)) !== undefined;
}

/** Nothing needs to be copied: what the commits need is in the packs that are here now. */
function markPacks(directory: GitDirectory): void {
  for (const { name } of [...Deno.readDirSync(directory.packs)]) {
    if (!name.endsWith(".idx")) continue;
    const mark = join(directory.packs, name.replace(/\.idx$/, ".keep"));
    if (lstatIfPresentSync(mark) === undefined) replaceFileSync(mark, "");
  }
}

/** Sorts as time goes. */
function timeOf(date: Date): string {
  return date.toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

/** The oldest first. */
function refsIn(directory: GitDirectory, folder: string) {
  let names: string[];
  try {
    names = [...Deno.readDirSync(join(directory.path, folder))].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return names.sort().flatMap((name) => {
    const ref = `${folder}/${name}`;
    const id = readLine(join(directory.path, ref));
    return id !== undefined && /^[0-9a-f]{40}$/.test(id) ? [{ ref, id }] : [];
  });
}

function pathOfBases(directory: GitDirectory): string {
  return join(directory.path, "unpushed");
}

function pathOfUrl(directory: GitDirectory): string {
  return join(directory.path, "published-url");
}

function readLine(path: string): string | undefined {
  const bytes = readIfPresentSync(path);
  return bytes && new TextDecoder().decode(bytes).trim();
}
