import { join } from "node:path";
import type { GitDirectory } from "../git/git_directory.ts";
import type { BackupNote } from "./git_job.ts";
import { stampOf } from "../git/file_stamp.ts";
import { type IndexEntry } from "../git/index_file.ts";
import { openStaging } from "./job_staging.ts";
import { stagedLinksIn, stageLinks } from "./link_staging.ts";
import { mergeStaged } from "./publication.ts";
import type { PublicationWork, Published } from "./publish_files.ts";
import {
  currentTree,
  emptyDestination,
  freeTreeName,
  pruneTrees,
  rememberFormerTree,
  roomAt,
  stageSwitch,
  switchTo,
  treesOf,
} from "./published_trees.ts";

/** Builds a complete tree beside the one in use and lets the destination lead to it. */
export async function publishTree(
  work: PublicationWork,
  directory: GitDirectory,
  commit: string,
): Promise<Published & { readonly backup?: BackupNote }> {
  const { job, plan, survey, record, runtime } = work;
  const { destination } = job;
  const former = currentTree(destination);
  const backupPath = record.isFirst ? job.backup : undefined;
  roomAt(destination, backupPath);
  const isSame = survey.write.length + survey.link.length + survey.remove.length === 0;
  if (isSame && former !== undefined) {
    const { keep: entries, leftOut } = survey;
    const all = [...plan.leftOut, ...leftOut];
    return { entries, leftOut: all, largeFilePointers: [], changed: false };
  }
  const trees = treesOf(destination);
  using staging = await work.streamed?.handOver(survey.write) ?? openStaging(job);
  const files = staging.write(survey.write, work, job.limits.bytes, runtime);
  const kept = survey.keep.filter(({ mode }) => mode !== 0o120000);
  staging.adopt(kept, join(trees, former ?? ""));
  runtime.faultPoint?.("files staged");
  // All links of the tree are new, those that are in the former one too.
  const unchanged = new Set(survey.keep.map(({ path }) => path));
  const wanted = [...survey.link, ...plan.links.filter(({ path }) => unchanged.has(path))];
  const links = await stageLinks(staging.path, wanted, runtime);
  runtime.faultPoint?.("links staged");
  if (links.entries.length > 0) mergeStaged(staging.tree, stagedLinksIn(staging.path));
  // Linking and renaming change the ctime, which native Git compares.
  const moved = [...kept, ...links.entries].map((entry): IndexEntry => ({
    ...entry,
    stamp: stampOf(Deno.lstatSync(join(staging.tree, entry.path))),
  }));
  const entries = [...files.entries, ...moved];
  const name = freeTreeName(destination, commit);
  // Made before anything gives way to it: it may take long, and fail.
  const link = await stageSwitch(destination, name, staging.path, runtime);
  record.begin(entries, job.localChanges === "keep");
  runtime.faultPoint?.("publication announced");
  runtime.progress?.publishing();
  Deno.renameSync(staging.tree, join(trees, name));
  runtime.faultPoint?.("tree in place");
  rememberFormerTree(directory, former);
  const backup = emptyDestination(destination, backupPath);
  runtime.faultPoint?.("destination emptied");
  switchTo(destination, link);
  runtime.faultPoint?.("link switched");
  pruneTrees(destination, directory);
  runtime.faultPoint?.("trees pruned");
  return {
    entries,
    leftOut: [...plan.leftOut, ...survey.leftOut, ...links.missing],
    largeFilePointers: files.largeFilePointers,
    changed: true,
    ...(links.reason === undefined ? {} : { linkFailure: links.reason }),
    ...(backup ? { backup } : {}),
  };
}
