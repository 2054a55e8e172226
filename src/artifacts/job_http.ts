import { systemClock } from "../base/clock.ts";
import { GitHttp } from "../git/git_http.ts";
import { accessOf, type CheckoutJob } from "./git_job.ts";

/** Requests to a job's repository, as its order allows them. @param signal Ends those in progress. */
export function httpOf(job: CheckoutJob, signal?: AbortSignal): GitHttp {
  return new GitHttp({
    access: accessOf(job),
    maxBytes: job.limits.bytes,
    idleTimeoutMs: job.idleTimeoutMs,
    clock: systemClock,
    ...(signal === undefined ? {} : { signal }),
    ...(job.caCertificates === undefined ? {} : { caCertificates: job.caCertificates }),
  });
}
