import type { IdentityConfig } from "../config/agent_config.ts";
import { declareStream, eventOf, type StreamEvent } from "./stream_definition.ts";

/** What a health event is about; the platform knows these names only. */
export type HealthDescription = "memory_consumption" | "load_average" | "ports_not_open";

/** The stream that the platform's event processor reads health statistics from. */
export const healthStream = declareStream({
  name: "cartridge_agent_health_stats",
  version: "1.0.0",
  nickName: "agent health stats",
  description: "agent health stats",
  metaData: [],
  correlationData: [],
  payloadData: [
    { name: "cluster_id", type: "STRING" },
    { name: "cluster_instance_id", type: "STRING" },
    { name: "network_partition_id", type: "STRING" },
    { name: "member_id", type: "STRING" },
    { name: "partition_id", type: "STRING" },
    { name: "health_description", type: "STRING" },
    { name: "value", type: "DOUBLE" },
  ],
});

/** One health event of this member. */
export function healthEvent(
  identity: IdentityConfig,
  timeMs: number,
  description: HealthDescription,
  value: number,
): StreamEvent {
  return eventOf(healthStream, BigInt(Math.trunc(timeMs)), {
    metaData: {},
    correlationData: {},
    payloadData: {
      cluster_id: identity.clusterId,
      cluster_instance_id: identity.clusterInstanceId,
      network_partition_id: identity.networkPartitionId,
      member_id: identity.memberId,
      partition_id: identity.partitionId,
      health_description: description,
      value,
    },
  });
}
