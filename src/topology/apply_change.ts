import type { ClusterInstanceEvent, ClusterPath, TopologyChange } from "../events/agent_event.ts";
import type { Cluster, ClusterInstance, Topology } from "../events/topology_document.ts";
import { applyMemberEvents } from "./apply_member_event.ts";
import { findCluster, findService } from "./lookup.ts";
import { withCluster, without, withService } from "./with_part.ts";

/**
 * The topology after a change that the platform told of between two complete ones; by the same rules
 * as the platform's own, so that both agree.
 *
 * @returns A new topology that shares what did not change, or the same one when nothing it knows of
 *   changed.
 */
export function applyChange(topology: Topology, change: TopologyChange): Topology {
  switch (change.kind) {
    case "serviceCreated":
      if (change.serviceName === "" || findService(topology, change.serviceName)) return topology;
      return withService(topology, change.serviceName, change.service);
    case "serviceRemoved":
      return findService(topology, change.serviceName)
        ? { ...topology, serviceMap: without(topology.serviceMap, change.serviceName) }
        : topology;
    case "clustersCreated":
      return change.clusters.reduce(addCluster, topology);
    case "clustersRemoved":
      return change.clusters.reduce(removeCluster, topology);
    case "clusterInstanceChanged":
      return applyClusterInstance(topology, change);
    default:
      return applyMemberEvents(topology, [change]);
  }
}

function addCluster(topology: Topology, cluster: Cluster): Topology {
  const { serviceName = "", clusterId = "" } = cluster;
  const isNew = clusterId !== "" && findService(topology, serviceName) &&
    !findCluster(topology, serviceName, clusterId);
  return isNew ? withCluster(topology, { serviceName, clusterId }, cluster) : topology;
}

function removeCluster(topology: Topology, { serviceName, clusterId }: ClusterPath): Topology {
  const service = findService(topology, serviceName);
  if (!service || !findCluster(topology, serviceName, clusterId)) return topology;
  const clusterIdClusterMap = without(service.clusterIdClusterMap, clusterId);
  return withService(topology, serviceName, { ...service, clusterIdClusterMap });
}

function applyClusterInstance(topology: Topology, change: ClusterInstanceEvent): Topology {
  const { serviceName, clusterId, instanceId } = change;
  const cluster = findCluster(topology, serviceName, clusterId);
  if (!cluster || instanceId === "") return topology;
  const instances = cluster.instanceIdToInstanceContextMap ?? {};
  const known = Object.hasOwn(instances, instanceId) ? instances[instanceId] : undefined;
  if (change.instance) {
    if (known) return topology;
    return withInstances(topology, change, cluster, {
      ...instances,
      [instanceId]: change.instance,
    });
  }
  if (!known) return topology;
  if (change.status === "Terminated") {
    return withInstances(topology, change, cluster, without(instances, instanceId));
  }
  const changed = {
    ...cluster,
    ...(change.accessUrls
      ? { accessUrls: { ...cluster.accessUrls, [instanceId]: change.accessUrls } }
      : {}),
    ...(change.loadBalancerIps ? { loadBalancerIps: change.loadBalancerIps } : {}),
  };
  const instance = inState(known, change.status);
  return withInstances(topology, change, changed, { ...instances, [instanceId]: instance });
}

function withInstances(
  topology: Topology,
  path: ClusterPath,
  cluster: Cluster,
  instanceIdToInstanceContextMap: Readonly<Record<string, ClusterInstance>>,
): Topology {
  return withCluster(topology, path, { ...cluster, instanceIdToInstanceContextMap });
}

function inState(instance: ClusterInstance, status: string): ClusterInstance {
  const states = instance.lifeCycleStateManager?.stateStack ?? [];
  if (states.at(-1) === status) return instance;
  const stateStack = [...states, status];
  return {
    ...instance,
    lifeCycleStateManager: { ...instance.lifeCycleStateManager, stateStack },
  };
}
