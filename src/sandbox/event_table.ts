import type { EventClass, EventField, FieldType, IdName, IdSource } from "./event_class.ts";
import { type MemberIdentity, type MemberState, sandboxMember } from "./member.ts";
import { MemberRegistry } from "./member_registry.ts";
import {
  completeTopology,
  memberEvent,
  type ServiceFacts,
  wholeCluster,
} from "./platform_events.ts";

const text: EventField = { type: "text" };
const object: EventField = { type: "object" };
const list: EventField = { type: "list" };

const idText = (name: IdName): EventField => ({ type: "text", value: (id) => id(name) });
const idNumber = (name: IdName): EventField => ({
  type: "number",
  value: (id) => Number(id(name)),
});
const holding = (type: FieldType, value: unknown): EventField => ({ type, value: () => value });

const facts: ServiceFacts = {
  multiTenant: false,
  portMappings: [{ protocol: "http", port: 8080, proxyPort: 80 }],
  serviceProperties: {},
  otherServices: {},
};
const portMap: EventField = {
  type: "object",
  value: () => memberEvent(memberIn("Active"), facts).payload["portMap"],
};

const clusterIds = { serviceName: idText("serviceName"), clusterId: idText("clusterId") };
const placeIds = {
  networkPartitionId: idText("networkPartitionId"),
  partitionId: idText("partitionId"),
};
const instanceId = { clusterInstanceId: idText("clusterInstanceId") };
const memberId = { memberId: idText("memberId") };
const publicAddresses = { memberPublicIPs: list, defaultPublicIP: text };
const privateAddresses = { memberPrivateIPs: list, defaultPrivateIP: text };

const topology = (fields: EventClass["fields"]): EventClass => ({ family: "topology", fields });
const tenant = (fields: EventClass["fields"]): EventClass => ({ family: "tenant", fields });
const notifier = (fields: EventClass["fields"]): EventClass => ({
  family: "instance/notifier",
  fields,
});
const signUp = (fields: EventClass["fields"]): EventClass => ({
  family: "application/signup",
  fields,
});
const mapping = (fields: EventClass["fields"]): EventClass => ({
  family: "domain/mapping",
  fields,
});

/** A change of a cluster's instance, which has its id under another name than members have. */
const clusterInstance = (more: EventClass["fields"] = {}): EventClass =>
  topology({
    ...clusterIds,
    appId: idText("applicationId"),
    instanceId: idText("clusterInstanceId"),
    ...more,
  });

/** A step in a member's life; what is not an id is as the platform would say it of a member of ours. */
const member = (state: MemberState, fields: EventClass["fields"]): EventClass =>
  topology(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]): [string, EventField] => {
        const told = () => memberEvent(memberIn(state), facts).payload[name];
        return [name, field.value ? field : { ...field, value: told }];
      }),
    ),
  );

/**
 * Every event of the platform that an agent may be sent, by class name.
 *
 * Fields that the platform fills only sometimes are left out unless they are asked for.
 */
