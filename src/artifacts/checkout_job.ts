/** One checkout from the first question to the last renamed file; what a Git worker does. */
import { join } from "node:path";
import { AgentError } from "../base/errors.ts";
import { bringInPlace, type Outcome, surveyedRoot } from "./bring_in_place.ts";
import { branchOf, type BranchSource } from "./branch_source.ts";
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
} from "../git/git_directory.ts";
import { type CheckoutDone, type CheckoutJob, noNotes } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { ObjectStore } from "../git/object_store.ts";
import { placeAt } from "../git/physical_path.ts";
import { currentTree, pruneTrees, removeTrees, turnIntoDirectory } from "./published_trees.ts";
import { PublishedRecord } from "./published_record.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { finishRemoval } from "./removal_job.ts";
import { stagingPlaces } from "./staging_area.ts";
import { StreamedFiles } from "./streamed_files.ts";
import { readIfPresentSync, removeSync, replaceFileSync } from "../git/synchronous_file.ts";
import { WorkTreeGlance } from "./work_tree_glance.ts";

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
  using remote = runtime.remote ?? branchOf(job, directory, runtime);
  const choosing = remote.choose();
  // What fails here comes first; it is awaited below in any case that is left.
  choosing.catch(() => {});
  prepareTrees(job, directory, runtime);
  await using glance = glanceAt(job, directory, runtime);
  // Never rejects. A request that can go out at once is not to wait for it.
  if (!remote.isAssumed) void glance?.start();
  let chosen = await choosing;
  if (unpushedBase(directory) !== undefined) {
    if (job.localChanges === "keep") return heldBy(directory, remote.receivedBytes);
    // Committed when that was wanted, and not pushed: not lost now either.
    keepCommits(directory, "notWanted", publishedCommit(directory) ?? "", new Date());
    forgetUnpushed(directory);
  }
  const bring = async (glance?: WorkTreeGlance) =>
    chosen === undefined
      ? emptyRepository(job, directory)
      : await checkOutBranch(job, { directory, remote, glance, runtime }, chosen);
  let outcome: Outcome;
  try {
    outcome = await bring(glance);
  } catch (error) {
    if (!remote.isAssumed) throw error;
    // What was seen before may not be so any more.
    chosen = await remote.chooseAnew();
    outcome = await bring();
  }
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
interface Tools {
  readonly directory: GitDirectory;
  readonly remote: BranchSource;
  readonly glance: WorkTreeGlance | undefined;
  readonly runtime: JobRuntime;
}

/** Looks at what is in place while the server answers; nothing is, before the first checkout. */
function glanceAt(
  job: CheckoutJob,
  directory: GitDirectory,
  { memory, second }: JobRuntime,
): WorkTreeGlance | undefined {
  const record = new PublishedRecord(directory, memory?.of(job).record);
  return record.isUntouched ? undefined : new WorkTreeGlance(surveyedRoot(job), record, { second });
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
  { directory, remote, glance, runtime }: Tools,
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
  const attempt = async (glance?: WorkTreeGlance) => {
    if (isFresh || !store.has(chosen.commit)) {
      await remote.fetch(chosen, store, isFresh, {
        onObject: streamed?.take,
        onAsked: () => void glance?.start(),
      });
    }
    // At once: what follows may fail again and again, and each attempt may bring another pack.
    if (isFresh && !isBuiltOn(job, directory, chosen)) store.keepNewest(chosen.commit);
    runtime.faultPoint?.("objects fetched");
    const outcome = await bringInPlace(
      job,
      { directory, store, isFresh, streamed, glance, runtime },
      chosen,
    );
    if (isFresh && outcome.kind === "published") store.keepNewest(chosen.commit);
    return outcome;
  };
  let outcome: Outcome;
  try {
    outcome = await attempt(glance);
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
