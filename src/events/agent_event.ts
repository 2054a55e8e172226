import type { Topology } from "./topology_document.ts";

/**
 * Everything the platform says that the agent acts on, as a closed union.
 *
 * Texts that the wire leaves out (Gson omits nulls) read as the empty string, which is nobody's id.
 */
export type AgentEvent =
  | { readonly kind: "completeTopology"; readonly topology: Topology }
  | MemberEvent
  | { readonly kind: "completeTenant"; readonly tenants: readonly Tenant[] }
  | ArtifactUpdated
  | { readonly kind: "instanceCleanupMember"; readonly memberId: string }
  | {
    readonly kind: "instanceCleanupCluster";
    readonly clusterId: string;
    readonly clusterInstanceId: string;
  };

/** What happened to a member of some cluster. */
export type MemberEventKind =
  | "memberCreated"
  | "memberInitialized"
  | "memberStarted"
  | "memberActivated"
  | "memberMaintenanceMode"
  | "memberReadyToShutdown"
  | "memberSuspended"
  | "memberTerminated";

/** A step in a member's life. */
export interface MemberEvent {
  readonly kind: MemberEventKind;
  readonly serviceName: string;
  readonly clusterId: string;
  /** Empty in MemberSuspended, which has none on the wire. */
  readonly clusterInstanceId: string;
  readonly memberId: string;
  readonly networkPartitionId: string;
  readonly partitionId: string;
  /** What the event says of the member beyond its ids, under the names of the topology document. */
  readonly details: MemberDetails;
}

/** Parts of a member that its events bring along. */
export interface MemberDetails {
  readonly instanceId?: string;
  readonly loadBalancingIPType?: string;
  readonly initTime?: number;
  readonly memberPublicIPs?: readonly string[];
  readonly defaultPublicIP?: string;
  readonly memberPrivateIPs?: readonly string[];
  readonly defaultPrivateIP?: string;
  readonly portMap?: Readonly<Record<string, unknown>>;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A tenant as the platform writes it. */
export interface Tenant {
  readonly tenantId: number;
  readonly tenantDomain?: string;
}

/** There are new artifacts for the members of a cluster. */
export interface ArtifactUpdated {
  readonly kind: "artifactUpdated";
  readonly clusterId: string;
  /** A string on the wire and possibly not a number: judged where it is used. Absent: TENANT_ID. */
  readonly tenantId?: string;
  readonly repoUrl: string;
  readonly repoUsername: string;
  /** Encrypted with the cartridge key. */
  readonly repoPassword: string;
  readonly status: string;
}

/** Member events that lead to an extension run, with the name they have for extensions. */
export const wireNames = {
  memberCreated: "MemberCreatedEvent",
  memberInitialized: "MemberInitializedEvent",
  memberStarted: "MemberStartedEvent",
  memberActivated: "MemberActivatedEvent",
  memberMaintenanceMode: "MemberMaintenanceModeEvent",
  memberReadyToShutdown: "MemberReadyToShutdownEvent",
  memberSuspended: "MemberSuspendedEvent",
  memberTerminated: "MemberTerminatedEvent",
} as const satisfies Record<MemberEventKind, string>;
