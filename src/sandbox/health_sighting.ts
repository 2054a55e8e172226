import type { ReceivedEvent } from "./cep_server.ts";
import type { MemberIdentity } from "./member.ts";
import type { Sighting } from "./sighting.ts";

const healthStream = "cartridge_agent_health_stats:1.0.0";

/**
 * What a received event says of a member's health; a value that the platform could not assign to the
 * member is a refusal, and events of other streams say nothing.
 */
export function healthOf(event: ReceivedEvent, member: MemberIdentity): Sighting | undefined {
  if (event.streamId !== healthStream) return undefined;
  const { payload } = event;
  const refused = (reason: string): Sighting => ({ kind: "refused", who: "receiver", reason });
  const ids = {
    cluster_id: member.clusterId,
    cluster_instance_id: member.clusterInstanceId,
    network_partition_id: member.networkPartitionId,
    member_id: member.memberId,
    partition_id: member.partitionId,
  };
  for (const [name, expected] of Object.entries(ids)) {
    if (payload[name] !== expected) {
      return refused(`${name} is ${payload[name]}, but the member's is ${expected}`);
    }
  }
  const { health_description: description, value } = payload;
  if (typeof description !== "string" || description === "") {
    return refused("health_description must be a string that is not empty");
  }
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    return refused(`${description} has the value ${value}`);
  }
  return { kind: "health", description, value };
}
