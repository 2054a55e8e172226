import type { LogLevel } from "../base/log.ts";
import type { ArtifactSource, Remembered } from "./ports.ts";

/** What the core wants done, as data. Interpreted by the loop, printed by tests. */
export type Effect =
  | { readonly kind: "subscribe"; readonly group: SubscriptionGroup }
  /** Ask the platform, again and again until {@link Effect} `answered`. */
  | { readonly kind: "request"; readonly what: Requestable }
  | { readonly kind: "answered"; readonly what: Requestable }
  | LaneEffect
  | { readonly kind: "startHealth" }
  | { readonly kind: "startLogs" }
  | { readonly kind: "startUpdates"; readonly tenantId: number }
  /** Stops running extensions and artifact jobs, drops waiting ones: a clean-up overtakes them. */
  | { readonly kind: "cancelWork" }
  | { readonly kind: "forgetSession" }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string };

/** Work that is ordered within its lane. */
export type LaneEffect =
  | {
    readonly kind: "runExtension";
    readonly lane: LaneName;
    readonly event: string;
    readonly values: Readonly<Record<string, string>>;
    readonly tenantId?: number;
    /** How a full lane treats it: keep the newest of its kind, or drop the oldest. */
    readonly whenBusy?: "keepNewest" | "dropOldest";
  }
  | { readonly kind: "publish"; readonly lane: "lifecycle"; readonly status: Status }
  | { readonly kind: "remember"; readonly lane: "lifecycle"; readonly remembered: Remembered }
  | { readonly kind: "awaitPorts"; readonly lane: "lifecycle" }
  | {
    readonly kind: "checkOut";
    readonly lane: LaneName;
    readonly tenantId: number;
    readonly source: ArtifactSource;
  }
  /** Stop the tenant's update loop, remove what its checkouts wrote, bring the backup back. */
  | { readonly kind: "removeArtifacts"; readonly lane: LaneName; readonly tenantId: number };

/** Lanes are independent of each other; artifacts have one per tenant. */
export type LaneName =
  | "lifecycle"
  | "topology"
  | "tenants"
  | "signUp"
  | "domainMapping"
  | `artifacts:${number}`;

/** Subscriptions made together: before asking for the topology, and once initialized. */
export type SubscriptionGroup = "topology" | "instance";

/** What the platform can be asked for. */
export type Requestable = "topology" | "tenants";

/** Status events, in the order in which the platform accepts them. */
export const statuses = ["started", "activated", "maintenance", "readyToShutdown"] as const;

/** A status event of the own member. */
export type Status = typeof statuses[number];

/** A new state and what is to be done about it. */
export interface Step<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}
