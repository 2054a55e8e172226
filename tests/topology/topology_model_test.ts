import assert from "node:assert/strict";
import type { MemberEvent } from "../../src/events/agent_event.ts";
import { checkTopology } from "../../src/events/topology_document.ts";
import { applyMemberEvents } from "../../src/topology/apply_member_event.ts";
import { TopologyModel } from "../../src/topology/topology_model.ts";
import { identity, topologyWith } from "../lifecycle/simulated_agent.ts";

const base = checkTopology((topologyWith("Active") as { topology: unknown }).topology);

function started(n: number): MemberEvent {
  return { ...identity, kind: "memberStarted", memberId: `m-${n}`, details: {} };
}

Deno.test("topology model: gives the document with all events applied, in their order", () => {
  const events = Array.from({ length: 2_500 }, (_, n) => started(n % 700));
  const model = events.reduce((known, event) => known.after(event), TopologyModel.of(base));
  assert.deepEqual(
    model.document,
    events.reduce((known, event) => applyMemberEvents(known, [event]), base),
  );
  assert.equal(model.document, model.document, "applied once");
});

Deno.test("topology model: knows whether it is still the document it was made of", () => {
  const model = TopologyModel.of(base);
  assert.ok(model.isExactly(base));
  assert.equal(model.after({ ...started(1), clusterId: "other" }), model);
  assert.ok(!model.after(started(1)).isExactly(base));
  assert.ok(model.isExactly(base), "a model never changes");
  assert.equal(model.after({ kind: "serviceRemoved", serviceName: "other" }), model);
});
