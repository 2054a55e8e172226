/** One checkout from the first question to the last renamed file; what a Git worker does. */
import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import { branchOf, type BranchSource } from "./branch_source.ts";
import { isIgnoredFile } from "./commit_ignored.ts";
import {
  forgetUnpushed,
  keepCommits,
  setPublishedUrl,
  unpushedBase,
} from "../git/unpushed_commits.ts";
import {
  type GitDirectory,
  gitDirectoryAt,
  prepareGitDirectory,
  publishedCommit,
  setPublishedCommit,
} from "../git/git_directory.ts";
import { type CheckoutDone, type CheckoutJob, namesOf, noNotes } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { neededLargeFiles, usesLargeFiles, withPointersInPlace } from "./large_files.ts";
import { ObjectStore } from "../git/object_store.ts";
import { placeAt } from "../git/physical_path.ts";
import { publishWithBackup } from "./publish_files.ts";
import { publishTree } from "./publish_tree.ts";
import {
  currentTree,
  pruneTrees,
  removeTrees,
  treesOf,
  turnIntoDirectory,
} from "./published_trees.ts";
import { PublishedRecord } from "./published_record.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { finishRemoval } from "./removal_job.ts";
import { sparsePlan } from "./sparse_plan.ts";
import { stagingPlaces } from "./staging_area.ts";
import { StreamedFiles } from "./streamed_files.ts";
import { readIfPresentSync, removeSync, replaceFileSync } from "../git/synchronous_file.ts";
import { configuredLfsUrl, fetchedLargeFiles, orderLargeFiles } from "./system_git_large_files.ts";
import { type LeftOutEntry, planTree, type TreePlan } from "../git/tree_plan.ts";
import { surveyWorkTree } from "./work_tree_survey.ts";

/**
 * Brings the job's destination to the state of the remote branch.
 *
 * Done again after a crash at any point, it finishes what was begun.
 *
 * @throws AgentError; anything else is the system's error, or a fault of the agent or the library.
 */
export async function runCheckout(
  job: CheckoutJob,
  runtime: JobRuntime = {},
): Promise<CheckoutDone> {
  const directory = gitDirectoryAt(job.gitDirectory);
  const removal = finishRemoval(job, runtime);
  runtime.faultPoint?.("removal finished");
  prepareGitDirectory(directory);
  for (const place of stagingPlaces(job)) removeSync(place);
  prepareTrees(job, directory, runtime);
  using remote = branchOf(job, directory);
  const chosen = await remote.choose();
  if (unpushedBase(directory) !== undefined) {
    if (job.localChanges === "keep") return heldBy(directory, remote.receivedBytes);
    // Committed when that was wanted, and not pushed: not lost now either.
    keepCommits(directory, "notWanted", publishedCommit(directory) ?? "", new Date());
    forgetUnpushed(directory);
  }
  const outcome = chosen === undefined
    ? emptyRepository(job, directory)
    : await checkOutBranch(job, { directory, remote, runtime }, chosen);
  if (outcome.kind === "published" && chosen !== undefined) setPublishedUrl(directory, job.url);
  return {
    ...outcome,
    receivedBytes: remote.receivedBytes,
    notes: {
      ...outcome.notes,
      strayGitDirectory: placeAt(join(job.destination, ".git")) !== "absent",
      ...(removal ? { removal } : {}),
    },
  };
}

/** Commits of ours must come to the remote first. */
function heldBy(directory: GitDirectory, receivedBytes: number): CheckoutDone {
  const commit = publishedCommit(directory);
  return {
    kind: "held",
    ...(commit === undefined ? {} : { commit }),
    files: 0,
    changed: false,
    receivedBytes,
    notes: noNotes,
  };
}

type Outcome = Omit<CheckoutDone, "receivedBytes">;

/** Nothing to check out is a success. Files of a former content stay: emptied may mean broken. */
function emptyRepository(job: CheckoutJob, directory: GitDirectory): Outcome {
  // Scripts that work in it need not know how artifacts are published.
  if (placeAt(job.destination) === "absent") Deno.mkdirSync(job.destination);
  const remoteBecameEmpty = publishedCommit(directory) !== undefined;
  return {
    kind: "published",
    files: 0,
    changed: false,
    notes: { ...noNotes, remoteBecameEmpty },
  };
}

/** What a checkout works with. */
export interface Tools {
  readonly directory: GitDirectory;
  readonly remote: BranchSource;
  readonly runtime: JobRuntime;
}

/** Trees that nobody uses any more go; a destination that need not be a link becomes a directory. */
function prepareTrees(job: CheckoutJob, directory: GitDirectory, runtime: JobRuntime): void {
  if (job.publish === "symlink") pruneTrees(job.destination, directory);
  else if (job.trees !== undefined) {
    const tree = currentTree(job.destination);
    if (tree !== undefined) replaceFileSync(directory.turningTree, tree, true);
    const interrupted = readIfPresentSync(directory.turningTree);
    turnIntoDirectory(job.destination, new TextDecoder().decode(interrupted), runtime);
    removeTrees(job.destination);
    removeSync(directory.turningTree);
  }
}

