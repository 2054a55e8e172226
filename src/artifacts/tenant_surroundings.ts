/** What a tenant's artifacts are given, and how their checkouts and removals end. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import type { ResolvedSource } from "./artifact_source.ts";
import type { StagingDirectory } from "./checkout_directories.ts";
import type { CheckoutDone, CheckoutJob, RemovalDone, RemovalJob } from "./git_job.ts";
import type { GitWorkerOptions } from "./git_worker_run.ts";
import type { JobSlots } from "./job_slots.ts";

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

/** What all tenants share. */
export interface TenantSurroundings {
  readonly config: ArtifactsConfig;
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly addSecret: (secret: Secret) => () => void;
  readonly staging: (applicationPath: string) => StagingDirectory;
  readonly runJob: (job: CheckoutJob, options: GitWorkerOptions) => Promise<CheckoutDone>;
  readonly runRemoval: (job: RemovalJob, options: GitWorkerOptions) => Promise<RemovalDone>;
  /** Bound how many workers there are, and with them the memory. */
  readonly slots: { readonly checkouts: JobSlots; readonly removals: JobSlots };
}
