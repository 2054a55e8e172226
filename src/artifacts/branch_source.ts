/** Where a checkout gets its branch from. */
import { systemClock } from "../base/clock.ts";
import { type GitDirectory, publishedCommit } from "../git/git_directory.ts";
import { GitHttp } from "../git/git_http.ts";
import { accessOf, type CheckoutJob } from "./git_job.ts";
import { loadNegotiation, RemoteBranch } from "../git/remote_branch.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { TransferredBranch } from "./system_git_transfer.ts";

/** Where the commit of a branch and its objects come from. */
export interface BranchSource extends Disposable {
  readonly receivedBytes: number;
  choose(): Promise<ChosenBranch | undefined>;
  fetch: RemoteBranch["fetch"];
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
  return {
    get receivedBytes() {
      return http.receivedBytes;
    },
    choose: async () => {
      // The first checkout fetches all, without a negotiation. Later the library loads meanwhile.
      const negotiates = publishedCommit(directory) !== undefined;
      const loading = negotiates ? loadNegotiation() : undefined;
      const [chosen] = await Promise.all([remote.choose(), loading]);
      return chosen;
    },
    fetch: (...request) => remote.fetch(...request),
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}
