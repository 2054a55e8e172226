import assert from "node:assert/strict";
import type { ReceivedEvent } from "../../src/sandbox/cep_server.ts";
import { healthOf } from "../../src/sandbox/health_sighting.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";

const healthStream = "cartridge_agent_health_stats:1.0.0";

function event(changes: ReceivedEvent["payload"] = {}, streamId = healthStream): ReceivedEvent {
  return {
    streamId,
    timestampMs: 0n,
    meta: {},
    correlation: {},
    payload: {
      cluster_id: sandboxMember.clusterId,
      cluster_instance_id: sandboxMember.clusterInstanceId,
      network_partition_id: sandboxMember.networkPartitionId,
      member_id: sandboxMember.memberId,
      partition_id: sandboxMember.partitionId,
      health_description: "load_average",
      value: 12.5,
      ...changes,
    },
  };
}

Deno.test("health sighting: is a value of the member when all its ids are right", () => {
  assert.deepEqual(healthOf(event(), sandboxMember), {
    kind: "health",
    description: "load_average",
    value: 12.5,
  });
});

Deno.test("health sighting: is a refusal that says why when an id or the value is wrong", () => {
  const ids = ["cluster_id", "cluster_instance_id", "network_partition_id", "member_id"];
  for (const name of [...ids, "partition_id", "health_description", "value"]) {
    for (const wrong of [null, "", name === "value" ? "1" : "other", Number.NaN, -1]) {
      if (name === "health_description" && wrong === "other") continue; // any name will do
      const sighting = healthOf(event({ [name]: wrong }), sandboxMember);
      assert.equal(sighting?.kind, "refused", `${name} ${wrong}`);
    }
  }
  const refused = healthOf(event({ member_id: "other" }), sandboxMember);
  assert.match(refused?.kind === "refused" ? refused.reason : "", /^member_id is other, but/);
});

Deno.test("health sighting: is nothing when the event is of another stream", () => {
  assert.equal(healthOf(event({}, "logs.0.php.2026.01.01:1.0.0"), sandboxMember), undefined);
});
