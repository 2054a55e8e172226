import {
  currentState,
  type Member,
  type MemberIdentity,
  type MemberState,
  type PortMapping,
} from "./member.ts";

/** An event on its way to the broker. */
export interface PlatformEvent {
  readonly topic: string;
  /** Written by {@link gsonText}: `null` and absent are the same. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The service and cluster that all members of the platform belong to. */
export interface ServiceFacts {
  readonly multiTenant: boolean;
  readonly portMappings: readonly PortMapping[];
  readonly serviceProperties: Readonly<Record<string, string>>;
  /** Absent from the wire when absent here. */
  readonly clusterProperties?: Readonly<Record<string, string>>;
  /** Whole services as the platform writes them, beside the own one, by name. */
  readonly otherServices: Readonly<Record<string, unknown>>;
}

/** A tenant of the platform. */
export interface PlatformTenant {
  readonly tenantId: number;
  readonly tenantDomain?: string;
}

/** CompleteTopologyEvent: everything there is, as it is now. */
export function completeTopology(
  cluster: MemberIdentity,
  facts: ServiceFacts,
  members: Iterable<Member>,
): PlatformEvent {
  const { serviceName, clusterId } = cluster;
  const clusterObject = wholeCluster(cluster, facts, members);
  const serviceMap = {
    [serviceName]: {
      serviceName,
      serviceType: facts.multiTenant ? "MultiTenant" : "SingleTenant",
      clusterIdClusterMap: { [clusterId]: clusterObject },
      portMap: portMap(facts),
      properties: facts.serviceProperties,
    },
    ...facts.otherServices,
  };
  return {
    topic: "topology/CompleteTopologyEvent",
    payload: { topology: { clusterMap: {}, serviceMap } },
  };
}

/** A cluster as it stands in the topology and in events that create it. */
export function wholeCluster(
  { serviceName, clusterId, applicationId }: MemberIdentity,
  facts: ServiceFacts,
  members: Iterable<Member>,
): Readonly<Record<string, unknown>> {
  const memberMap = Object.fromEntries(
    [...members].map((member) => [member.identity.memberId, memberObject(member, facts)]),
  );
  return {
    serviceName,
    clusterId,
    autoscalePolicyName: "autoscaling-policy-1",
    deploymentPolicyName: "deployment-policy-1",
    hostNames: [`${clusterId.replaceAll(".", "-")}.stratos.org`],
    tenantRange: "*",
    isLbCluster: false,
    isKubernetesCluster: false,
    memberMap,
    appId: applicationId,
    instanceIdToInstanceContextMap: {},
    accessUrls: {},
    kubernetesServices: [],
    loadBalancerIps: [],
    properties: facts.clusterProperties,
  };
}

/** CompleteTenantEvent. */
export function completeTenants(tenants: readonly PlatformTenant[]): PlatformEvent {
  return { topic: "tenant/CompleteTenantEvent", payload: { tenants } };
}

const memberEvents: Readonly<Record<MemberState, string>> = {
  Created: "MemberCreatedEvent",
  Initialized: "MemberInitializedEvent",
  Starting: "MemberStartedEvent",
  Active: "MemberActivatedEvent",
  In_Maintenance: "MemberMaintenanceModeEvent",
  ReadyToShutDown: "MemberReadyToShutdownEvent",
  Suspended: "MemberSuspendedEvent",
  Terminated: "MemberTerminatedEvent",
};

/** The event by which the cloud controller says that a member has entered its current state. */
export function memberEvent(member: Member, facts: ServiceFacts): PlatformEvent {
  const state = currentState(member);
  const { applicationId: _, ...ids } = member.identity;
  const { clusterInstanceId: __, ...idsWithoutInstance } = ids;
  const { properties, instanceId } = member;
  const payload = (): Record<string, unknown> => {
    switch (state) {
      case "Created":
        return {
          ...ids,
          loadBalancingIPType: "Private",
          initTime: member.initTimeMs,
          properties,
        };
      case "Initialized":
        return { ...ids, instanceId, ...addressFields(member), properties };
      case "Active":
        return { ...ids, portMap: portMap(facts), ...addressFields(member) };
      case "Suspended":
        return idsWithoutInstance; // the platform's class has no clusterInstanceId
      case "Terminated":
        return { ...ids, properties };
      case "Starting":
      case "In_Maintenance":
      case "ReadyToShutDown":
        return ids;
    }
  };
  return { topic: `topology/${memberEvents[state]}`, payload: payload() };
}

function memberObject(member: Member, facts: ServiceFacts): Record<string, unknown> {
  const { applicationId: _, ...ids } = member.identity;
  const known = member.states.includes("Initialized");
  return {
    ...ids,
    ...(known ? { instanceId: member.instanceId } : {}),
    initTime: member.initTimeMs,
    // The cloud controller fills it when the member is activated.
    portMap: member.states.includes("Active") ? portMap(facts) : {},
    ...(known ? addressFields(member) : {}),
    properties: member.properties,
    memberStateManager: { stateStack: member.states, identifier: ids.memberId },
    loadBalancingIPType: "Private",
  };
}

function addressFields({ addresses }: Member): Record<string, unknown> {
  return {
    memberPublicIPs: addresses.publicIps,
    defaultPublicIP: addresses.publicIps[0],
    memberPrivateIPs: addresses.privateIps,
    defaultPrivateIP: addresses.privateIps[0],
  };
}

/** Keyed by the proxy port. */
function portMap({ portMappings }: ServiceFacts): Record<string, unknown> {
  return Object.fromEntries(
    portMappings.map(({ protocol, port, proxyPort }) => [
      String(proxyPort),
      { protocol, value: port, proxy: proxyPort },
    ]),
  );
}
