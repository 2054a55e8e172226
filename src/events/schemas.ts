import type {
  AgentEvent,
  ClusterInstanceStatus,
  ClusterPath,
  DomainMapping,
  MemberDetails,
  MemberEventKind,
  Tenant,
} from "./agent_event.ts";
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
import {
  checkCluster,
  checkClusterInstance,
  checkService,
  checkTopology,
} from "./topology_document.ts";

/**
 * Makes an event of a parsed payload, or `undefined` when the payload says nothing (a null content).
 * Throws {@link Malformed} on wrong types.
 */
type Schema = (fields: Fields) => AgentEvent | undefined;

/** Every topic of the platform that an agent can receive, with its schema. */
export const schemas: Readonly<Record<string, Schema>> = {
  "topology/CompleteTopologyEvent": (fields) => {
    const topology = present(fields, "topology");
    if (topology === undefined) return undefined;
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
  "topology/ServiceCreatedEvent": (fields) => ({
    kind: "serviceCreated",
    serviceName: text(fields, "serviceName"),
    service: checkService({ ...fields, clusterIdClusterMap: {} }, text(fields, "serviceName")),
  }),
  "topology/ServiceRemovedEvent": (fields) => ({
    kind: "serviceRemoved",
    serviceName: text(fields, "serviceName"),
  }),
  "topology/ClusterCreatedEvent": (fields) => {
    const cluster = present(fields, "cluster");
    if (cluster === undefined) return undefined;
    return { kind: "clustersCreated", clusters: [checkCluster(cluster, "created")] };
  },
  "topology/ClusterRemovedEvent": (fields) => ({
    kind: "clustersRemoved",
    clusters: [clusterPath(fields)],
  }),
  "topology/ApplicationClustersCreatedEvent": (fields) => ({
    kind: "clustersCreated",
    clusters: elements(fields, "clusterList").map((cluster) => checkCluster(cluster, "created")),
  }),
  "topology/ApplicationClustersRemovedEvent": (fields) => ({
    kind: "clustersRemoved",
    clusters: elements(fields, "clusterData").map((value) => {
      const cluster = asFields(value, "clusterData");
      return { serviceName: text(cluster, "serviceType"), clusterId: text(cluster, "clusterId") };
    }),
  }),
  "topology/ClusterInstanceCreatedEvent": (fields) => {
    const value = present(fields, "clusterInstance");
    if (value === undefined) return undefined;
    const instance = checkClusterInstance(value, "created");
    return {
      kind: "clusterInstanceChanged",
      ...clusterPath(fields),
      instanceId: instance.instanceId ?? "",
      status: "Created",
      instance,
    };
  },
  "topology/ClusterInstanceActivatedEvent": clusterInstanceSchema("Active"),
  "topology/ClusterInstanceInactivateEvent": clusterInstanceSchema("Inactive"),
  "topology/ClusterInstanceTerminatingEvent": clusterInstanceSchema("Terminating"),
  "topology/ClusterInstanceTerminatedEvent": clusterInstanceSchema("Terminated"),
  "topology/ClusterResetEvent": clusterInstanceSchema("Created"),
  "tenant/CompleteTenantEvent": (fields) =>
    own(fields, "tenants") === undefined
      ? undefined
      : { kind: "completeTenant", tenants: elements(fields, "tenants").map(tenantOf) },
  "tenant/TenantCreatedEvent": (fields) => {
    const tenant = present(fields, "tenant");
    return tenant === undefined ? undefined : { kind: "tenantChanged", tenant: tenantOf(tenant) };
  },
  "tenant/TenantUpdatedEvent": (fields) => ({ kind: "tenantChanged", tenant: tenantOf(fields) }),
  "tenant/TenantRemovedEvent": (fields) => ({
    kind: "tenantRemoved",
    tenantId: requiredNumber(fields, "tenantId"),
  }),
  "tenant/TenantSubscribedEvent": (fields) => ({
    kind: "tenantSubscribed",
    tenantId: requiredNumber(fields, "tenantId"),
    serviceName: text(fields, "serviceName"),
  }),
  "tenant/TenantUnSubscribedEvent": (fields) => ({
    kind: "tenantUnsubscribed",
    tenantId: requiredNumber(fields, "tenantId"),
  }),
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
  "application/signup/ApplicationSignUpAddedEvent": () => ({ kind: "signUpsKnown" }),
  "application/signup/CompleteApplicationSignUpsEvent": () => ({ kind: "signUpsKnown" }),
  "application/signup/ApplicationSignUpRemovedEvent": (fields) => ({
    kind: "signUpRemoved",
    applicationId: text(fields, "applicationId"),
    tenantId: requiredNumber(fields, "tenantId"),
  }),
  "domain/mapping/DomainMappingAddedEvent": domainMappingSchema("domainMappingAdded"),
  "domain/mapping/DomainMappingRemovedEvent": domainMappingSchema("domainMappingRemoved"),
};

function clusterInstanceSchema(status: ClusterInstanceStatus): Schema {
  return (fields) => {
    const accessUrls = optionalTexts(fields, "accessUrls");
    const loadBalancerIps = optionalTexts(fields, "loadBalancerIps");
    return {
      kind: "clusterInstanceChanged",
      ...clusterPath(fields),
      instanceId: text(fields, "instanceId"),
      status,
      ...(accessUrls ? { accessUrls } : {}),
      ...(loadBalancerIps ? { loadBalancerIps } : {}),
    };
  };
}

function domainMappingSchema(kind: DomainMapping["kind"]): Schema {
  return (fields) => ({
    kind,
    applicationId: text(fields, "applicationId"),
    tenantId: requiredNumber(fields, "tenantId"),
    ...clusterPath(fields),
    domainName: text(fields, "domainName"),
    contextPath: text(fields, "contextPath"),
  });
}

function clusterPath(fields: Fields): ClusterPath {
  return { serviceName: text(fields, "serviceName"), clusterId: text(fields, "clusterId") };
}

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
  const tenantDomain = optionalText(fields, "tenantDomain");
  return {
    tenantId: requiredNumber(fields, "tenantId"),
    ...(tenantDomain === undefined ? {} : { tenantDomain }),
  };
}

/** A field that is there and not null. */
function present(fields: Fields, name: string): unknown {
  return own(fields, name) ?? undefined;
}

/** The elements of a list that are not null; none when the list is absent. */
function elements(fields: Fields, name: string): readonly unknown[] {
  return asList(own(fields, name) ?? [], name).filter((element) => element !== null);
}

function requiredNumber(fields: Fields, name: string): number {
  const value = optionalNumber(fields, name);
  if (value === undefined) throw new Malformed(`${name} is missing`);
  return value;
}
