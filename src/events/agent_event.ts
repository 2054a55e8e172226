import type { Cluster, ClusterInstance, Service, Topology } from "./topology_document.ts";

/**
 * Everything the platform says, as a closed union.
 *
 * Texts that the wire leaves out (Gson omits nulls) read as the empty string, which is nobody's id.
 */
export type AgentEvent = TopologyEvent | TenantEvent | InstanceEvent | SignUpEvent | DomainMapping;

/** What the cloud controller says about services, clusters and members. */
export type TopologyEvent =
  | { readonly kind: "completeTopology"; readonly topology: Topology }
  | TopologyChange;

/** A change of the topology between two complete ones. */
export type TopologyChange =
  | MemberEvent
  | { readonly kind: "serviceCreated"; readonly serviceName: string; readonly service: Service }
  | { readonly kind: "serviceRemoved"; readonly serviceName: string }
  /** One cluster, or all of an application. */
  | { readonly kind: "clustersCreated"; readonly clusters: readonly Cluster[] }
  | { readonly kind: "clustersRemoved"; readonly clusters: readonly ClusterPath[] }
  | ClusterInstanceEvent;

/** The ids that lead to a cluster. */
export interface ClusterPath {
  readonly serviceName: string;
  readonly clusterId: string;
}

/** Where an instance of a cluster stands; the platform's spellings. */
export type ClusterInstanceStatus =
  | "Created"
  | "Active"
  | "Inactive"
  | "Terminating"
  | "Terminated";

/** A step in the life of a cluster's instance. */
export interface ClusterInstanceEvent extends ClusterPath {
  readonly kind: "clusterInstanceChanged";
  readonly instanceId: string;
  readonly status: ClusterInstanceStatus;
  /** The instance as the platform writes it; when it is created. */
  readonly instance?: ClusterInstance;
  /** When it is activated. */
  readonly accessUrls?: readonly string[];
  readonly loadBalancerIps?: readonly string[];
}

/** What the stratos manager says about tenants. */
export type TenantEvent =
  | { readonly kind: "completeTenant"; readonly tenants: readonly Tenant[] }
  /** Created or renamed. */
  | { readonly kind: "tenantChanged"; readonly tenant: Tenant }
  | { readonly kind: "tenantRemoved"; readonly tenantId: number }
  /** Platforms before 4.1. */
  | { readonly kind: "tenantSubscribed"; readonly tenantId: number; readonly serviceName: string }
  | { readonly kind: "tenantUnsubscribed"; readonly tenantId: number };

/** What is said to the instances of a cluster. */
export type InstanceEvent =
  | ArtifactUpdated
  | { readonly kind: "instanceCleanupMember"; readonly memberId: string }
  | {
    readonly kind: "instanceCleanupCluster";
    readonly clusterId: string;
    readonly clusterInstanceId: string;
  };

/** Sign-ups of tenants to an application. */
export type SignUpEvent =
  /** One added, or all of them: artifacts come with an event of their own. */
  | { readonly kind: "signUpsKnown" }
  | {
    readonly kind: "signUpRemoved";
    readonly applicationId: string;
    readonly tenantId: number;
  };

/** A domain leads to a cluster from now on, or no longer. */
export interface DomainMapping {
  readonly kind: "domainMappingAdded" | "domainMappingRemoved";
  readonly applicationId: string;
  readonly tenantId: number;
  readonly serviceName: string;
  readonly clusterId: string;
  readonly domainName: string;
  /** Empty when there is none, and always when it is removed. */
  readonly contextPath: string;
}

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
