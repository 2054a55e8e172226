import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot } from "../base/errors.ts";
import { portOf } from "./allowed_host.ts";
import { type CheckoutDone, type CheckoutJob, errorFrom, type JobAnswer } from "./git_job.ts";

/** What surrounds a job. */
export interface GitWorkerOptions {
  /** The whole job may take this long (artifact.limit.seconds). */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends the worker at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs a job in a worker of its own, which may reach the repository's host and port and the job's
 * directories, and nothing else. The worker ends with the job, however that ends, and gives its
 * memory back.
 *
 * @throws AgentError when the job failed or took too long; the signal's reason when that fired.
 */
export async function runGitWorker(
  job: CheckoutJob,
  options: GitWorkerOptions,
): Promise<CheckoutDone> {
  options.signal.throwIfAborted();
  const worker = startWorker(job);
  try {
    const answered = Promise.withResolvers<JobAnswer>();
    worker.onmessage = ({ data }: MessageEvent<JobAnswer>) => answered.resolve(data);
    worker.onmessageerror = () => answered.reject(broken(job, "its answer cannot be read"));
    worker.onerror = (event) => {
      event.preventDefault();
      answered.reject(broken(job, event.message));
    };
    worker.postMessage(job);
    const answer = await withDeadline(
      answered.promise,
      options.timeoutMs,
      () => tooSlow(job, options.timeoutMs),
      options.clock,
      options.signal,
    );
    if (answer.kind === "failed") throw errorFrom(answer.error);
    return answer.result;
  } finally {
    worker.terminate();
  }
}

function startWorker(job: CheckoutJob): Worker {
  try {
    return new Worker(import.meta.resolve("./git_worker.ts"), {
      type: "module",
      name: "git",
      deno: { permissions: permissionsOf(job) },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    // Nobody can give what he does not have: the agent itself may not reach host or directories.
    const needed = JSON.stringify(permissionsOf(job));
    throw cannot("check out", job.url, `the agent lacks a permission for it, of ${needed}`, {
      kind: "permission",
      cause: error,
    });
  }
}

/** What a job may do. */
export function permissionsOf(job: CheckoutJob): Deno.PermissionOptionsObject {
  const url = new URL(job.url);
  const paths = [
    job.gitDirectory,
    job.destination,
    ...job.stagingDirectories,
    ...(job.backup === undefined ? [] : [job.backup]),
  ];
  return {
    net: [`${url.hostname}:${portOf(url)}`],
    read: paths,
    write: paths,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  };
}

function tooSlow(job: CheckoutJob, timeoutMs: number) {
  return cannot(
    "check out",
    job.url,
    `it took longer than ${timeoutMs / 1000} s (artifact.limit.seconds)`,
    { kind: "limit", retryable: true },
  );
}

function broken(job: CheckoutJob, reason: string) {
  return cannot("check out", job.url, `the worker broke down: ${reason}`, {
    kind: "internal",
    retryable: true,
  });
}
