import type { Tenant } from "../events/agent_event.ts";
import type { Topology } from "../events/topology_document.ts";
import {
  findCluster,
  findClusterById,
  findMember,
  findService,
  type MemberPath,
} from "./lookup.ts";

/** What extensions are told of the platform; the shape that the lifecycle's port asks for. */
export interface PlatformFacts {
  readonly topology?: unknown;
  readonly members?: unknown;
  readonly tenants?: unknown;
  readonly lbPrivateIp?: string;
  readonly lbPublicIp?: string;
  readonly serviceProperties: Readonly<Record<string, string>>;
  readonly clusterProperties: Readonly<Record<string, string>>;
  readonly memberProperties: Readonly<Record<string, string>>;
}

/**
 * Gathers the facts for one extension run.
 *
 * @param own Ids of the own member.
 * @param lbClusterId Cluster of the load balancer, if there is one.
 */
export function platformFacts(
  topology: Topology | undefined,
  tenants: readonly Tenant[] | undefined,
  own: MemberPath,
  lbClusterId: string | undefined,
): PlatformFacts {
  const known = tenants === undefined ? {} : { tenants };
  if (!topology) {
    return { ...known, serviceProperties: {}, clusterProperties: {}, memberProperties: {} };
  }
  const cluster = findCluster(topology, own.serviceName, own.clusterId);
  const lbCluster = lbClusterId === undefined ? undefined : findClusterById(topology, lbClusterId);
  const lbMember = Object.values(lbCluster?.memberMap ?? {})[0];
  return {
    ...known,
    topology,
    ...(cluster?.memberMap ? { members: cluster.memberMap } : {}),
    ...(lbMember?.defaultPrivateIP ? { lbPrivateIp: lbMember.defaultPrivateIP } : {}),
    ...(lbMember?.defaultPublicIP ? { lbPublicIp: lbMember.defaultPublicIP } : {}),
    serviceProperties: texts(findService(topology, own.serviceName)?.properties),
    clusterProperties: texts(cluster?.properties),
    memberProperties: texts(findMember(topology, own)?.properties),
  };
}

/** The platform writes `null` for what is not there. */
function texts(properties: Readonly<Record<string, unknown>> | null | undefined) {
  return Object.fromEntries(
    Object.entries(properties ?? {}).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}
