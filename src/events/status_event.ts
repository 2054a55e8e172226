import { asciiJson } from "../base/ascii_json.ts";

/** The ids that a status event carries; all are required by the platform. */
export interface StatusIdentity {
  readonly applicationId: string;
  readonly serviceName: string;
  readonly clusterId: string;
  readonly clusterInstanceId: string;
  readonly memberId: string;
  readonly networkPartitionId: string;
  readonly partitionId: string;
  readonly instanceId?: string;
}

/** What the agent tells the platform about its member. */
export type StatusName = "started" | "activated" | "maintenance" | "readyToShutdown";

/** A message for the broker. */
export interface StatusMessage {
  readonly topic: string;
  /** ASCII JSON. */
  readonly payload: string;
}

const topics = {
  started: "instance/status/InstanceStartedEvent",
  activated: "instance/status/InstanceActivatedEvent",
  maintenance: "instance/status/InstanceMaintenanceModeEvent",
  readyToShutdown: "instance/status/InstanceReadyToShutdownEvent",
} as const satisfies Record<StatusName, string>;

/** The status event of that name. Started alone says the application, Activated alone the instance. */
export function statusMessage(name: StatusName, identity: StatusIdentity): StatusMessage {
  const { applicationId, instanceId, serviceName, clusterId, memberId } = identity;
  const payload = {
    ...(name === "started" ? { applicationId } : {}),
    serviceName,
    clusterId,
    memberId,
    ...(name === "activated" && instanceId !== undefined ? { instanceId } : {}),
    clusterInstanceId: identity.clusterInstanceId,
    networkPartitionId: identity.networkPartitionId,
    partitionId: identity.partitionId,
  };
  return { topic: topics[name], payload: asciiJson(payload) };
}

/** The status that a topic stands for. */
export function statusOfTopic(topic: string): StatusName | undefined {
  return (Object.keys(topics) as StatusName[]).find((name) => topics[name] === topic);
}

/** Topics and payload of the requests for complete topology and tenants; an empty payload is refused. */
export const requestMessages = {
  topology: { topic: "initializer/CompleteTopologyRequestEvent", payload: "{}" },
  tenants: { topic: "initializer/CompleteTenantRequestEvent", payload: "{}" },
} as const;

/**
 * Topic filters. Complete topologies and tenants come again and again and would pile up on the broker
 * for a member that is away: quality of service 0. The rest is published once: 1.
 */
export const subscriptions = {
  topology: [{ filter: "topology/#", qos: 0 }],
  instance: [
    { filter: "instance/notifier/#", qos: 1 },
    { filter: "tenant/#", qos: 0 },
    { filter: "application/signup/#", qos: 1 },
    { filter: "domain/mapping/#", qos: 1 },
  ],
} as const;
