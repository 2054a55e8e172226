import type { IdentityConfig, LifecycleConfig } from "../config/agent_config.ts";
import type { ArtifactUpdated, Tenant } from "../events/agent_event.ts";
import type { TopologyModel } from "../topology/topology_model.ts";
import type { Remembered } from "./ports.ts";

/** Where the member stands on its way, as the agent sees it. */
export type Phase =
  | { readonly kind: "booting" }
  | { readonly kind: "awaitingTopology" }
  | { readonly kind: "awaitingInitialized" }
  /** On the way up; `step` is what is under way. */
  | { readonly kind: "starting"; readonly step: StartStep }
  | { readonly kind: "awaitingArtifacts" }
  | { readonly kind: "awaitingPorts" }
  | { readonly kind: "active" }
  /** A required extension failed: nothing further happens until a clean-up or a restart. */
  | { readonly kind: "halted"; readonly event: string }
  | { readonly kind: "cleaning" }
  | { readonly kind: "readyToShutdown" };

/** Steps between "initialized" and "started". */
export type StartStep = "subscriptions" | "InstanceStartedEvent" | "StartServers" | "VolumeMount";

/** Everything that decides what the agent does next. */
export interface AgentState {
  readonly phase: Phase;
  readonly topology?: TopologyModel;
  readonly tenants?: readonly Tenant[];
  /** The own member was reported initialized by an event. */
  readonly initialized: boolean;
  /** Messages may have been missed since the last complete topology. */
  readonly gap: boolean;
  readonly remembered: Remembered;
  /** ReadyToShutdown was acknowledged by the broker since this start. */
  readonly readyAcknowledged: boolean;
  /** The last artifact event of each tenant. */
  readonly artifacts: ReadonlyMap<number, ArtifactUpdated>;
  /** Tenants whose event came before the instance was started. */
  readonly waitingTenants: readonly number[];
  /** Tenants whose repository is polled. */
  readonly updatedTenants: ReadonlySet<number>;
}

/** What the core knows of the configuration. */
export interface Settings {
  readonly identity: IdentityConfig;
  readonly lifecycle: LifecycleConfig;
}

/** The state before anything happened. */
export function initialState(remembered: Remembered): AgentState {
  return {
    phase: { kind: "booting" },
    initialized: false,
    gap: false,
    remembered,
    readyAcknowledged: false,
    artifacts: new Map(),
    waitingTenants: [],
    updatedTenants: new Set(),
  };
}
