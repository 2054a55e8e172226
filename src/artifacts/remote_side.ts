/** A repository server as an exchange of commits needs it. */
import type { GitDirectory } from "../git/git_directory.ts";
import type { CommitJob } from "./git_job.ts";
import { httpOf } from "./job_http.ts";
import type { ObjectStore } from "../git/object_store.ts";
import { firstBranch } from "../git/push_first.ts";
import type { SentObject } from "../git/push_objects.ts";
import { type PushOutcome, type RefUpdate, RemotePush } from "../git/push_request.ts";
import { RemoteBranch } from "../git/remote_branch.ts";
import type { ChosenBranch, RemoteRefs } from "../git/remote_refs.ts";
import type { TreeSource } from "../git/tree_plan.ts";

/** Everything that is asked of the server. */
export interface RemoteSide extends Disposable {
  /** Full name of the branch that a first commit begins. */
  firstBranch(): Promise<string>;
  /** The branch; `undefined` when the repository is empty. */
  choose(): Promise<ChosenBranch | undefined>;
  fetch(chosen: ChosenBranch, store: ObjectStore, isFresh: boolean): Promise<void>;
  /** Refs as those who push see them; before each push. */
  refs(): Promise<RemoteRefs>;
  /** `handedOver`: somebody else is to push, and to say how it went. */
  push(
    update: RefUpdate,
    objects: readonly SentObject[],
    source: TreeSource,
  ): Promise<PushOutcome | { readonly kind: "handedOver" }>;
}

/** Over HTTP, here and now. @param signal Ends requests in progress. */
export function remoteOverHttp(
  job: CommitJob,
  directory: GitDirectory,
  signal?: AbortSignal,
): RemoteSide {
  const http = httpOf(job, signal);
  const branch = new RemoteBranch(job, directory, http);
  const push = new RemotePush(http);
  return {
    firstBranch: () => firstBranch(http, job.branch),
    choose: () => branch.choose(),
    fetch: (chosen, store, isFresh) => branch.fetch(chosen, store, isFresh),
    refs: () => push.refs(),
    push: (update, objects, source) => push.push(update, objects, source),
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}
