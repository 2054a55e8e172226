import { AgentError, isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  gitDirectoryPath,
  isDestinationThere,
  isDirectory,
  makeDestination,
  makeGitDirectory,
  makeWayTo,
} from "./checkout_directories.ts";
import { remoteOptions, repositoryOrder } from "./checkout_order.ts";
import { CheckoutReport } from "./checkout_report.ts";
import { CommitRound } from "./commit_round.ts";
import { FollowedRemote } from "./followed_remote.ts";
import type { CheckoutDone, JobPlaces, RemovalDone } from "./git_job.ts";
import { inPlaces } from "./job_places.ts";
import { JobLane } from "./job_lane.ts";
import { isMadeDestination, rememberMadeDestination } from "./made_destination.ts";
import { ProgressReport } from "./progress_report.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { reportRemoval } from "./removal_report.ts";
import {
  type CheckoutOutcome,
  endedBy,
  heldByFormer,
  type RemovalOutcome,
  type TenantPlace,
  type TenantSurroundings,
  type UsableSource,
} from "./tenant_surroundings.ts";

/** One tenant's artifacts: the source that is valid now, and jobs one after the other. */
export class TenantArtifacts {
  readonly #tenantId: number;
  readonly #with: TenantSurroundings;
  readonly #log: Log;
  readonly #lane = new JobLane();
  readonly #place: TenantPlace;
  #report: CheckoutReport;
  readonly #commits: CommitRound;
  #progress: ProgressReport | undefined;
  /** Absent before the first checkout of this process, and after a removal. */
  #source: UsableSource | undefined;
  readonly #remote: FollowedRemote;
  #forgetSecret: () => void = () => {};
  /** The last checkout failed: somebody waits to hear that the artifacts are in place after all. */
  #isOwed = false;

  constructor(tenantId: number, place: TenantPlace, surroundings: TenantSurroundings) {
    this.#tenantId = tenantId;
    this.#with = surroundings;
    this.#log = surroundings.log;
    this.#place = place;
    this.#report = new CheckoutReport(this.#log, place.destination);
    this.#remote = new FollowedRemote(tenantId, surroundings);
    this.#commits = new CommitRound(tenantId, place, surroundings);
  }

  /** How far the checkout in progress is; `undefined` when there is none. */
  get progress(): CheckoutProgress | undefined {
    return this.#progress?.latest;
  }

