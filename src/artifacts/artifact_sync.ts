import { type Clock, systemClock } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import { type ArtifactSource, resolveSource } from "./artifact_source.ts";
import { gitDirectoryPath, isDirectory, StagingDirectory } from "./checkout_directories.ts";
import { runCommitWorker, runGitWorker, runRemovalWorker } from "./git_worker_run.ts";
import { JobSlots } from "./job_slots.ts";
import { type ArtifactObserver, observedSurroundings } from "./observed_jobs.ts";
import { RemotePoll } from "../git/remote_poll.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";
import { repositoryPath } from "./repository_path.ts";
import { TenantArtifacts } from "./tenant_artifacts.ts";
import type {
  CheckoutOutcome,
  RemovalOutcome,
  TenantPlace,
  TenantSurroundings,
  UsableSource,
} from "./tenant_surroundings.ts";
import { runUpdateLoop } from "./update_loop.ts";
import { WarmWorkers } from "./warm_workers.ts";

/** What {@link ArtifactSync} needs. */
export interface ArtifactSyncOptions {
  readonly config: ArtifactsConfig;
  /** Absolute; `git/<tenantId>` below it holds the Git directories. */
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Has the value hidden wherever text leaves the agent; the result forgets it again. */
  readonly addSecret: (secret: Secret) => () => void;
  /** Runs a job. Default: in a worker of its own. */
  readonly runJob?: TenantSurroundings["runJob"];
  /** Whether updates ask the remote, with Git, before they run a job. Default true. */
  readonly pollsRemote?: boolean;
  /** How updates ask the remote. Default: over HTTP, in place. */
  readonly openPoll?: TenantSurroundings["openPoll"];
  /** Runs a round for local changes. Default: in a worker of its own. */
  readonly runCommit?: TenantSurroundings["runCommit"];
  /** Makes symbolic links for jobs, which may not; absent: links are left out. */
  readonly makeLinks?: TenantSurroundings["makeLinks"];
  /** Told of every job that ends; must not throw. */
  readonly observer?: ArtifactObserver;
  /** Runs a removal. Default: in a worker of its own. */
  readonly runRemoval?: TenantSurroundings["runRemoval"];
}

interface Loop {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** A checkout for another tenant than the one whose artifacts are there. */
interface Contender {
  readonly tenantId: number;
  readonly abort: AbortController;
}

/** A worker may take some hundred MB; with many tenants all others wait. */
const mostJobs = 3;

/** Keeps the application's files in step with the tenants' repositories. */
export class ArtifactSync implements AsyncDisposable {
  readonly #options: ArtifactSyncOptions;
  readonly #tenants = new Map<number, TenantArtifacts>();
  readonly #loops = new Map<number, Loop>();
  readonly #closed = new AbortController();
  readonly #staging = new Map<string, StagingDirectory>();
  /** Real threads hold real memory, whatever time it is for the rest. */
  readonly #warm = new WarmWorkers(systemClock);
  /** Whose artifacts the one directory of an application of one tenant holds. */
  #owner: number;
  #contender: Contender | undefined;
  readonly #slots = { checkouts: new JobSlots(mostJobs), removals: new JobSlots(mostJobs) };

  constructor(options: ArtifactSyncOptions) {
    this.#options = options;
    this.#owner = options.config.tenantId;
  }

