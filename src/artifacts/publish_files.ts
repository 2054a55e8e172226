import type { BackupNote, CheckoutJob } from "./git_job.ts";
import { backUp, needsBackUp } from "./initial_backup.ts";
import type { IndexEntry } from "../git/index_file.ts";
import type { LargeFileContents } from "./large_files.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { openStaging } from "./job_staging.ts";
import { stagedLinksIn, stageLinks } from "./link_staging.ts";
import { publish } from "./publication.ts";
import type { PublishedRecord } from "./published_record.ts";
import { stagingPlaces } from "./staging_area.ts";
import type { StreamedFiles } from "./streamed_files.ts";
import type { LeftOutEntry, TreePlan, TreeSource } from "../git/tree_plan.ts";
import type { Survey } from "./work_tree_survey.ts";

/** What a publication works with. */
export interface PublicationWork {
  readonly job: CheckoutJob;
  readonly plan: TreePlan;
  /** Of what is in place now. */
  readonly survey: Survey;
  readonly record: PublishedRecord;
  readonly source: TreeSource;
  /** What pointers of Git LFS stand for; absent: they stay pointers. */
  readonly contents?: LargeFileContents;
  /** Files that are written already, each in a place that only this publication knows. */
  readonly streamed?: StreamedFiles | undefined;
  /** Writing took time. @throws AgentError when local changes came meanwhile that must not be lost. */
  readonly assertStillFree?: () => void;
  readonly runtime: JobRuntime;
}

/** What a publication did. */
export interface Published {
  /** Everything that is in place, as it looks there. */
  readonly entries: readonly IndexEntry[];
  /** What is not: submodules, links that lead out, links that could not be made. */
  readonly leftOut: readonly LeftOutEntry[];
  readonly largeFilePointers: readonly string[];
  readonly changed: boolean;
  /** Why links could not be made. */
  readonly linkFailure?: string;
}

/** Brings files and links into the destination one by one. */
async function publishFiles(work: PublicationWork): Promise<Published> {
  const { job, plan, survey, record, runtime } = work;
  const leftOut = [...plan.leftOut, ...survey.leftOut];
  if (survey.write.length + survey.link.length + survey.remove.length === 0) {
    return { entries: survey.keep, leftOut, largeFilePointers: [], changed: false };
  }
  using staging = await work.streamed?.handOver(survey.write) ??
    openStaging(job);
  const files = staging.write(survey.write, work, job.limits.bytes, runtime);
  runtime.faultPoint?.("files staged");
  const links = await stageLinks(staging.path, survey.link, runtime);
  runtime.faultPoint?.("links staged");
  work.assertStillFree?.();
  const staged = [...files.entries, ...links.entries];
  // A link of before in the place of one that cannot be made now would be nobody's.
  const stale = links.missing.map(({ path }) => path).filter((path) => record.has(path));
  const remove = [...survey.remove, ...stale];
  record.begin(staged, job.localChanges === "keep");
  runtime.faultPoint?.("publication announced");
  runtime.progress?.publishing();
  const published = publish({
    root: job.destination,
    stagedTree: staging.tree,
    ...(links.entries.length === 0 ? {} : { stagedLinks: stagedLinksIn(staging.path) }),
    staged,
    remove,
    plan,
  }, runtime);
  return {
    entries: [...survey.keep, ...published],
    leftOut: [...leftOut, ...links.missing],
    largeFilePointers: files.largeFilePointers,
    changed: staged.length + remove.length > 0,
    ...(links.reason === undefined ? {} : { linkFailure: links.reason }),
  };
}

/** The same, after what was there before the first checkout was copied, if it is to be kept. */
export async function publishWithBackup(
  work: PublicationWork,
): Promise<Published & { readonly backup?: BackupNote }> {
  const { job, record, runtime } = work;
  let backup: BackupNote | undefined;
  if (record.isUntouched && job.backup && needsBackUp(job.destination, job.backup)) {
    // The directory was empty when they began to arrive; the backup is made in their place.
    await work.streamed?.[Symbol.asyncDispose]();
    backup = backUp(job.destination, job.backup, stagingPlaces(job));
  }
  runtime.faultPoint?.("backup made");
  return { ...await publishFiles(work), ...(backup ? { backup } : {}) };
}
