import assert from "node:assert/strict";
import { checkTopology } from "../../src/events/topology_document.ts";
import { platformFacts } from "../../src/topology/facts.ts";

const own = { serviceName: "php", clusterId: "php.domain", memberId: "php-1" };

function topologyWith(properties: unknown) {
  const member = { memberId: own.memberId, properties };
  const cluster = { clusterId: own.clusterId, memberMap: { [own.memberId]: member }, properties };
  const service = { clusterIdClusterMap: { [own.clusterId]: cluster }, properties };
  return checkTopology({ serviceMap: { [own.serviceName]: service } });
}

Deno.test("facts: hold the properties of own service, cluster and member", () => {
  const facts = platformFacts(topologyWith({ tier: "gold" }), undefined, own, undefined);
  assert.deepEqual(facts.serviceProperties, { tier: "gold" });
  assert.deepEqual(facts.clusterProperties, { tier: "gold" });
  assert.deepEqual(facts.memberProperties, { tier: "gold" });
});

Deno.test("facts: hold no properties when the platform writes null for them", () => {
  const facts = platformFacts(topologyWith(null), undefined, own, "php.domain");
  assert.deepEqual(facts.serviceProperties, {});
  assert.deepEqual(facts.clusterProperties, {});
  assert.deepEqual(facts.memberProperties, {});
});
