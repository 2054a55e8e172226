import type { AgentEvent } from "../events/agent_event.ts";
import type { SubscriptionGroup } from "./effect.ts";
import type { CheckoutOutcome, ExtensionOutcome, RemovalOutcome } from "./ports.ts";

/** Everything that can happen to the agent. */
export type Input =
  /** The program started; the state holds what was remembered. */
  | { readonly kind: "boot" }
  /** Connected again: what was published meanwhile at QoS 0 is lost. */
  | {
    readonly kind: "reconnected";
    /** The broker had forgotten the session: what was published at QoS 1 is lost as well. */
    readonly isSessionLost: boolean;
  }
  | { readonly kind: "subscribed"; readonly group: SubscriptionGroup }
  | { readonly kind: "event"; readonly event: AgentEvent }
  /** A complete topology or tenant list with the same bytes as the one that is known. */
  | { readonly kind: "unchanged"; readonly what: "topology" | "tenants" }
  | {
    readonly kind: "extensionEnded";
    readonly event: string;
    /** Set for ArtifactUpdatedEvent. */
    readonly tenantId?: number;
    readonly outcome: ExtensionOutcome;
  }
  | { readonly kind: "portsOpen" }
  | {
    readonly kind: "checkedOut";
    readonly tenantId: number;
    readonly outcome: CheckoutOutcome;
  }
  | {
    readonly kind: "artifactsRemoved";
    readonly tenantId: number;
    readonly outcome: RemovalOutcome;
  }
  /** The update loop changed files of that tenant. */
  | { readonly kind: "artifactsChanged"; readonly tenantId: number }
  | { readonly kind: "readyAcknowledged" }
  /** The topology lane dropped extension runs. */
  | { readonly kind: "topologyLaneOverflowed" };
