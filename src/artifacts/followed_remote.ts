import { remoteOptions } from "./checkout_order.ts";
import { gitDirectoryPath } from "./checkout_directories.ts";
import type { RepositoryAccess } from "../git/credentials.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import type { BranchPoll, TenantSurroundings } from "./tenant_surroundings.ts";

/** What the remote looked like when it was empty; no object id looks so. */
const emptyRemote = "empty";

/** What is known of the remote of one tenant's artifacts. */
export class FollowedRemote {
  readonly #tenantId: number;
  readonly #with: TenantSurroundings;
  #poll: BranchPoll | undefined;
  /** The commit that was last dealt with. */
  #seen: string | undefined;

  constructor(tenantId: number, surroundings: TenantSurroundings) {
    this.#tenantId = tenantId;
    this.#with = surroundings;
  }

  /** Whether it was empty when it was last dealt with. */
  get isEmpty(): boolean {
    return this.#seen === emptyRemote;
  }

  /** Another repository is asked from now on, or with another login. */
  change(): void {
    this.#poll = undefined;
  }

  /** Nothing counts as dealt with: a job that fails may have done a part. */
  forget(): void {
    this.#seen = undefined;
  }

  /** @param commit Absent: the remote is empty. */
  dealtWith(commit: string | undefined): void {
    this.#seen = commit ?? emptyRemote;
  }

  /**
   * Asks where the branch is.
   *
   * @throws AgentError when it cannot be asked; the signal's reason when that fired.
   */
  async ask(
    access: RepositoryAccess,
    signal: AbortSignal,
  ): Promise<{ readonly branch: ChosenBranch | undefined; readonly hasMoved: boolean }> {
    const { config, stateDir, clock, openPoll } = this.#with;
    this.#poll ??= openPoll({
      access,
      gitDirectory: gitDirectoryPath(stateDir, this.#tenantId),
      clock,
      ...await remoteOptions(config),
    });
    const branch = await this.#poll.ask(signal);
    return { branch, hasMoved: (branch?.commit ?? emptyRemote) !== this.#seen };
  }
}
