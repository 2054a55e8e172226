/** One round for local changes: commit, put on top of the remote's, push; what a Git worker does. */
import { AgentError } from "../base/errors.ts";
import { CommitExchange } from "./commit_exchange.ts";
import { commitChanges } from "./commit_local.ts";
import { LooseObjects } from "../git/loose_objects.ts";
import { setPublishedUrl, unpushedBase } from "../git/unpushed_commits.ts";
import { gitDirectoryAt, prepareGitDirectory, publishedCommit } from "../git/git_directory.ts";
import { type CommitDone, type CommitJob, namesOf } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { ObjectStore } from "../git/object_store.ts";
import { placeAt } from "../git/physical_path.ts";
import { remoteOverHttp } from "./remote_side.ts";
import { stagingPlaces } from "./staging_area.ts";
import { removeSync } from "../git/synchronous_file.ts";
import { assertNoLargeFiles, transferredRemote } from "./system_git_commit.ts";

/** As for a checkout, with points of its own. */
export interface CommitRuntime extends JobRuntime {
  /** Called at each point between two steps at which a crash leaves different things behind. */
  readonly faultPoint?: (point: string) => void;
}

/**
 * Commits what was changed locally, and brings it to the remote.
 *
 * Done again after a crash at any point, it finishes what was begun. What could be committed and not
 * pushed stays in the Git directory for the next time.
 *
 * @throws AgentError when it cannot be committed. That it cannot be pushed is part of the result.
 */
export async function runCommit(job: CommitJob, runtime: CommitRuntime = {}): Promise<CommitDone> {
  const directory = gitDirectoryAt(job.gitDirectory);
  const nothing = noNews();
  // A removal is to be finished first; a checkout does so.
  if (placeAt(directory.removing) !== "absent") return nothing;
  prepareGitDirectory(directory);
  for (const place of stagingPlaces(job)) removeSync(place);
  using store = new ObjectStore(directory, {
    inflatedBytes: job.limits.bytes,
    objects: 2 * job.limits.files + 1,
  });
  const { transfer } = job;
  using remote = transfer === undefined
    ? remoteOverHttp(job, directory, runtime.signal)
    : transferredRemote(job, directory, transfer);
  if (transfer !== undefined) assertNoLargeFiles(store, publishedCommit(directory), job);
  const begins = job.mayBegin && publishedCommit(directory) === undefined;
  // A first commit is for this repository and no other.
  if (begins) setPublishedUrl(directory, job.url);
  const loose = new LooseObjects(directory.path);
  const { committed, leftOut, unsettled } = commitChanges(job, {
    directory,
    source: store,
    loose,
    firstBranch: begins ? await remote.firstBranch() : "refs/heads/main",
    nowMs: Date.now(),
    ...(runtime.faultPoint === undefined ? {} : { faultPoint: runtime.faultPoint }),
  });
  const local = {
    ...nothing,
    committed: namesOf(committed),
    leftOut: namesOf(leftOut),
    unsettled: namesOf(unsettled),
  };
  let exchanged: Partial<CommitDone> = {};
  if (unpushedBase(directory) !== undefined) {
    const exchange = new CommitExchange(job, { directory, store, loose, remote, runtime });
    try {
      await exchange.run();
    } catch (error) {
      if (!(error instanceof AgentError) || error.data.needsWhole === true) throw error;
      exchange.fail(error.message);
    }
    exchanged = exchange.result;
  }
  const commit = publishedCommit(directory);
  return { ...local, ...exchanged, ...(commit === undefined ? {} : { commit }) };
}

function noNews(): CommitDone {
  const none = namesOf([]);
  return {
    committed: none,
    pushed: false,
    changed: false,
    leftOut: none,
    unsettled: none,
    overwritten: none,
  };
}
