import { isAbort, reasonOf } from "../base/errors.ts";
import type { CheckoutDone, CommitDone, RemovalDone } from "./git_job.ts";
import type { TenantSurroundings } from "./tenant_surroundings.ts";

/** Who is told of a tenant's jobs, for a status display. Nothing of it may throw. */
export interface ArtifactObserver {
  /** A checkout begins; the URL is without credentials. */
  readonly onCheckout: (tenantId: number, url: string, destination: string) => void;
  readonly onCheckedOut: (tenantId: number, done: CheckoutDone) => void;
  readonly onCommitted: (tenantId: number, done: CommitDone) => void;
  readonly onRemoved: (tenantId: number, done: RemovalDone) => void;
  /** A job failed, or the remote could not be asked. */
  readonly onFailed: (tenantId: number, reason: string) => void;
  /** The remote was asked; it may have had nothing new. */
  readonly onAsked: (tenantId: number) => void;
}

/** The same surroundings, with an observer told of every job. */
export function observedSurroundings(
  surroundings: TenantSurroundings,
  tenantId: number,
  observer: ArtifactObserver | undefined,
): TenantSurroundings {
  if (!observer) return surroundings;
  const { runJob, runCommit, runRemoval, openPoll } = surroundings;
  const watched = async <T>(
    work: Promise<T>,
    signal: AbortSignal,
    onDone: (done: T) => void,
  ): Promise<T> => {
    try {
      const done = await work;
      onDone(done);
      return done;
    } catch (error) {
      if (!isAbort(error, signal)) observer.onFailed(tenantId, reasonOf(error));
      throw error;
    }
  };
  return {
    ...surroundings,
    runJob: (job, options) => {
      observer.onCheckout(tenantId, job.url, job.destination);
      const work = runJob(job, options);
      return watched(work, options.signal, (done) => observer.onCheckedOut(tenantId, done));
    },
    runCommit: (job, options) => {
      const work = runCommit(job, options);
      return watched(work, options.signal, (done) => observer.onCommitted(tenantId, done));
    },
    runRemoval: (job, options) => {
      const work = runRemoval(job, options);
      return watched(work, options.signal, (done) => observer.onRemoved(tenantId, done));
    },
    openPoll: (request) => {
      const poll = openPoll(request);
      const onDone = () => observer.onAsked(tenantId);
      return { ask: (signal) => watched(poll.ask(signal), signal, onDone) };
    },
  };
}
