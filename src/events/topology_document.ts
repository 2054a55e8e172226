import {
  asFields,
  asList,
  type Fields,
  Malformed,
  optionalFields,
  optionalText,
  optionalTextMap,
  optionalTexts,
  own,
} from "./fields.ts";

/**
 * The topology as the platform writes it, checked in place.
 *
 * The document is the model: extensions are handed it as JSON, so nothing may be lost from it, and at
 * 20,000 members a second copy in another shape would cost as much memory again. Only what the agent
 * reads is typed; everything else stays as it came.
 */
export interface Topology {
  readonly serviceMap: Readonly<Record<string, Service>>;
}

/** A service (cartridge) and its clusters. */
export interface Service {
  readonly serviceName?: string;
  readonly clusterIdClusterMap?: Readonly<Record<string, Cluster>>;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A cluster and its members. */
export interface Cluster {
  readonly clusterId?: string;
  readonly serviceName?: string;
  readonly appId?: string;
  readonly instanceIdToInstanceContextMap?: Readonly<Record<string, ClusterInstance>>;
  readonly accessUrls?: Readonly<Record<string, readonly string[]>>;
  readonly loadBalancerIps?: readonly string[];
  readonly memberMap?: Readonly<Record<string, Member>>;
  readonly properties?: Readonly<Record<string, string>>;
}

/** What a cluster is in one instance of its application. */
export interface ClusterInstance {
  readonly instanceId?: string;
  /** The last element of the stack is the instance's status. */
  readonly lifeCycleStateManager?: { readonly stateStack?: readonly string[] };
}

/** One machine of a cluster. */
export interface Member {
  readonly memberId?: string;
  readonly serviceName?: string;
  readonly clusterId?: string;
  readonly clusterInstanceId?: string;
  readonly networkPartitionId?: string;
  readonly partitionId?: string;
  readonly defaultPrivateIP?: string;
  readonly defaultPublicIP?: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** The last element of the stack is the member's status. */
  readonly memberStateManager?: { readonly stateStack?: readonly string[] };
}

/**
 * Checks a parsed `topology` object in place.
 *
 * @returns The same object, typed.
 * @throws Malformed when something that the agent reads has the wrong type.
 */
export function checkTopology(value: unknown): Topology {
  const topology = asFields(value, "topology");
  const services = asFields(own(topology, "serviceMap"), "topology.serviceMap");
  for (const [name, service] of Object.entries(services)) checkService(service, name);
  return topology as unknown as Topology;
}

/** Checks a service of a topology in place. Throws as {@link checkTopology} does. */
export function checkService(value: unknown, name: string): Service {
  const service = asFields(value, `service ${name}`);
  checkTexts(service, ["serviceName"]);
  optionalTextMap(service, "properties");
  for (const [id, cluster] of entriesOf(service, "clusterIdClusterMap")) checkCluster(cluster, id);
  return service as Service;
}

/** Checks a cluster of a topology in place. Throws as {@link checkTopology} does. */
export function checkCluster(value: unknown, id: string): Cluster {
  const cluster = asFields(value, `cluster ${id}`);
  checkTexts(cluster, ["clusterId", "serviceName", "appId"]);
  optionalTextMap(cluster, "properties");
  for (const [memberId, member] of entriesOf(cluster, "memberMap")) checkMember(member, memberId);
  for (const [instanceId, instance] of entriesOf(cluster, "instanceIdToInstanceContextMap")) {
    checkClusterInstance(instance, instanceId);
  }
  optionalFields(cluster, "accessUrls");
  optionalTexts(cluster, "loadBalancerIps");
  return cluster as Cluster;
}

/** Checks an instance of a cluster in place. Throws as {@link checkTopology} does. */
export function checkClusterInstance(value: unknown, id: string): ClusterInstance {
  const instance = asFields(value, `cluster instance ${id}`);
  checkTexts(instance, ["instanceId"]);
  checkStates(instance, "lifeCycleStateManager", `cluster instance ${id}`);
  return instance as ClusterInstance;
}

const memberTexts = [
  "memberId",
  "serviceName",
  "clusterId",
  "clusterInstanceId",
  "networkPartitionId",
  "partitionId",
  "defaultPrivateIP",
  "defaultPublicIP",
] as const;

function checkMember(value: unknown, id: string): void {
  const member = asFields(value, `member ${id}`);
  checkTexts(member, memberTexts);
  optionalTextMap(member, "properties");
  checkStates(member, "memberStateManager", `member ${id}`);
}

function checkStates(fields: Fields, managerName: string, of: string): void {
  const manager = optionalFields(fields, managerName);
  const stack = manager && own(manager, "stateStack");
  if (stack === undefined || stack === null) return;
  if (asList(stack, `stateStack of ${of}`).some((state) => typeof state !== "string")) {
    throw new Malformed(`stateStack of ${of} must hold strings`);
  }
}

function checkTexts(fields: Fields, names: readonly string[]): void {
  for (const name of names) optionalText(fields, name);
}

function entriesOf(fields: Fields, name: string): [string, unknown][] {
  const map = optionalFields(fields, name);
  return map ? Object.entries(map) : [];
}
