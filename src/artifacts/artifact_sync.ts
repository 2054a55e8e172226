import type { Clock } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import { type ArtifactSource, resolveSource } from "./artifact_source.ts";
import { StagingDirectory } from "./checkout_directories.ts";
import { runGitWorker } from "./git_worker_run.ts";
import {
  type CheckoutOutcome,
  TenantArtifacts,
  type TenantSurroundings,
} from "./tenant_artifacts.ts";
import { runUpdateLoop } from "./update_loop.ts";

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
}

interface Loop {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** Keeps the application's files in step with the tenants' repositories. */
export class ArtifactSync implements AsyncDisposable {
  readonly #options: ArtifactSyncOptions;
  readonly #tenants = new Map<number, TenantArtifacts>();
  readonly #loops = new Map<number, Loop>();
  readonly #closed = new AbortController();
  readonly #staging = new Map<string, StagingDirectory>();

  constructor(options: ArtifactSyncOptions) {
    this.#options = options;
  }

  /**
   * First checkout, or a source that changed; with retries. A later call for the same tenant takes
   * the place of an earlier one, which is then cancelled. Never rejects.
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
    const key = this.#keyOf(source.tenantId);
    let tenant = this.#tenants.get(key);
    if (tenant === undefined) {
      tenant = new TenantArtifacts(key, resolved, this.#surroundings(key));
      this.#tenants.set(key, tenant);
    }
    return await tenant.checkOut(resolved, AbortSignal.any([signal, this.#closed.signal]));
  }

  /**
   * Polls the tenant's repository until stopped. Starting again replaces the loop. Does nothing when
   * the configuration wants no updates (enable.artifact.update, auto.checkout), or when no usable
   * source of the tenant is known.
   *
   * @param onUpdate Called after each update that changed files; the loop goes on when it settles.
   */
  startUpdates(tenantId: number, onUpdate: () => void | Promise<void>): void {
    const { config, clock, random } = this.#options;
    const key = this.#keyOf(tenantId);
    const tenant = this.#tenants.get(key);
    const log = this.#logOf(tenantId);
    if (!config.update || !config.autoCheckout || this.#closed.signal.aborted) {
      log.debug("The repository is not followed: the configuration does not want it");
      return;
    }
    if (tenant === undefined) {
      log.warning("The repository is not followed: there is none");
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
          intervalMs: config.updateIntervalMs,
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

  /** Stops all loops and waits for their jobs in progress, which are ended. */
  async stopUpdates(): Promise<void> {
    const loops = [...this.#loops.values()];
    this.#loops.clear();
    for (const { abort } of loops) abort.abort();
    await Promise.all(loops.map(({ ended }) => ended));
  }

  /** Ends everything, checkouts too, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new DOMException("the agent ends", "AbortError"));
    await this.stopUpdates();
    await Promise.all([...this.#tenants.values()].map((tenant) => tenant.close()));
  }

  /** An application of one tenant has one directory, whatever tenant an event names. */
  #keyOf(tenantId: number): number {
    const { config } = this.#options;
    return config.multiTenant ? tenantId : config.tenantId;
  }

  #surroundings(tenantId: number): TenantSurroundings {
    const { config, stateDir, clock, addSecret, runJob } = this.#options;
    return {
      config,
      stateDir,
      clock,
      addSecret,
      log: this.#logOf(tenantId),
      staging: (applicationPath) => this.#stagingOf(applicationPath),
      runJob: runJob ?? runGitWorker,
    };
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
