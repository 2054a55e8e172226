/** What a tenant's artifacts are given, and how their checkouts and removals end. */
import type { Clock } from "../base/clock.ts";
import { type AgentError, cannot, isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import type { ResolvedSource } from "./artifact_source.ts";
import type { RepositoryAccess } from "../git/credentials.ts";
import type { StagingDirectory } from "./checkout_directories.ts";
import type {
  CheckoutDone,
  CheckoutJob,
  CommitDone,
  CommitJob,
  RemovalDone,
  RemovalJob,
} from "./git_job.ts";
import type { GitWorkerOptions } from "./git_worker_run.ts";
import type { MakeLinks } from "./link_exchange.ts";
import type { JobSlots } from "./job_slots.ts";
import type { RemotePollOptions } from "../git/remote_poll.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";

/** How a checkout ended. */
export type CheckoutOutcome =
  | { readonly kind: "checkedOut"; readonly files: number; readonly commit?: string }
  | { readonly kind: "failed"; readonly reason: string; readonly refused: boolean }
  | { readonly kind: "cancelled" };

/** How the removal of a tenant's artifacts ended. */
export type RemovalOutcome =
  | { readonly kind: "removed"; readonly files: number }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled" };

/** Where a tenant's files are. */
export interface TenantPlace {
  readonly destination: string;
  readonly applicationPath: string;
}

/** A source that passed all checks. */
export type UsableSource = ResolvedSource & { readonly kind: "usable" };

/** What surrounds a checkout or commit. */
export interface CheckoutOptions extends GitWorkerOptions {
  /** Whose artifacts; in an application of one tenant always that one. */
  readonly tenantId: number;
}

/** Asks a server, again and again, which commit a branch is at. */
export interface BranchPoll {
  /**
   * Asks.
   *
   * @returns `undefined` when the repository is empty.
   */
  ask(signal: AbortSignal): Promise<ChosenBranch | undefined>;
}

/** What is to be asked about, and where a tenant's Git directory is. */
export interface PollRequest extends RemotePollOptions {
  readonly access: RepositoryAccess;
  readonly gitDirectory: string;
}

/** What all tenants share. */
export interface TenantSurroundings {
  readonly config: ArtifactsConfig;
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly addSecret: (secret: Secret) => () => void;
  readonly staging: (applicationPath: string) => StagingDirectory;
  readonly runJob: (job: CheckoutJob, options: CheckoutOptions) => Promise<CheckoutDone>;
  /** Whether an update first asks the remote, with Git, if it has moved; else every one runs the job. */
  readonly pollsRemote: boolean;
  /** Begins to ask about a repository. */
  readonly openPoll: (request: PollRequest) => BranchPoll;
  /** Commits local changes and pushes them (auto.commit). */
  readonly runCommit: (job: CommitJob, options: CheckoutOptions) => Promise<CommitDone>;
  /** Whether that is done only when files changed since the last checkout; else in every round. */
  readonly looksForChanges: boolean;
  /** Makes symbolic links for jobs, which may not; absent: links are left out. */
  readonly makeLinks?: MakeLinks;
  readonly runRemoval: (job: RemovalJob, options: GitWorkerOptions) => Promise<RemovalDone>;
  /** Bound how many workers there are, and with them the memory. */
  readonly slots: { readonly checkouts: JobSlots; readonly removals: JobSlots };
}

/** What became of a checkout that threw. */
export function endedBy(error: unknown, signal: AbortSignal): CheckoutOutcome {
  if (signal.aborted || isAbort(error)) return { kind: "cancelled" };
  return { kind: "failed", reason: reasonOf(error), refused: false };
}

/** The error for a checkout of another tenant, before which local changes must get where they belong. */
export function heldByFormer({ access }: UsableSource): AgentError {
  const reason = "local changes of the tenant before are not in that one's repository yet";
  return cannot("check out", access.url, reason, { kind: "refused", retryable: true });
}
