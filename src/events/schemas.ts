import type { AgentEvent, MemberDetails, MemberEventKind, Tenant } from "./agent_event.ts";
import {
  asFields,
  asList,
  type Fields,
  Malformed,
  optionalFields,
  optionalNumber,
  optionalText,
  optionalTextMap,
  optionalTexts,
  own,
  text,
} from "./fields.ts";
import { checkTopology } from "./topology_document.ts";

/**
 * Makes an event of a parsed payload, or `undefined` when the payload says nothing (a null content).
 * Throws {@link Malformed} on wrong types.
 */
type Schema = (fields: Fields) => AgentEvent | undefined;

/** Known to the protocol, and this agent does nothing on it. */
export const notHandled = "not handled";

/** Every topic of the platform that an agent can receive: its schema, or that it is not handled. */
export const schemas: Readonly<Record<string, Schema | typeof notHandled>> = {
  "topology/CompleteTopologyEvent": (fields) => {
    const topology = own(fields, "topology");
    if (topology === undefined || topology === null) return undefined;
    return { kind: "completeTopology", topology: checkTopology(topology) };
  },
  "topology/MemberCreatedEvent": memberSchema("memberCreated"),
  "topology/MemberInitializedEvent": memberSchema("memberInitialized"),
  "topology/MemberStartedEvent": memberSchema("memberStarted"),
  "topology/MemberActivatedEvent": memberSchema("memberActivated"),
  "topology/MemberMaintenanceModeEvent": memberSchema("memberMaintenanceMode"),
  "topology/MemberReadyToShutdownEvent": memberSchema("memberReadyToShutdown"),
  "topology/MemberSuspendedEvent": memberSchema("memberSuspended"),
  "topology/MemberTerminatedEvent": memberSchema("memberTerminated"),
  "topology/ServiceCreatedEvent": notHandled,
  "topology/ServiceRemovedEvent": notHandled,
  "topology/ClusterCreatedEvent": notHandled,
  "topology/ClusterRemovedEvent": notHandled,
  "topology/ApplicationClustersCreatedEvent": notHandled,
  "topology/ApplicationClustersRemovedEvent": notHandled,
  "topology/ClusterInstanceCreatedEvent": notHandled,
  "topology/ClusterInstanceActivatedEvent": notHandled,
  "topology/ClusterInstanceInactivateEvent": notHandled,
  "topology/ClusterInstanceTerminatingEvent": notHandled,
  "topology/ClusterInstanceTerminatedEvent": notHandled,
  "topology/ClusterResetEvent": notHandled,
  "tenant/CompleteTenantEvent": (fields) => {
    const tenants = own(fields, "tenants");
    if (tenants === undefined || tenants === null) return undefined;
    return {
      kind: "completeTenant",
      tenants: asList(tenants, "tenants").filter((tenant) => tenant !== null).map(tenantOf),
    };
  },
  "tenant/TenantCreatedEvent": notHandled,
  "tenant/TenantUpdatedEvent": notHandled,
  "tenant/TenantRemovedEvent": notHandled,
  "tenant/TenantSubscribedEvent": notHandled,
  "tenant/TenantUnSubscribedEvent": notHandled,
  "instance/notifier/ArtifactUpdatedEvent": (fields) => {
    const tenantId = optionalText(fields, "tenantId");
    return {
      kind: "artifactUpdated",
      clusterId: text(fields, "clusterId"),
      ...(tenantId === undefined ? {} : { tenantId }),
      repoUrl: text(fields, "repoURL"),
      repoUsername: text(fields, "repoUserName"),
      repoPassword: text(fields, "repoPassword"),
      status: text(fields, "status"),
    };
  },
  "instance/notifier/InstanceCleanupMemberEvent": (fields) => ({
    kind: "instanceCleanupMember",
    memberId: text(fields, "memberId"),
  }),
  "instance/notifier/InstanceCleanupClusterEvent": (fields) => ({
    kind: "instanceCleanupCluster",
    clusterId: text(fields, "clusterId"),
    clusterInstanceId: text(fields, "clusterInstanceId"),
  }),
  "application/signup/ApplicationSignUpAddedEvent": notHandled,
  "application/signup/ApplicationSignUpRemovedEvent": notHandled,
  "application/signup/CompleteApplicationSignUpsEvent": notHandled,
  "domain/mapping/DomainMappingAddedEvent": notHandled,
  "domain/mapping/DomainMappingRemovedEvent": notHandled,
};

function memberSchema(kind: MemberEventKind): Schema {
  return (fields) => ({
    kind,
    serviceName: text(fields, "serviceName"),
    clusterId: text(fields, "clusterId"),
    clusterInstanceId: text(fields, "clusterInstanceId"),
    memberId: text(fields, "memberId"),
    networkPartitionId: text(fields, "networkPartitionId"),
    partitionId: text(fields, "partitionId"),
    details: detailsOf(fields),
  });
}

function detailsOf(fields: Fields): MemberDetails {
  const details = {
    instanceId: optionalText(fields, "instanceId"),
    loadBalancingIPType: optionalText(fields, "loadBalancingIPType"),
    initTime: optionalNumber(fields, "initTime"),
    memberPublicIPs: optionalTexts(fields, "memberPublicIPs"),
    defaultPublicIP: optionalText(fields, "defaultPublicIP"),
    memberPrivateIPs: optionalTexts(fields, "memberPrivateIPs"),
    defaultPrivateIP: optionalText(fields, "defaultPrivateIP"),
    portMap: optionalFields(fields, "portMap"),
    properties: optionalTextMap(fields, "properties"),
  };
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => value !== undefined),
  ) as MemberDetails;
}

function tenantOf(value: unknown): Tenant {
  const fields = asFields(value, "tenant");
  const tenantId = optionalNumber(fields, "tenantId");
  if (tenantId === undefined) throw new Malformed("tenantId of a tenant is missing");
  const tenantDomain = optionalText(fields, "tenantDomain");
  return { tenantId, ...(tenantDomain === undefined ? {} : { tenantDomain }) };
}