export const eventTable: Readonly<Record<string, EventClass>> = {
  CompleteTopologyEvent: topology({
    topology: {
      type: "object",
      value: (id) => {
        const identity = identityFrom(id);
        const members = [memberIn("Initialized", identity)];
        return completeTopology(identity, facts, members).payload["topology"];
      },
    },
  }),
  ServiceCreatedEvent: topology({
    serviceName: idText("serviceName"),
    serviceType: holding("text", "SingleTenant"),
    portMap,
    properties: object,
  }),
  ServiceRemovedEvent: topology({ serviceName: idText("serviceName") }),
  ClusterCreatedEvent: topology({ cluster: { type: "object", value: emptyCluster } }),
  ClusterRemovedEvent: topology({
    ...clusterIds,
    deploymentPolicy: text,
    isLbCluster: holding("boolean", false),
  }),
  ApplicationClustersCreatedEvent: topology({
    clusterList: { type: "list", value: (id) => [emptyCluster(id)] },
    appId: idText("applicationId"),
  }),
  ApplicationClustersRemovedEvent: topology({
    clusterData: {
      type: "list",
      // The platform gives the service's name as its type.
      value: (id) => [{
        serviceType: id("serviceName"),
        clusterId: id("clusterId"),
        minInstances: 1,
        maxInstances: 1,
      }],
    },
    appId: idText("applicationId"),
  }),
  ClusterInstanceCreatedEvent: topology({
    ...clusterIds,
    partitionId: idText("partitionId"),
    networkPartitionId: text,
    clusterInstance: {
      type: "object",
      value: (id) => ({
        instanceId: id("clusterInstanceId"),
        instanceProperties: {},
        lifeCycleStateManager: {
          stateStack: ["Created"],
          identifier: `${id("clusterId")}_${id("clusterInstanceId")}`,
        },
        networkPartitionId: id("networkPartitionId"),
        partitionId: id("partitionId"),
      }),
    },
  }),
  ClusterInstanceActivatedEvent: clusterInstance({
    accessUrls: holding("list", []),
    loadBalancerIps: holding("list", []),
  }),
  ClusterInstanceInactivateEvent: clusterInstance(),
  ClusterInstanceTerminatingEvent: clusterInstance(),
  ClusterInstanceTerminatedEvent: clusterInstance(),
  ClusterResetEvent: clusterInstance(),
  MemberCreatedEvent: member("Created", {
    ...clusterIds,
    ...instanceId,
    ...placeIds,
    ...memberId,
    loadBalancingIPType: text,
    initTime: { type: "number" },
    properties: object,
  }),
  MemberInitializedEvent: member("Initialized", {
    ...clusterIds,
    ...instanceId,
    ...placeIds,
    ...memberId,
    instanceId: text,
    ...publicAddresses,
    ...privateAddresses,
    properties: object,
  }),
  MemberStartedEvent: member("Starting", {
    ...clusterIds,
    ...instanceId,
    ...placeIds,
    ...memberId,
    status: text,
    properties: object,
    groupId: text,
  }),
  MemberActivatedEvent: member("Active", {
    ...clusterIds,
    ...instanceId,
    ...memberId,
    ...placeIds,
    portMap,
    ...privateAddresses,
    groupId: text,
    applicationId: text,
    ...publicAddresses,
  }),
  MemberMaintenanceModeEvent: member("In_Maintenance", {
    ...clusterIds,
    ...instanceId,
    ...memberId,
    ...placeIds,
    status: text,
    properties: object,
    groupId: text,
  }),
  MemberReadyToShutdownEvent: member("ReadyToShutDown", {
    ...clusterIds,
    ...instanceId,
    ...memberId,
    ...placeIds,
    status: text,
    properties: object,
    groupId: text,
  }),
  MemberSuspendedEvent: member("Suspended", {
    ...clusterIds,
    ...placeIds,
    ...memberId,
    groupId: text,
  }),
  MemberTerminatedEvent: member("Terminated", {
    ...clusterIds,
    ...memberId,
    ...instanceId,
    ...placeIds,
    groupId: text,
    properties: object,
  }),
  CompleteTenantEvent: tenant({
    tenants: holding("list", [{ tenantId: -1234, tenantDomain: "carbon.super" }]),
  }),
  TenantCreatedEvent: tenant({
    tenant: { type: "object", value: (id) => ({ tenantId: Number(id("tenantId")) }) },
  }),
  TenantUpdatedEvent: tenant({ tenantId: idNumber("tenantId"), tenantDomain: text }),
  TenantRemovedEvent: tenant({ tenantId: idNumber("tenantId") }),
  // Platforms before 4.1.
  TenantSubscribedEvent: tenant({
    tenantId: idNumber("tenantId"),
    serviceName: idText("serviceName"),
    clusterIds: { type: "list", value: (id) => [id("clusterId")] },
  }),
  TenantUnSubscribedEvent: tenant({
    tenantId: idNumber("tenantId"),
    serviceName: idText("serviceName"),
    clusterIds: { type: "list", value: (id) => [id("clusterId")] },
  }),
  ArtifactUpdatedEvent: notifier({
    clusterId: idText("clusterId"),
    status: text,
    repoUserName: text,
    repoPassword: text,
    repoURL: text,
    tenantId: idText("tenantId"),
    commitEnabled: holding("boolean", false),
  }),
  InstanceCleanupMemberEvent: notifier(memberId),
  InstanceCleanupClusterEvent: notifier({ clusterId: idText("clusterId"), ...instanceId }),
  ApplicationSignUpAddedEvent: signUp({
    applicationId: idText("applicationId"),
    tenantId: idNumber("tenantId"),
    clusterIds: { type: "list", value: (id) => [id("clusterId")] },
  }),
  ApplicationSignUpRemovedEvent: signUp({
    applicationId: idText("applicationId"),
    tenantId: idNumber("tenantId"),
  }),
  CompleteApplicationSignUpsEvent: signUp({ applicationSignUps: holding("list", []) }),
  DomainMappingAddedEvent: mapping({
    applicationId: idText("applicationId"),
    tenantId: idNumber("tenantId"),
    ...clusterIds,
    domainName: holding("text", "www.example.com"),
    contextPath: text,
  }),
  DomainMappingRemovedEvent: mapping({
    applicationId: idText("applicationId"),
    tenantId: idNumber("tenantId"),
    ...clusterIds,
    domainName: holding("text", "www.example.com"),
  }),
};

function emptyCluster(id: IdSource): Readonly<Record<string, unknown>> {
  const [serviceName, clusterId] = [id("serviceName"), id("clusterId")];
  const identity = { ...sandboxMember, serviceName, clusterId, applicationId: id("applicationId") };
  return wholeCluster(identity, facts, []);
}

function identityFrom(id: IdSource): MemberIdentity {
  const names = Object.keys(sandboxMember) as (keyof MemberIdentity)[];
  return Object.fromEntries(names.map((name) => [name, id(name)])) as unknown as MemberIdentity;
}

function memberIn(state: MemberState, identity: MemberIdentity = sandboxMember) {
  const registry = new MemberRegistry();
  // The time is nobody's business here: a fixed one keeps the table free of the clock.
  return registry.add({ identity, state }, 1_438_263_230_000);
}
