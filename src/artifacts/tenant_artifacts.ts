import type { Clock } from "../base/clock.ts";
import { AgentError, isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import type { ResolvedSource } from "./artifact_source.ts";
import {
  makeDestination,
  makeGitDirectory,
  readCertificates,
  type StagingDirectory,
} from "./checkout_directories.ts";
import { CheckoutReport } from "./checkout_report.ts";
import type { CheckoutDone, CheckoutJob } from "./git_job.ts";
import type { GitWorkerOptions } from "./git_worker_run.ts";
import { JobLane } from "./job_lane.ts";
import { RemotePoll } from "./remote_poll.ts";

/** How a checkout ended. */
export type CheckoutOutcome =
  | { readonly kind: "checkedOut"; readonly files: number; readonly commit?: string }
  | { readonly kind: "failed"; readonly reason: string; readonly refused: boolean }
  | { readonly kind: "cancelled" };

/** A source that passed all checks. */
export type UsableSource = ResolvedSource & { readonly kind: "usable" };

/** What all tenants share. */
export interface TenantSurroundings {
  readonly config: ArtifactsConfig;
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly addSecret: (secret: Secret) => () => void;
  readonly staging: (applicationPath: string) => StagingDirectory;
  readonly runJob: (job: CheckoutJob, options: GitWorkerOptions) => Promise<CheckoutDone>;
}

const idleTimeoutMs = 60_000;
/** What the remote looked like when it was empty; no object id looks so. */
const emptyRemote = "empty";

/** One tenant's artifacts: the source that is valid now, and jobs one after the other. */
export class TenantArtifacts {
  readonly #tenantId: number;
  readonly #with: TenantSurroundings;
  readonly #log: Log;
  readonly #lane = new JobLane();
  readonly #report: CheckoutReport;
  #source: UsableSource;
  #poll: RemotePoll | undefined;
  #forgetSecret: () => void = () => {};
  /** The remote's commit that was last dealt with. */
  #seen: string | undefined;

  constructor(tenantId: number, source: UsableSource, surroundings: TenantSurroundings) {
    this.#tenantId = tenantId;
    this.#with = surroundings;
    this.#log = surroundings.log;
    this.#source = source;
    this.#report = new CheckoutReport(this.#log, source.destination);
    this.#forgetSecret = this.#rememberSecret(source);
  }

  /**
   * Checks out from a source, which from now on is the tenant's. Sets aside what is in progress.
   *
   * @returns How it ended, after all attempts; never rejects.
   */
  async checkOut(source: UsableSource, signal: AbortSignal): Promise<CheckoutOutcome> {
    const forgetFormer = this.#forgetSecret;
    this.#forgetSecret = this.#rememberSecret(source);
    this.#source = source;
    this.#poll = undefined;
    try {
      return await this.#lane.run((signal) => this.#attempts(signal), signal, true);
    } catch (error) {
      if (signal.aborted || isAbort(error)) return { kind: "cancelled" };
      return { kind: "failed", reason: reasonOf(error), refused: false };
    } finally {
      // The job before this one, which may have used it, has ended.
      forgetFormer();
    }
  }

  /**
   * Asks the remote and follows it when it has moved.
   *
   * @returns Whether files changed.
   * @throws AgentError when it failed; the signal's reason, or an AbortError when a checkout took its
   *   place.
   */
  update(signal: AbortSignal): Promise<boolean> {
    return this.#lane.run(
      async (signal) => {
        this.#poll ??= new RemotePoll(this.#source.access, {
          clock: this.#with.clock,
          ...await this.#remoteOptions(),
        });
        const chosen = await this.#poll.ask(signal);
        if ((chosen?.commit ?? emptyRemote) === this.#seen) return false;
        return (await this.#job(signal)).changed;
      },
      signal,
      false,
    );
  }

  /** Resolves when no job is in progress; forgets the password. */
  async close(): Promise<void> {
    await this.#lane.idle();
    this.#forgetSecret();
    this.#forgetSecret = () => {};
  }

  async #attempts(signal: AbortSignal): Promise<CheckoutOutcome> {
    const { config, clock } = this.#with;
    const attempts = Math.max(1, config.cloneRetries);
    for (let attempt = 1;; attempt++) {
      try {
        const { files, commit } = await this.#job(signal);
        return { kind: "checkedOut", files, ...(commit === undefined ? {} : { commit }) };
      } catch (error) {
        if (signal.aborted || isAbort(error, signal)) throw error;
        const reason = reasonOf(error);
        const isWorthIt = error instanceof AgentError && error.retryable;
        if (!isWorthIt || attempt >= attempts) {
          this.#log.error(
            `The checkout failed after ${attempt} of ${attempts} attempts: ${reason}`,
          );
          return { kind: "failed", reason, refused: false };
        }
        this.#log.warning(`Attempt ${attempt} of ${attempts} failed: ${reason}`);
        await clock.sleep(config.cloneRetryIntervalMs, signal);
      }
    }
  }

  async #job(signal: AbortSignal): Promise<CheckoutDone> {
    const { config, clock, stateDir, runJob } = this.#with;
    const { access, destination, applicationPath } = this.#source;
    // A job that fails may have done a part.
    this.#seen = undefined;
    await makeDestination(applicationPath, destination);
    const gitDirectory = await makeGitDirectory(stateDir, this.#tenantId);
    const options = await this.#remoteOptions();
    const staging = this.#with.staging(applicationPath);
    const stagingPath = await staging.enter(this.#tenantId);
    try {
      const result = await runJob({
        url: access.url,
        ...(access.credentials === undefined ? {} : {
          username: access.credentials.username,
          password: access.credentials.password.open(),
        }),
        ...options,
        gitDirectory,
        destination,
        stagingDirectories: stagingPath === undefined ? [] : [stagingPath],
        ...(config.backupInitial ? { backup: `${destination}_backup` } : {}),
        limits: { bytes: config.limits.bytes, files: config.limits.files },
        idleTimeoutMs,
        // Until they can be committed, they must not be lost.
        localChanges: config.autoCommit ? "keep" : "discard",
      }, { timeoutMs: config.limits.timeoutMs, clock, signal });
      this.#report.done(access.url, result);
      this.#seen = result.kind === "held" ? undefined : result.commit ?? emptyRemote;
      return result;
    } finally {
      await staging.leave();
    }
  }

  async #remoteOptions(): Promise<{ branch?: string; caCertificates?: string }> {
    const { branch, caFile } = this.#with.config;
    return {
      ...(branch === undefined ? {} : { branch }),
      ...(caFile === undefined ? {} : { caCertificates: await readCertificates(caFile) }),
    };
  }

  #rememberSecret({ access }: UsableSource): () => void {
    return access.credentials ? this.#with.addSecret(access.credentials.password) : () => {};
  }
}
