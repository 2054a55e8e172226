/** One checkout from the first question to the last renamed file; what a Git worker does. */
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import {
  type GitDirectory,
  gitDirectoryAt,
  prepareGitDirectory,
  publishedCommit,
  setPublishedCommit,
} from "./git_directory.ts";
import { GitHttp } from "./git_http.ts";
import {
  accessOf,
  type CheckoutDone,
  type CheckoutJob,
  type CheckoutNotes,
  namesOf,
} from "./git_job.ts";
import { backUp } from "./initial_backup.ts";
import { ObjectStore } from "./object_store.ts";
import { placeAt } from "./physical_path.ts";
import { publish } from "./publication.ts";
import { PublishedRecord } from "./published_record.ts";
import { RemoteBranch } from "./remote_branch.ts";
import type { ChosenBranch } from "./remote_refs.ts";
import { finishRemoval } from "./removal_job.ts";
import { StagingArea, stagingPlaces } from "./staging_area.ts";
import { removeSync } from "./synchronous_file.ts";
import { planTree, type TreePlan } from "./tree_plan.ts";
import { surveyWorkTree } from "./work_tree_survey.ts";

/**
 * Brings the job's destination to the state of the remote branch.
 *
 * Done again after a crash at any point, it finishes what was begun.
 *
 * @throws AgentError; anything else is the system's error, or a fault of the agent or the library.
 */
export async function runCheckout(job: CheckoutJob): Promise<CheckoutDone> {
  const directory = gitDirectoryAt(job.gitDirectory);
  const removal = finishRemoval(job);
  prepareGitDirectory(directory);
  for (const place of stagingPlaces(job)) removeSync(place);
  using http = new GitHttp({
    access: accessOf(job),
    maxBytes: job.limits.bytes,
    idleTimeoutMs: job.idleTimeoutMs,
    clock: systemClock,
    ...(job.caCertificates === undefined ? {} : { caCertificates: job.caCertificates }),
  });
  const remote = new RemoteBranch(job, directory, http);
  // The library loads while the server answers.
  const [chosen] = await Promise.all([remote.choose(), import("./isomorphic_fetch.ts")]);
  const outcome = chosen === undefined
    ? emptyRepository(directory)
    : await checkOutBranch(job, directory, remote, chosen);
  return {
    ...outcome,
    receivedBytes: http.receivedBytes,
    notes: {
      ...outcome.notes,
      strayGitDirectory: placeAt(join(job.destination, ".git")) !== "absent",
      ...(removal ? { removal } : {}),
    },
  };
}

type Outcome = Omit<CheckoutDone, "receivedBytes">;

/** Nothing to check out is a success. Files of a former content stay: emptied may mean broken. */
function emptyRepository(directory: GitDirectory): Outcome {
  const remoteBecameEmpty = publishedCommit(directory) !== undefined;
  return {
    kind: "published",
    files: 0,
    changed: false,
    notes: { ...noNotes, remoteBecameEmpty },
  };
}

async function checkOutBranch(
  job: CheckoutJob,
  directory: GitDirectory,
  remote: RemoteBranch,
  chosen: ChosenBranch,
): Promise<Outcome> {
  using store = new ObjectStore(directory, {
    inflatedBytes: job.limits.bytes,
    // Files and directories, and the commit.
    objects: 2 * job.limits.files + 1,
  });
  let isFresh = store.isEmpty || store.isCrowded;
  const attempt = async () => {
    if (isFresh || !store.has(chosen.commit)) await remote.fetch(chosen, store, isFresh);
    // At once: what follows may fail again and again, and each attempt may bring another pack.
    if (isFresh) store.keepNewest(chosen.commit);
    return bringInPlace(job, directory, store, chosen);
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

/** Plans, compares, writes and publishes; everything it needs is here. */
function bringInPlace(
  job: CheckoutJob,
  directory: GitDirectory,
  store: ObjectStore,
  chosen: ChosenBranch,
): Outcome {
  const record = new PublishedRecord(directory);
  const published = publishedCommit(directory);
  const plan = planTree(store, chosen.commit, job.limits.files);
  const survey = surveyWorkTree(job.destination, plan, record);
  const notes = { ...noNotes, ...notesOf(plan), recordLost: record.lost !== undefined };
  // On the first checkout files of the repository simply replace files of the same name.
  const localChanges = namesOf(record.isFirst ? [] : survey.localChanges);
  const files = plan.files.length;
  if (job.localChanges === "keep" && localChanges.count > 0) {
    return {
      kind: "held",
      ...(published === undefined ? {} : { commit: published }),
      files,
      changed: false,
      notes: { ...notes, localChanges },
    };
  }
  const backup = record.isUntouched ? backUpFor(job) : undefined;
  const changed = survey.write.length + survey.remove.length > 0;
  let entries = survey.keep;
  let pointers: readonly string[] = [];
  if (changed) {
    using staging = StagingArea.open(stagingPlaces(job), job.destination);
    const staged = staging.write(survey.write, store, job.limits.bytes);
    pointers = staged.largeFilePointers;
    record.begin([...survey.keep, ...staged.entries]);
    const { remove } = survey;
    const root = job.destination;
    const places = { root, stagedTree: staging.tree, staged: staged.entries, remove, plan };
    entries = [...survey.keep, ...publish(places)];
  }
  if (changed || record.isFirst || published !== chosen.commit) {
    record.finish([...entries, ...plan.leftOut]);
    setPublishedCommit(directory, chosen.ref, chosen.commit);
  }
  return {
    kind: "published",
    commit: chosen.commit,
    files,
    changed,
    notes: {
      ...notes,
      localChanges,
      largeFilePointers: namesOf(pointers),
      ...(backup ? { backup } : {}),
    },
  };
}

function backUpFor(job: CheckoutJob) {
  if (job.backup === undefined) return undefined;
  return backUp(job.destination, job.backup, stagingPlaces(job));
}

function notesOf(plan: TreePlan) {
  const leftOut = (mode: number) =>
    namesOf(plan.leftOut.filter((entry) => entry.mode === mode).map(({ path }) => path));
  return {
    symbolicLinks: leftOut(0o120000),
    submodules: leftOut(0o160000),
    collisions: namesOf(plan.collisions),
  };
}

const noNames = namesOf([]);
const noNotes: CheckoutNotes = {
  localChanges: noNames,
  symbolicLinks: noNames,
  submodules: noNames,
  largeFilePointers: noNames,
  collisions: noNames,
  strayGitDirectory: false,
  recordLost: false,
  remoteBecameEmpty: false,
};
