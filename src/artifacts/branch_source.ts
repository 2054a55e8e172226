/** Where a checkout gets its branch from. */
import { systemClock } from "../base/clock.ts";
import { type GitDirectory, publishedCommit } from "../git/git_directory.ts";
import { GitHttp } from "../git/git_http.ts";
import { accessOf, type CheckoutJob } from "./git_job.ts";
import { loadNegotiation, RemoteBranch } from "../git/remote_branch.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { TransferredBranch } from "./system_git_transfer.ts";

/** Where the commit of a branch and its objects come from. May be disposed of twice. */
export interface BranchSource extends Disposable {
  readonly receivedBytes: number;
  /** Asks once, however often it is called. */
  choose(): Promise<ChosenBranch | undefined>;
  fetch: RemoteBranch["fetch"];
}

/** The first checkout fetches all, without a negotiation. Later the library for that loads meanwhile. */
async function chooseFrom(
  remote: RemoteBranch,
  directory: GitDirectory,
): Promise<ChosenBranch | undefined> {
  const negotiates = publishedCommit(directory) !== undefined;
  const [chosen] = await Promise.all([
    remote.choose(),
    negotiates ? loadNegotiation() : undefined,
  ]);
  return chosen;
}

/** Over HTTP, unless the system's git has brought it already. */
export function branchOf(job: CheckoutJob, directory: GitDirectory): BranchSource {
  if (job.transfer !== undefined) return new TransferredBranch(job, directory, job.transfer);
  const http = new GitHttp({
    access: accessOf(job),
    maxBytes: job.limits.bytes,
    idleTimeoutMs: job.idleTimeoutMs,
    clock: systemClock,
    ...(job.caCertificates === undefined ? {} : { caCertificates: job.caCertificates }),
  });
  const remote = new RemoteBranch(job, directory, http);
  let isOpen = true;
  let chosen: Promise<ChosenBranch | undefined> | undefined;
  return {
    get receivedBytes() {
      return http.receivedBytes;
    },
    choose: () => chosen ??= chooseFrom(remote, directory),
    fetch: (...request) => remote.fetch(...request),
    [Symbol.dispose]: () => {
      if (isOpen) http[Symbol.dispose]();
      isOpen = false;
    },
  };
}