  /** Whether there is a repository to follow. */
  get hasSource(): boolean {
    return this.#source !== undefined;
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
    this.#remote.change();
    try {
      return await this.#lane.run(
        async (signal) => {
          const outcome = await this.#attempts(source, signal);
          this.#isOwed = outcome.kind === "failed";
          return outcome;
        },
        signal,
        true,
      );
    } catch (error) {
      return endedBy(error, signal);
    } finally {
      // The job before this one, which may have used it, has ended.
      forgetFormer();
    }
  }

  /**
   * Checks out from a source of somebody else, which becomes the tenant's if that succeeds; else all
   * stays as it was. Waits for what is in progress.
   *
   * @param onTaken Called at the moment when it succeeds.
   * @returns How it ended, after all attempts; never rejects.
   */
  async takeOver(
    source: UsableSource,
    onTaken: () => void,
    signal: AbortSignal,
  ): Promise<CheckoutOutcome> {
    let forgetUnused = this.#rememberSecret(source);
    try {
      return await this.#lane.run(
        async (signal) => {
          const outcome = await this.#attempts(source, signal);
          // A newer source has come meanwhile.
          signal.throwIfAborted();
          if (outcome.kind !== "checkedOut") return outcome;
          [this.#forgetSecret, forgetUnused] = [forgetUnused, this.#forgetSecret];
          this.#source = source;
          this.#remote.change();
          this.#isOwed = false;
          onTaken();
          return outcome;
        },
        signal,
        false,
      );
    } catch (error) {
      return endedBy(error, signal);
    } finally {
      forgetUnused();
    }
  }

  /**
   * Commits and pushes local changes, then asks the remote and follows it when it has moved, each if
   * the configuration wants it.
   *
   * @returns Whether files changed, or are in place for the first time after a checkout that failed.
   * @throws AgentError when it failed; the signal's reason, or an AbortError when a checkout took its
   *   place.
   */
  update(signal: AbortSignal): Promise<boolean> {
    return this.#lane.run(
      async (signal) => {
        const source = this.#source;
        if (source === undefined) return false;
        const isMerged = await this.#commit(source, signal);
        if (!this.#with.config.autoCheckout && !this.#isOwed) return isMerged;
        const asked = this.#with.pollsRemote
          ? await this.#remote.ask(source.access, signal)
          : undefined;
        if (asked?.hasMoved === false && !this.#isOwed) return isMerged;
        const { changed } = await this.#job(source, signal, asked?.branch);
        const isNews = changed || isMerged || this.#isOwed;
        this.#isOwed = false;
        return isNews;
      },
      signal,
      false,
    );
  }

  /**
   * Removes what checkouts wrote and forgets the source and its password. Sets aside what is in
   * progress; never rejects.
   */
  async remove(signal: AbortSignal): Promise<RemovalOutcome> {
    const forgetSecret = this.#forgetSecret;
    this.#forgetSecret = () => {};
    this.#source = undefined;
    this.#remote.change();
    try {
      const done = await this.#lane.run((signal) => this.#removal(signal), signal, true);
      return { kind: "removed", files: done?.files ?? 0 };
    } catch (error) {
      if (signal.aborted || isAbort(error)) return { kind: "cancelled" };
      const reason = reasonOf(error);
      this.#log.error(`The artifacts are not removed: ${reason}`);
      return { kind: "failed", reason };
    } finally {
      // The job before this one, which may have used it, has ended.
      forgetSecret();
      this.#commits.forget();
    }
  }

  /** Resolves when no job is in progress; forgets the password. */
  async close(): Promise<void> {
    await this.#lane.idle();
    this.#forgetSecret();
    this.#forgetSecret = () => {};
  }

  async #attempts(source: UsableSource, signal: AbortSignal): Promise<CheckoutOutcome> {
    const { config, clock } = this.#with;
    const attempts = Math.max(1, config.cloneRetries);
    for (let attempt = 1;; attempt++) {
      try {
        // Changes beside the artifacts of one tenant go to its repository, never to another's.
        if (this.#source) await this.#commit(this.#source, signal);
        const { kind, files, commit } = await this.#job(source, signal);
        if (kind === "held" && this.#source !== source) throw heldByFormer(source);
        return { kind: "checkedOut", files, ...(commit === undefined ? {} : { commit }) };
      } catch (error) {
        if (signal.aborted || isAbort(error, signal)) throw error;
        const reason = reasonOf(error);
        if (!(error instanceof AgentError && error.retryable) || attempt >= attempts) {
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

  /** @returns Whether changes of the remote came to the destination with it. */
  async #commit(source: UsableSource, signal: AbortSignal): Promise<boolean> {
    const done = await this.#commits.run(source, this.#remote.isEmpty, signal);
    if (done?.remote !== undefined) this.#remote.dealtWith(done.remote);
    return done?.changed === true;
  }

  /** @param seen What a poll has just seen. */
  #job(source: UsableSource, signal: AbortSignal, seen?: ChosenBranch): Promise<CheckoutDone> {
    const { checkouts } = this.#with.slots;
    return checkouts.run(() => this.#jobInSlot(source, signal, seen), signal);
  }

  async #jobInSlot(
    { access }: UsableSource,
    signal: AbortSignal,
    seen: ChosenBranch | undefined,
  ): Promise<CheckoutDone> {
    const { config, clock, stateDir, runJob, makeLinks } = this.#with;
    const { destination, applicationPath } = this.#place;
    // A job that fails may have done a part.
    this.#remote.forget();
    const make = config.publish === "symlink" ? makeWayTo : makeDestination;
    const isMade = await make(applicationPath, destination);
    const gitDirectory = await makeGitDirectory(stateDir, this.#tenantId);
    if (isMade) await rememberMadeDestination(gitDirectory, destination);
    const progress = this.#progress = new ProgressReport(access.url, this.#log, clock);
    return await this.#inPlaces(gitDirectory, async (places) => {
      const result = await runJob({
        ...places,
        ...repositoryOrder(config, access),
        ...await remoteOptions(config),
        ...(seen === undefined ? {} : { seen }),
      }, {
        timeoutMs: config.limits.timeoutMs,
        clock,
        signal,
        tenantId: this.#tenantId,
        ...(makeLinks === undefined ? {} : { makeLinks }),
        onProgress: (at) => progress.take(at),
      }).finally(() => this.#progress = undefined);
      this.#report.done(access.url, result);
      if (result.kind !== "held") this.#remote.dealtWith(result.commit);
      return result;
    });
  }

  async #removal(signal: AbortSignal): Promise<RemovalDone | undefined> {
    const { config, clock, stateDir, runRemoval, slots } = this.#with;
    const { destination, applicationPath } = this.#place;
    this.#remote.forget();
    this.#report = new CheckoutReport(this.#log, destination);
    const gitDirectory = gitDirectoryPath(stateDir, this.#tenantId);
    if (!await isDirectory(gitDirectory)) return undefined;
    const isThere = await isDestinationThere(applicationPath, destination);
    const removesDestination = await isMadeDestination(gitDirectory, destination);
    return await this.#inPlaces(gitDirectory, async (places) => {
      if (
        !isThere && places.trees === undefined && places.backup !== undefined &&
        await isDirectory(places.backup)
      ) {
        await makeDestination(applicationPath, destination);
      }
      const options = { timeoutMs: config.limits.timeoutMs, clock, signal };
      const job = { ...places, removesDestination };
      const done = await slots.removals.run(() => runRemoval(job, options), signal);
      reportRemoval(this.#log, destination, done);
      return done;
    });
  }

  #inPlaces<T>(gitDirectory: string, work: (places: JobPlaces) => Promise<T>): Promise<T> {
    return inPlaces(this.#with, this.#place, { id: this.#tenantId, gitDirectory }, work);
  }

  #rememberSecret({ access }: UsableSource): () => void {
    return access.credentials ? this.#with.addSecret(access.credentials.password) : () => {};
  }
}
