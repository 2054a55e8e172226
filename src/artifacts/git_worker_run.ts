import { type Clock, withDeadline } from "../base/clock.ts";
import { type AgentErrorOptions, cannot } from "../base/errors.ts";
import { portOf } from "./allowed_host.ts";
import {
  attemptOf,
  type CheckoutDone,
  type CheckoutJob,
  type CommitDone,
  type CommitJob,
  errorFrom,
  type JobPlaces,
  type RemovalDone,
  type RemovalJob,
  type WorkerOrder,
} from "./git_job.ts";
import { LinkService, type MakeLinks } from "./link_exchange.ts";
import { GivenOrder } from "./given_order.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";
import { stagingPlaces } from "./staging_area.ts";
import type { WarmWorkers } from "./warm_workers.ts";

const noPermissions = {
  net: false,
  read: false,
  write: false,
  env: false,
  run: false,
  sys: false,
  ffi: false,
  import: false,
} as const satisfies Deno.PermissionOptionsObject;

/** What surrounds a job. */
export interface GitWorkerOptions {
  /** The whole job may take this long (artifact.limit.seconds). */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends the worker at once. */
  readonly signal: AbortSignal;
  /** Makes symbolic links, which a worker may not. Absent: they are left out. */
  readonly makeLinks?: MakeLinks;
  /** Told of how far a checkout is, a few times a second. */
  readonly onProgress?: (progress: CheckoutProgress) => void;
  /** Where a worker that waits for work may be found, and left afterwards. Absent: it ends. */
  readonly warm?: WarmWorkers;
}

/**
 * Runs a checkout in a worker of its own, which may reach the repository's host and port and the
 * job's directories, and nothing else. The worker ends with the job and gives its memory back, unless
 * the job ended well, took little memory, and its worker is to be kept warm.
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
 * Runs a round for local changes in a worker of its own, with the permissions of a checkout; one that
 * waits may have done a checkout, and the other way round.
 *
 * @throws AgentError when the job failed or took too long; the signal's reason when that fired.
 */
export async function runCommitWorker(
  job: CommitJob,
  options: GitWorkerOptions,
): Promise<CommitDone> {
  return await carryOut({ kind: "commit", job }, options);
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
  const { makeLinks } = options;
  using links = makeLinks ? new LinkService(order.job, makeLinks) : undefined;
  const permissions = permissionsOf(order.job);
  const found = options.warm?.take(permissions);
  const worker = found?.worker ?? startWorker(order, permissions, options.warm);
  const given = new GivenOrder<Result>({
    worker,
    second: found?.second,
    startSecond: (port) => startSecond(order.job, port),
    onProgress: options.onProgress,
    onBroken: (reason) => broken(order, reason),
  });
  try {
    const answer = await withDeadline(
      given.give(order, links?.port),
      options.timeoutMs,
      () => tooSlow(order, options.timeoutMs),
      options.clock,
      options.signal,
    );
    if (answer.kind === "failed") throw errorFrom(answer.error);
    if (order.kind === "remove" || !options.warm) await given.end();
    else options.warm.keep(permissions, worker, given.second);
    return answer.result;
  } catch (error) {
    await given.end();
    throw error;
  }
}

function startWorker(
  order: WorkerOrder,
  permissions: Deno.PermissionOptionsObject,
  warm: WarmWorkers | undefined,
): Worker {
  try {
    const start = () =>
      new Worker(import.meta.resolve("./git_worker.ts"), {
        type: "module",
        name: "git",
        deno: { permissions },
      });
    return warm?.started(start) ?? start();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    // Nobody can give what he does not have: the agent itself may not reach host or directories.
    const needed = JSON.stringify(permissions);
    throw failed(order, `the agent lacks a permission for it, of ${needed}`, {
      kind: "permission",
      cause: error,
    });
  }
}

/**
 * Starts the other thread of a job, which may look at what is published, and write where files wait for
 * their publication.
 */
function startSecond(job: JobPlaces, port: MessagePort): Worker | undefined {
  if (navigator.hardwareConcurrency < 2) {
    port.close();
    return undefined;
  }
  const places = stagingPlaces(job);
  const published = [job.destination, ...(job.trees === undefined ? [] : [job.trees])];
  let worker: Worker;
  try {
    worker = new Worker(import.meta.resolve("./second_worker.ts"), {
      type: "module",
      name: "git-second",
      deno: { permissions: { ...noPermissions, read: [...places, ...published], write: places } },
    });
  } catch {
    // There may be no more threads; the job does without.
    port.close();
    return undefined;
  }
  worker.postMessage(null, [port]);
  return worker;
}

/** What a job may do. */
export function permissionsOf(job: CheckoutJob | RemovalJob): Deno.PermissionOptionsObject {
  const paths = [
    job.gitDirectory,
    job.destination,
    ...job.stagingDirectories,
    ...(job.backup === undefined ? [] : [job.backup]),
    ...(job.trees === undefined ? [] : [job.trees]),
  ];
  return {
    ...noPermissions,
    net: "url" in job && job.transfer === undefined ? [hostAndPort(new URL(job.url))] : false,
    read: paths,
    write: paths,
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
