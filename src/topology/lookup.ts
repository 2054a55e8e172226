import type { Cluster, Member, Service, Topology } from "../events/topology_document.ts";

/** Where a member stands; the platform's spellings. */
export type MemberStatus =
  | "Created"
  | "Initialized"
  | "Starting"
  | "Active"
  | "In_Maintenance"
  | "ReadyToShutDown"
  | "Suspended"
  | "Terminated";

/** The ids that lead to a member. */
export interface MemberPath {
  readonly serviceName: string;
  readonly clusterId: string;
  readonly memberId: string;
}

/** The service of that name. Ids come from the network: only own properties count. */
export function findService(topology: Topology, serviceName: string): Service | undefined {
  return ownValue(topology.serviceMap, serviceName);
}

/** The cluster of that service and id. */
export function findCluster(
  topology: Topology,
  serviceName: string,
  clusterId: string,
): Cluster | undefined {
  return ownValue(findService(topology, serviceName)?.clusterIdClusterMap, clusterId);
}

/** The cluster of that id, whatever its service is. */
export function findClusterById(topology: Topology, clusterId: string): Cluster | undefined {
  for (const service of Object.values(topology.serviceMap)) {
    const cluster = ownValue(service.clusterIdClusterMap, clusterId);
    if (cluster) return cluster;
  }
  return undefined;
}

/** The member at that path. */
export function findMember(topology: Topology, path: MemberPath): Member | undefined {
  const cluster = findCluster(topology, path.serviceName, path.clusterId);
  return ownValue(cluster?.memberMap, path.memberId);
}

/** The states that a member went through, oldest first; the last one is its status. */
export function statesOf(member: Member): readonly string[] {
  return member.memberStateManager?.stateStack ?? [];
}

/** A member's status, or undefined when the platform did not say one. */
export function statusOf(member: Member | undefined): string | undefined {
  return member && statesOf(member).at(-1);
}

function ownValue<T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return map && Object.hasOwn(map, key) ? map[key] : undefined;
}
