import { type Clock, withDeadline } from "../base/clock.ts";
import { type AgentErrorOptions, cannot } from "../base/errors.ts";
import { portOf } from "./allowed_host.ts";
import {
  attemptOf,
  type CheckoutDone,
  type CheckoutJob,
  errorFrom,
  type JobAnswer,
  type RemovalDone,
  type RemovalJob,
  type WorkerOrder,
} from "./git_job.ts";

/** What surrounds a job. */
export interface GitWorkerOptions {
  /** The whole job may take this long (artifact.limit.seconds). */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends the worker at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs a checkout in a worker of its own, which may reach the repository's host and port and the
 * job's directories, and nothing else. The worker ends with the job, however that ends, and gives its
 * memory back.
 *
 * @throws AgentError when the job failed or took too long; the signal's reason when that fired.
 */
export async function runGitWorker(
  job: CheckoutJob,
  options: GitWorkerOptions,
): Promise<CheckoutDone> {
  return await carryOut({ kind: "checkOut", job }, options);
}

/**
 * Runs a removal in a worker of its own, which may reach the job's directories and no host.
 *
 * @throws AgentError when the job failed or took too long; the signal's reason when that fired.
 */
export async function runRemovalWorker(
  job: RemovalJob,
  options: GitWorkerOptions,
): Promise<RemovalDone> {
  return await carryOut({ kind: "remove", job }, options);
}

async function carryOut<Result>(order: WorkerOrder, options: GitWorkerOptions): Promise<Result> {
  options.signal.throwIfAborted();
  const worker = startWorker(order);
  try {
    const answered = Promise.withResolvers<JobAnswer<Result>>();
    worker.onmessage = ({ data }: MessageEvent<JobAnswer<Result>>) => answered.resolve(data);
    worker.onmessageerror = () => answered.reject(broken(order, "its answer cannot be read"));
    worker.onerror = (event) => {
      event.preventDefault();
      answered.reject(broken(order, event.message));
    };
    worker.postMessage(order);
    const answer = await withDeadline(
      answered.promise,
      options.timeoutMs,
      () => tooSlow(order, options.timeoutMs),
      options.clock,
      options.signal,
    );
    if (answer.kind === "failed") throw errorFrom(answer.error);
    return answer.result;
  } finally {
    worker.terminate();
  }
}

function startWorker(order: WorkerOrder): Worker {
  try {
    return new Worker(import.meta.resolve("./git_worker.ts"), {
      type: "module",
      name: "git",
      deno: { permissions: permissionsOf(order.job) },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    // Nobody can give what he does not have: the agent itself may not reach host or directories.
    const needed = JSON.stringify(permissionsOf(order.job));
    throw failed(order, `the agent lacks a permission for it, of ${needed}`, {
      kind: "permission",
      cause: error,
    });
  }
}

/** What a job may do. */
export function permissionsOf(job: CheckoutJob | RemovalJob): Deno.PermissionOptionsObject {
  const paths = [
    job.gitDirectory,
    job.destination,
    ...job.stagingDirectories,
    ...(job.backup === undefined ? [] : [job.backup]),
  ];
  return {
    net: "url" in job ? [hostAndPort(new URL(job.url))] : false,
    read: paths,
    write: paths,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  };
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

function tooSlow(order: WorkerOrder, timeoutMs: number) {
  const reason = `it took longer than ${timeoutMs / 1000} s (artifact.limit.seconds)`;
  return failed(order, reason, { kind: "limit", retryable: true });
}

function broken(order: WorkerOrder, reason: string) {
  const options = { kind: "internal", retryable: true } as const;
  return failed(order, `the worker broke down: ${reason}`, options);
}

function failed(order: WorkerOrder, reason: string, options: AgentErrorOptions) {
  const { action, subject } = attemptOf(order);
  return cannot(action, subject, reason, options);
}
