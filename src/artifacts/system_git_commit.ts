/** Rounds for local changes where the system's git talks to the server: what the worker needs of it. */
import { join } from "node:path";
import { cannot } from "../base/errors.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import {
  type CommitDone,
  type CommitJob,
  errorFrom,
  type OrderedPush,
  type Transfer,
} from "./git_job.ts";
import { usesLargeFiles } from "./large_files.ts";
import { fullBranchName } from "../git/remote_refs.ts";
import type { RemoteSide } from "./remote_side.ts";
import { makeBareDirectory, transferName, TransferredBranch } from "./system_git_transfer.ts";
import { removeSync } from "../git/synchronous_file.ts";
import { planTree, type TreeSource } from "../git/tree_plan.ts";

/** The server as it was when the system's git looked; pushes are left to that. */
export function transferredRemote(
  job: CommitJob,
  directory: GitDirectory,
  transfer: Transfer,
): RemoteSide {
  const branch = new TransferredBranch(job, directory, transfer);
  return {
    // An empty repository does not say through git which branch its HEAD names.
    firstBranch: () =>
      Promise.resolve(job.branch === undefined ? "refs/heads/main" : fullBranchName(job.branch)),
    choose: () => transfer.failure ? Promise.reject(errorFrom(transfer.failure)) : branch.choose(),
    fetch: async (chosen, store, isFresh) => {
      await branch.fetch(chosen, store, isFresh);
      assertNoLargeFiles(store, chosen.commit, job);
    },
    refs: () => {
      const { branch } = transfer;
      return Promise.resolve({ ids: new Map(branch ? [[branch.ref, branch.commit]] : []) });
    },
    push: ({ ref }) =>
      Promise.resolve(
        // Kept commits stay here.
        ref.startsWith("refs/heads/")
          ? { kind: "handedOver" }
          : { kind: "rejected", reason: "only branches are pushed" },
      ),
    [Symbol.dispose]: () => branch[Symbol.dispose](),
  };
}

/**
 * Contents would be committed in place of their pointers.
 *
 * @throws AgentError of kind `refused` when the commit gives files to Git LFS.
 */
export function assertNoLargeFiles(
  source: TreeSource,
  commit: string | undefined,
  { url, limits }: CommitJob,
): void {
  if (commit === undefined || !usesLargeFiles(planTree(source, commit, limits.files), source)) {
    return;
  }
  const reason = "auto.commit does not work with files in Git LFS";
  throw cannot("commit and push to", url, reason, { kind: "refused" });
}

/** Where the system's git finds what it is to push. */
export function pushPath(gitDirectory: string): string {
  return join(gitDirectory, "push", transferName);
}

/** Makes that place: the objects of the tenant's Git directory, and one branch. */
export function makePush(gitDirectory: string, { from, to }: OrderedPush): void {
  const path = pushPath(gitDirectory);
  makeBareDirectory(path);
  const write = (name: string, line: string) =>
    Deno.writeTextFileSync(join(path, name), `${line}\n`);
  write(join("objects", "info", "alternates"), join(gitDirectory, "objects"));
  // What is below was never fetched.
  if (from !== undefined) write("shallow", from);
  write(join("refs", "heads", "push"), to);
}

/** Removes it. */
export function removePush(gitDirectory: string): void {
  removeSync(join(gitDirectory, "push"));
}

/** What two runs of one round came to. */
export function bothDone(
  first: CommitDone | undefined,
  { toPush: _, ...then }: CommitDone,
): CommitDone {
  if (first === undefined) return then;
  const merged = { ...first, ...then };
  const moreOf = (name: "committed" | "leftOut" | "unsettled" | "overwritten") =>
    then[name].count >= first[name].count ? then[name] : first[name];
  return {
    ...merged,
    committed: moreOf("committed"),
    leftOut: moreOf("leftOut"),
    unsettled: moreOf("unsettled"),
    overwritten: moreOf("overwritten"),
    pushed: first.pushed || then.pushed,
    changed: first.changed || then.changed,
  };
}
