/** From a commit whose objects are here to its files in the destination. */
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import { isIgnoredFile } from "./commit_ignored.ts";
import { type GitDirectory, publishedCommit, setPublishedCommit } from "../git/git_directory.ts";
import { type CheckoutDone, type CheckoutJob, namesOf, noNotes } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { neededLargeFiles, usesLargeFiles, withPointersInPlace } from "./large_files.ts";
import type { ObjectStore } from "../git/object_store.ts";
import { publishWithBackup } from "./publish_files.ts";
import { publishTree } from "./publish_tree.ts";
import { currentTree, treesOf } from "./published_trees.ts";
import { PublishedRecord } from "./published_record.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { sparsePlan } from "./sparse_plan.ts";
import type { StreamedFiles } from "./streamed_files.ts";
import { configuredLfsUrl, fetchedLargeFiles, orderLargeFiles } from "./system_git_large_files.ts";
import { type LeftOutEntry, planTree, type TreePlan } from "../git/tree_plan.ts";
import type { WorkTreeGlance } from "./work_tree_glance.ts";
import { surveyWorkTree } from "./work_tree_survey.ts";

/** What became of it. */
export type Outcome = Omit<CheckoutDone, "receivedBytes">;

/** With what. */
export interface PlacementTools {
  readonly directory: GitDirectory;
  readonly store: ObjectStore;
  /** All objects came anew, because others may be damaged: none counts as known. */
  readonly isFresh?: boolean;
  /** Files that were written while they arrived. */
  readonly streamed?: StreamedFiles | undefined;
  /** What was seen of the destination while the objects came. */
  readonly glance?: WorkTreeGlance | undefined;
  readonly runtime: JobRuntime;
}

/** Plans, compares, writes and publishes; everything it needs is here. */
export async function bringInPlace(
  job: CheckoutJob,
  { directory, store, isFresh, streamed, glance, runtime }: PlacementTools,
  chosen: ChosenBranch,
): Promise<Outcome> {
  const memory = runtime.memory?.of(job);
  const record = glance?.record ?? new PublishedRecord(directory, memory?.record);
  const published = publishedCommit(directory);
  if (isFresh) memory?.plan.forget();
  const whole = planTree(store, chosen.commit, job.limits.files, memory?.plan);
  const plan = sparsePlan(whole, job.sparse);
  const isContentWanted = hasLargeFileContents(job) && usesLargeFiles(plan, store);
  const root = surveyedRoot(job);
  const isGlanceNew = await glance?.complete(root) === true;
  const found = surveyWorkTree(root, plan, record, isGlanceNew ? glance : undefined);
  const survey = isContentWanted ? withPointersInPlace(surveyedRoot(job), found, store) : found;
  const notes = {
    ...noNotes,
    ...notesOf(plan, plan.leftOut),
    recordLost: record.lost !== undefined,
  };
  // On the first checkout files of the repository simply replace files of the same name.
  const localChanges = namesOf(record.isFirst ? [] : survey.localChanges);
  const lostIn = ({ localChanges }: { readonly localChanges: readonly string[] }) =>
    localChanges.filter((path) => record.has(path) || !isIgnoredFile(surveyedRoot(job), path));
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
    if (lostIn(surveyWorkTree(surveyedRoot(job), plan, record)).length > 0) {
      throw changedMeanwhile(job);
    }
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
    const all = [...done.entries, ...done.leftOut, ...plan.outside];
    record.finish(all, job.localChanges === "keep");
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
export function surveyedRoot({ destination, publish }: CheckoutJob): string {
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
