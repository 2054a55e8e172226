import assert from "node:assert/strict";
import { decodeEvent } from "../../src/events/decode.ts";
import type { MemberEvent } from "../../src/events/agent_event.ts";
import type { Topology } from "../../src/events/topology_document.ts";
import { applyMemberEvents } from "../../src/topology/apply_member_event.ts";
import { findMember, statesOf } from "../../src/topology/lookup.ts";
import { missedEvents } from "../../src/topology/missed_events.ts";
import { platformFacts } from "../../src/topology/facts.ts";
import { identity, topologyWith } from "../lifecycle/simulated_agent.ts";
import { readVectors } from "../vectors.ts";

const applyOne = (topology: Topology, event: MemberEvent) => applyMemberEvents(topology, [event]);

function decoded(topic: string, payload: string) {
  const result = decodeEvent(topic, new TextEncoder().encode(payload));
  assert.ok(result.kind === "event");
  return result.event;
}

function topologyOf(document: object): Topology {
  const event = decoded("topology/CompleteTopologyEvent", JSON.stringify(document));
  assert.ok(event.kind === "completeTopology");
  return event.topology;
}

function memberEvent(kind: MemberEvent["kind"], memberId: string): MemberEvent {
  return { ...identity, kind, memberId, details: {} };
}

Deno.test("topology: holds the platform's states after the events of one life", () => {
  let topology: Topology | undefined;
  for (const { topic, payload } of readVectors("sequence-single-member")) {
    if (!topic.startsWith("topology/")) continue;
    const event = decoded(topic, payload);
    if (event.kind === "completeTopology") {
      if (topology) {
        const known = findMember(topology, identity)!;
        const complete = findMember(event.topology, identity)!;
        assert.deepEqual(statesOf(known), statesOf(complete), "events and complete topology agree");
        assert.equal(known.defaultPrivateIP, complete.defaultPrivateIP);
      }
      topology = event.topology;
    } else if (topology && "details" in event) {
      topology = applyOne(topology, event);
    }
  }
  assert.equal(findMember(topology!, identity), undefined, "a terminated member is gone");
});

Deno.test("topology: shares what an event does not change and leaves the old one as it was", () => {
  const before = topologyOf(topologyWith("Active", { other: ["Created"] }));
  const after = applyOne(before, memberEvent("memberInitialized", "other"));
  assert.deepEqual(statesOf(findMember(before, { ...identity, memberId: "other" })!), ["Created"]);
  assert.deepEqual(statesOf(findMember(after, { ...identity, memberId: "other" })!), [
    "Created",
    "Initialized",
  ]);
  assert.equal(findMember(after, identity), findMember(before, identity));
});

Deno.test("topology: is unchanged by events of unknown clusters and by hostile names", () => {
  const before = topologyOf(topologyWith("Active"));
  for (const name of ["other", "__proto__", "constructor"]) {
    const event = { ...memberEvent("memberStarted", "m"), serviceName: name };
    assert.equal(applyOne(before, event), before);
    assert.equal(
      applyOne(before, { ...memberEvent("memberStarted", "m"), clusterId: name }),
      before,
    );
  }
  const odd = applyOne(before, memberEvent("memberStarted", "__proto__"));
  assert.deepEqual(statesOf(findMember(odd, { ...identity, memberId: "__proto__" })!), [
    "Starting",
  ]);
});

Deno.test("missed events: names what a member went through, who came and who left", () => {
  const before = topologyOf(topologyWith("Initialized", { gone: ["Created"] }));
  const after = topologyOf(topologyWith("Active", { come: ["Created"] }));
  assert.deepEqual(missedEvents(before, after).map(({ kind, memberId }) => [kind, memberId]), [
    ["memberTerminated", "gone"],
    ["memberCreated", "come"],
    ["memberStarted", identity.memberId],
    ["memberActivated", identity.memberId],
  ]);
  assert.deepEqual(missedEvents(after, after), []);
});

Deno.test("missed events: names the present state when the states were begun anew", () => {
  const before = topologyOf(topologyWith(undefined, { m: ["Created", "Initialized", "Starting"] }));
  const after = topologyOf(topologyWith(undefined, { m: ["Created", "Active"] }));
  assert.deepEqual(missedEvents(before, after).map(({ kind }) => kind), ["memberActivated"]);
});

Deno.test("facts: hold the own cluster's members, properties and the load balancer's addresses", () => {
  const vector = readVectors("topology").find(({ note }) => note.startsWith("full: 4 services"))!;
  const topology = topologyOf(JSON.parse(vector.payload));
  const [serviceName, service] = Object.entries(topology.serviceMap)
    .find(([, s]) => Object.values(s.clusterIdClusterMap ?? {}).some((c) => c.memberMap))!;
  const [clusterId, cluster] = Object.entries(service.clusterIdClusterMap!)[0]!;
  const [memberId, member] = Object.entries(cluster.memberMap!)[0]!;
  const facts = platformFacts(topology, [], { serviceName, clusterId, memberId }, clusterId);
  assert.equal(facts.topology, topology);
  assert.equal(facts.members, cluster.memberMap);
  assert.equal(facts.lbPrivateIp, member.defaultPrivateIP);
  assert.deepEqual(facts.memberProperties, { ...member.properties });
});