  /**
   * First checkout, or a source that changed; with retries. A later call for the same tenant takes
   * the place of an earlier one, which is then cancelled. Never rejects.
   *
   * In an application of one tenant an event may name another one. That one's source is tried after
   * what is in progress, and stays only if it works; the latest of several such is tried.
   */
  async checkOut(source: ArtifactSource, signal: AbortSignal): Promise<CheckoutOutcome> {
    const resolved = resolveSource(this.#options.config, source);
    if (resolved.kind === "unusable") {
      const { reason, refused } = resolved;
      this.#options.log.error(
        `The artifacts of tenant ${source.tenantId} are not checked out: ${reason}`,
      );
      return { kind: "failed", reason, refused };
    }
    const { tenantId } = source;
    const tenant = this.#tenantOf(this.#keyOf(tenantId), resolved);
    const all = AbortSignal.any([signal, this.#closed.signal]);
    if (this.#isRightful(tenantId) || !tenant.hasSource) {
      this.#owner = tenantId;
      return await tenant.checkOut(resolved, all);
    }
    return await this.#contend(tenant, tenantId, resolved, all);
  }

  /**
   * Polls the tenant's repository until stopped. Starting again replaces the loop. Does nothing when
   * the configuration wants no updates (enable.artifact.update, and auto.checkout or auto.commit), or
   * when no usable source of the tenant is known.
   *
   * @param onUpdate Called after each update that changed files; the loop goes on when it settles.
   */
  startUpdates(tenantId: number, onUpdate: () => void | Promise<void>): void {
    const { config, clock, random } = this.#options;
    const key = this.#keyOf(tenantId);
    const tenant = this.#tenants.get(key);
    const log = this.#logOf(tenantId);
    const isWanted = config.update && (config.autoCheckout || config.autoCommit);
    if (!isWanted || this.#closed.signal.aborted) {
      log.debug("The repository is not followed: the configuration does not want it");
      return;
    }
    if (!tenant?.hasSource) {
      log.warning("The repository is not followed: there is none");
      return;
    }
    if (!config.multiTenant && tenantId !== this.#owner) {
      log.debug(`The repository that is followed is that of tenant ${this.#owner}`);
      return;
    }
    const former = this.#loops.get(key);
    former?.abort.abort();
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#closed.signal]);
    const ended = (async () => {
      await former?.ended;
      try {
        await runUpdateLoop({
          update: (signal) => tenant.update(signal),
          onUpdate,
          get intervalMs() {
            return config.updateIntervalMs;
          },
          log,
          clock,
          random,
        }, signal);
      } catch (error) {
        // Only the signal ends a loop.
        if (!isAbort(error, signal)) {
          log.error(`The repository is not followed any more: ${reasonOf(error)}`);
        }
      }
    })();
    this.#loops.set(key, { abort, ended });
  }

  /**
   * Stops the tenant's update loop, removes the files that its checkouts wrote, unless somebody
   * changed them since, and the directories that this leaves empty, and brings the backup of the
   * initial artifacts back. A checkout in progress is cancelled, one that comes later cancels this.
   * After a crash, a second call or the next checkout finishes it. Never rejects.
   *
   * In an application of one tenant only the tenant whose artifacts are there can be removed.
   */
  async remove(tenantId: number, signal: AbortSignal): Promise<RemovalOutcome> {
    const { config, stateDir } = this.#options;
    if (!config.multiTenant && tenantId !== this.#owner) {
      if (this.#contender?.tenantId === tenantId) this.#contender.abort.abort();
      this.#logOf(tenantId).info(
        `The artifacts stay: they are those of tenant ${this.#owner}, not of ${tenantId}`,
      );
      return { kind: "removed", files: 0 };
    }
    const key = this.#keyOf(tenantId);
    const loop = this.#loops.get(key);
    this.#loops.delete(key);
    loop?.abort.abort();
    try {
      const isKnown = this.#tenants.has(key) || await isDirectory(gitDirectoryPath(stateDir, key));
      if (!isKnown) return { kind: "removed", files: 0 };
      const place = repositoryPath(config, key);
      if (place.kind === "refused") return this.#notRemoved(tenantId, place.reason);
      const { path: destination, applicationPath } = place;
      const tenant = this.#tenantOf(key, { destination, applicationPath });
      return await tenant.remove(AbortSignal.any([signal, this.#closed.signal]));
    } catch (error) {
      return this.#notRemoved(tenantId, reasonOf(error));
    } finally {
      await loop?.ended;
    }
  }

  /** Stops all loops and waits for their jobs in progress, which are ended. */
  async stopUpdates(): Promise<void> {
    const loops = [...this.#loops.values()];
    this.#loops.clear();
    for (const { abort } of loops) abort.abort();
    await Promise.all(loops.map(({ ended }) => ended));
  }

  /** How far the tenant's checkout in progress is; `undefined` when there is none. */
  progress(tenantId: number): CheckoutProgress | undefined {
    return this.#tenants.get(this.#keyOf(tenantId))?.progress;
  }

  /** Ends everything, checkouts too, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new DOMException("the agent ends", "AbortError"));
    await this.stopUpdates();
    await Promise.all([...this.#tenants.values()].map((tenant) => tenant.close()));
    this.#warm[Symbol.dispose]();
  }

  /** An application of one tenant has one directory, whatever tenant an event names. */
  #keyOf(tenantId: number): number {
    const { config } = this.#options;
    return config.multiTenant ? tenantId : config.tenantId;
  }

  /** Whether the tenant's source replaces the one that is there without having to prove itself. */
  #isRightful(tenantId: number): boolean {
    const { config } = this.#options;
    return config.multiTenant || tenantId === this.#owner || tenantId === config.tenantId;
  }

  async #contend(
    tenant: TenantArtifacts,
    tenantId: number,
    source: UsableSource,
    signal: AbortSignal,
  ): Promise<CheckoutOutcome> {
    this.#contender?.abort.abort();
    const contender = { tenantId, abort: new AbortController() };
    this.#contender = contender;
    const all = AbortSignal.any([signal, contender.abort.signal]);
    const outcome = await tenant.takeOver(source, () => this.#owner = tenantId, all);
    if (this.#contender === contender) this.#contender = undefined;
    if (outcome.kind === "failed") {
      this.#options.log.warning(
        `The artifacts stay those of tenant ${this.#owner}: the ones of ${tenantId} failed`,
      );
    }
    return outcome;
  }

  #notRemoved(tenantId: number, reason: string): RemovalOutcome {
    this.#logOf(tenantId).error(`The artifacts of tenant ${tenantId} are not removed: ${reason}`);
    return { kind: "failed", reason };
  }

  #tenantOf(key: number, place: TenantPlace): TenantArtifacts {
    const known = this.#tenants.get(key);
    if (known) return known;
    const tenant = new TenantArtifacts(key, place, this.#surroundings(key));
    this.#tenants.set(key, tenant);
    return tenant;
  }

  #surroundings(tenantId: number): TenantSurroundings {
    const { config, stateDir, clock, addSecret, runJob, runRemoval, runCommit, pollsRemote } =
      this.#options;
    const surroundings: TenantSurroundings = {
      config,
      stateDir,
      clock,
      addSecret,
      log: this.#logOf(tenantId),
      staging: (applicationPath) => this.#stagingOf(applicationPath),
      runJob: runJob ?? ((job, options) => runGitWorker(job, { ...options, warm: this.#warm })),
      pollsRemote: pollsRemote ?? true,
      openPoll: this.#options.openPoll ?? (({ access, ...rest }) => new RemotePoll(access, rest)),
      runCommit: runCommit ??
        ((job, options) => runCommitWorker(job, { ...options, warm: this.#warm })),
      looksForChanges: runCommit === undefined,
      runRemoval: runRemoval ?? runRemovalWorker,
      slots: this.#slots,
      ...(this.#options.makeLinks === undefined ? {} : { makeLinks: this.#options.makeLinks }),
    };
    return observedSurroundings(surroundings, tenantId, this.#options.observer);
  }

  #logOf(tenantId: number): Log {
    const { config, log } = this.#options;
    return config.multiTenant ? log.child(String(tenantId)) : log;
  }

  #stagingOf(applicationPath: string): StagingDirectory {
    const known = this.#staging.get(applicationPath);
    if (known) return known;
    const staging = new StagingDirectory(applicationPath);
    this.#staging.set(applicationPath, staging);
    return staging;
  }
}
