import { isAbort, reasonOf } from "../base/errors.ts";
import { gitDirectoryPath, isDirectory } from "./checkout_directories.ts";
import { remoteOptions, repositoryOrder } from "./checkout_order.ts";
import { mostFileBytes } from "./commit_local.ts";
import { CommitReport } from "./commit_report.ts";
import { LocalChangesWatch } from "./commit_watch.ts";
import type { CommitDone } from "./git_job.ts";
import { inPlaces } from "./job_places.ts";
import type { TenantPlace, TenantSurroundings, UsableSource } from "./tenant_surroundings.ts";

/** The rounds for a tenant's local changes (auto.commit). */
export class CommitRound {
  readonly #tenantId: number;
  readonly #place: TenantPlace;
  readonly #with: TenantSurroundings;
  readonly #report: CommitReport;
  readonly #watch: LocalChangesWatch;

  constructor(tenantId: number, place: TenantPlace, surroundings: TenantSurroundings) {
    this.#tenantId = tenantId;
    this.#place = place;
    this.#with = surroundings;
    this.#report = new CommitReport(surroundings.log, place.destination);
    this.#watch = new LocalChangesWatch(surroundings.clock);
  }

  /**
   * Commits and pushes when there is something to. A failure is reported, and the remote followed
   * nevertheless.
   *
   * @param mayBegin The remote was empty when it was asked last.
   * @returns `undefined` when there was nothing to do, or when it failed.
   * @throws The signal's reason.
   */
  async run(
    source: UsableSource,
    mayBegin: boolean,
    signal: AbortSignal,
  ): Promise<CommitDone | undefined> {
    const { config, stateDir, slots, log } = this.#with;
    if (!config.autoCommit) return undefined;
    const gitDirectory = gitDirectoryPath(stateDir, this.#tenantId);
    try {
      // Before the first checkout there is nothing to compare with.
      if (!await isDirectory(gitDirectory) || !await isDirectory(this.#place.destination)) {
        this.#watch.forget();
        return undefined;
      }
      if (this.#with.looksForChanges) {
        const { limits } = config;
        const { destination } = this.#place;
        const largest = mostFileBytes({ limits });
        const places = { gitDirectory, destination, mostFileBytes: largest, mayBegin };
        if (!await this.#watch.hasLocalChanges(places, signal)) return undefined;
      }
      return await slots.checkouts.run(
        () => this.#job(source, gitDirectory, mayBegin, signal),
        signal,
      );
    } catch (error) {
      if (signal.aborted || isAbort(error, signal)) throw error;
      this.#report.failed(reasonOf(error));
      log.debug(`The round for local changes failed: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** Gives back the memory of the rounds before: the artifacts are removed. */
  forget(): void {
    this.#watch.forget();
  }

  async #job(
    { access }: UsableSource,
    gitDirectory: string,
    mayBegin: boolean,
    signal: AbortSignal,
  ): Promise<CommitDone> {
    const { config, clock, runCommit, makeLinks } = this.#with;
    const options = await remoteOptions(config);
    const tenant = { id: this.#tenantId, gitDirectory };
    return await inPlaces(this.#with, this.#place, tenant, async (places) => {
      const result = await runCommit({
        ...places,
        ...repositoryOrder(config, access),
        ...options,
        author: String(this.#tenantId),
        followsRemote: config.autoCheckout,
        mayBegin,
      }, {
        timeoutMs: config.limits.timeoutMs,
        clock,
        signal,
        tenantId: this.#tenantId,
        ...(makeLinks === undefined ? {} : { makeLinks }),
      });
      this.#report.done(access.url, gitDirectory, result);
      return result;
    });
  }
}