async function checkOutBranch(
  job: CheckoutJob,
  { directory, remote, runtime }: Tools,
  chosen: ChosenBranch,
): Promise<Outcome> {
  using store = new ObjectStore(directory, {
    inflatedBytes: job.limits.bytes,
    // Files and directories, and the commit.
    objects: 2 * job.limits.files + 1,
  }, runtime.progress);
  let isFresh = store.isEmpty || store.isCrowded || job.transfer?.isWhole === true;
  await using streamed = isFresh
    ? StreamedFiles.of(job, directory, chosen.commit, runtime)
    : undefined;
  const attempt = async () => {
    if (isFresh || !store.has(chosen.commit)) {
      await remote.fetch(chosen, store, isFresh, streamed?.take);
    }
    // At once: what follows may fail again and again, and each attempt may bring another pack.
    if (isFresh && !isBuiltOn(job, directory, chosen)) store.keepNewest(chosen.commit);
    runtime.faultPoint?.("objects fetched");
    const outcome = await bringInPlace(job, { directory, store, streamed, runtime }, chosen);
    if (isFresh && outcome.kind === "published") store.keepNewest(chosen.commit);
    return outcome;
  };
  let outcome: Outcome;
  try {
    outcome = await attempt();
  } catch (error) {
    if (isFresh || !(error instanceof AgentError && error.data.damaged)) throw error;
    // Objects that should be here are not, or are damaged: they are fetched anew, once.
    isFresh = true;
    outcome = await attempt();
  }
  return { ...outcome, branch: chosen.ref };
}

/** Whether a commit of local changes, which may be held now, will need what is published so far. */
function isBuiltOn(job: CheckoutJob, directory: GitDirectory, chosen: ChosenBranch): boolean {
  const published = publishedCommit(directory);
  return job.localChanges === "keep" && published !== undefined && published !== chosen.commit;
}

/** Plans, compares, writes and publishes; everything it needs is here. */
export async function bringInPlace(
  job: CheckoutJob,
  { directory, store, streamed, runtime }: Omit<Tools, "remote"> & {
    readonly store: ObjectStore;
    /** Files that were written while they arrived. */
    readonly streamed?: StreamedFiles | undefined;
  },
  chosen: ChosenBranch,
): Promise<Outcome> {
  const record = new PublishedRecord(directory);
  const published = publishedCommit(directory);
  const plan = sparsePlan(planTree(store, chosen.commit, job.limits.files), job.sparse);
  const isContentWanted = hasLargeFileContents(job) && usesLargeFiles(plan, store);
  const found = surveyWorkTree(surveyed(job), plan, record);
  const survey = isContentWanted ? withPointersInPlace(surveyed(job), found, store) : found;
  const notes = {
    ...noNotes,
    ...notesOf(plan, plan.leftOut),
    recordLost: record.lost !== undefined,
  };
  // On the first checkout files of the repository simply replace files of the same name.
  const localChanges = namesOf(record.isFirst ? [] : survey.localChanges);
  const lostIn = ({ localChanges }: { readonly localChanges: readonly string[] }) =>
    localChanges.filter((path) => record.has(path) || !isIgnoredFile(surveyed(job), path));
  const lost = lostIn(survey);
  const files = plan.files.length;
  if (job.localChanges === "keep" && !record.isFirst && lost.length > 0) {
    return {
      kind: "held",
      ...(published === undefined ? {} : { commit: published }),
      files,
      changed: false,
      notes: { ...notes, localChanges: namesOf(lost) },
    };
  }
  if (isContentWanted && job.transfer?.largeFiles === "wanted") {
    const needed = neededLargeFiles(survey.write, store);
    const lfsUrl = configuredLfsUrl(plan, store);
    if (needed.length > 0) await orderLargeFiles(needed, directory, job.limits.bytes, lfsUrl);
  }
  const contents = isContentWanted ? { contents: fetchedLargeFiles(directory) } : {};
  const assertStillFree = () => {
    if (job.localChanges !== "keep" || record.isFirst) return;
    if (lostIn(surveyWorkTree(surveyed(job), plan, record)).length > 0) throw changedMeanwhile(job);
  };
  const work = {
    job,
    plan,
    survey,
    record,
    source: store,
    ...contents,
    streamed,
    assertStillFree,
    runtime,
  };
  const done = job.publish === "symlink"
    ? await publishTree(work, directory, chosen.commit)
    : await publishWithBackup(work);
  if (done.changed || record.isFirst || record.isInterrupted || published !== chosen.commit) {
    record.finish([...done.entries, ...done.leftOut, ...plan.outside]);
    runtime.faultPoint?.("record written");
    setPublishedCommit(directory, chosen.ref, chosen.commit, job.localChanges === "keep");
    runtime.faultPoint?.("commit remembered");
  }
  return {
    kind: "published",
    commit: chosen.commit,
    files,
    changed: done.changed,
    notes: {
      ...notes,
      ...notesOf(plan, done.leftOut),
      localChanges,
      largeFilePointers: namesOf(done.largeFilePointers),
      ...(done.backup ? { backup: done.backup } : {}),
      ...(done.linkFailure === undefined ? {} : { linkFailure: done.linkFailure }),
    },
  };
}

function changedMeanwhile({ destination }: CheckoutJob) {
  const reason = "files there were changed meanwhile; they are to be committed first";
  return cannot("publish in", destination, reason, { kind: "unavailable", retryable: true });
}

/** Whether what pointers of Git LFS stand for is here, or can be fetched. */
function hasLargeFileContents({ transfer }: CheckoutJob): boolean {
  return transfer?.largeFiles === "wanted" || transfer?.largeFiles === "fetched";
}

/** Where the files of the last checkout are. */
function surveyed({ destination, publish }: CheckoutJob): string {
  if (publish !== "symlink") return destination;
  // Without a tree, nothing is in place yet: what a directory of others holds does not count.
  return join(treesOf(destination), currentTree(destination) ?? "none");
}

function notesOf(plan: TreePlan, leftOut: readonly LeftOutEntry[]) {
  const ofMode = (mode: number) =>
    namesOf(leftOut.filter((entry) => entry.mode === mode).map(({ path }) => path));
  return {
    symbolicLinks: ofMode(0o120000),
    submodules: ofMode(0o160000),
    collisions: namesOf(plan.collisions),
  };
}
