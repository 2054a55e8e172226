import assert from "node:assert/strict";
import type { AgentEvent } from "../../src/events/agent_event.ts";
import { decodeEvent } from "../../src/events/decode.ts";
import type { AgentState, Settings } from "../../src/lifecycle/state.ts";
import { initialState } from "../../src/lifecycle/state.ts";
import { step } from "../../src/lifecycle/step.ts";
import { platformFacts } from "../../src/topology/facts.ts";
import { identity, lifecycleConfig } from "../lifecycle/simulated_agent.ts";
import { readVectors, type Vector } from "../vectors.ts";
import { mutated, seeded } from "./mutated_payload.ts";

/** How many payloads are tried of each event; `LONG_TESTS=1` takes time for many more. */
const payloads = Deno.env.get("LONG_TESTS") === "1" ? 10_000 : 500;
/** The longest golden payloads say nothing that shorter ones do not, and take long. */
const longestPayload = 20_000;

const files = ["topology", "tenant", "instance-notifier", "application-signup", "domain-mapping"];
const vectors = Map.groupBy(files.flatMap(readVectors), ({ topic }) => topic);
const settings: Settings = { identity, lifecycle: lifecycleConfig };

/** An agent that knows its platform and is at work. */
function activeAgent(): AgentState {
  const state = eventsOf("topology/CompleteTopologyEvent", "tenant/CompleteTenantEvent").reduce(
    (state, event) => step(state, { kind: "event", event }, settings).state,
    initialState({}),
  );
  assert.ok(state.topology && state.tenants);
  return { ...state, phase: { kind: "active" } };
}

function eventsOf(...topics: readonly string[]): readonly AgentEvent[] {
  return topics.flatMap((topic) => vectors.get(topic) ?? []).flatMap(({ topic, payload }) => {
    const decoded = decodeEvent(topic, new TextEncoder().encode(payload));
    return decoded.kind === "event" ? [decoded.event] : [];
  });
}

/** Decodes a payload and has the core act on it, as far as it can be read. */
function digest(topic: string, payload: Uint8Array, before: AgentState): string {
  const decoded = decodeEvent(topic, payload);
  if (decoded.kind === "malformed") {
    assert.ok(decoded.reason !== "" && decoded.reason.length <= 300);
  }
  if (decoded.kind !== "event") return decoded.kind;
  const { state, effects } = step(before, { kind: "event", event: decoded.event }, settings);
  assert.equal(typeof JSON.stringify(effects), "string");
  if (state.topology === before.topology && state.tenants === before.tenants) return decoded.kind;
  // Extensions are handed the facts as JSON.
  const facts = platformFacts(state.topology?.document, state.tenants, identity, "lb");
  assert.equal(typeof JSON.stringify(facts), "string");
  for (const properties of [facts.serviceProperties, facts.memberProperties]) {
    assert.ok(Object.values(properties).every((value) => typeof value === "string"));
  }
  assert.equal(({} as Record<string, unknown>)["a"], undefined, "nothing leaks into other objects");
  return decoded.kind;
}

for (const [topic, golden] of vectors) {
  Deno.test(`decoder: takes ${payloads} damaged payloads without harm when they are of ${topic}`, () => {
    const before = activeAgent();
    const sources: readonly Vector[] = golden.filter(({ payload }) =>
      payload.length <= longestPayload
    );
    const seed = [...topic].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
    const random = seeded(seed);
    const seen = new Map<string, number>();
    for (let count = 0; count < payloads; count++) {
      const payload = mutated(sources[count % sources.length]!.payload, random);
      try {
        const kind = digest(topic, payload, before);
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      } catch (error) {
        const shown = new TextDecoder().decode(payload.subarray(0, 4_000));
        throw new Error(`payload ${count} of seed ${seed}: ${shown}`, { cause: error });
      }
    }
    // Else the damage is such that nothing behind the first check is ever tried.
    assert.ok((seen.get("malformed") ?? 0) > payloads / 20, JSON.stringify([...seen]));
    assert.ok((seen.get("event") ?? 0) + (seen.get("ignored") ?? 0) > payloads / 100);
    assert.equal(seen.get("unknown"), undefined);
  });
}
