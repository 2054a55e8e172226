import type { ClusterPath } from "../events/agent_event.ts";
import type { Cluster, Service, Topology } from "../events/topology_document.ts";

/** The topology with another service of that name. */
export function withService(topology: Topology, name: string, service: Service): Topology {
  return { ...topology, serviceMap: { ...topology.serviceMap, [name]: service } };
}

/** The topology with another cluster of that path; its service must be known. */
export function withCluster(
  topology: Topology,
  { serviceName, clusterId }: ClusterPath,
  cluster: Cluster,
): Topology {
  const service = topology.serviceMap[serviceName]!;
  const clusterIdClusterMap = { ...service.clusterIdClusterMap, [clusterId]: cluster };
  return withService(topology, serviceName, { ...service, clusterIdClusterMap });
}

/** The map without one entry. */
export function without<T>(
  map: Readonly<Record<string, T>> | undefined,
  key: string,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => name !== key));
}
