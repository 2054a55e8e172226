import assert from "node:assert/strict";
import fc from "fast-check";
import { asciiJson } from "../../src/base/ascii_json.ts";
import { statusMessage, type StatusName } from "../../src/events/status_event.ts";
import { identity } from "../lifecycle/simulated_agent.ts";
import { readVectors } from "../vectors.ts";

const names: readonly StatusName[] = ["started", "activated", "maintenance", "readyToShutdown"];

for (const name of names) {
  Deno.test(`status event: ${name} is written as the platform's own class writes it`, () => {
    const { topic, payload } = statusMessage(name, { ...identity, instanceId: "i-1" });
    const vector = readVectors("instance-status").find((vector) => vector.topic === topic)!;
    assert.deepEqual(JSON.parse(payload), JSON.parse(vector.payload));
  });
}

Deno.test("status event: leaves out the instance id when there is none", () => {
  assert.ok(!("instanceId" in JSON.parse(statusMessage("activated", identity).payload)));
});

Deno.test("ascii json: holds ASCII alone and reads back as the same value", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const json = asciiJson({ text });
    assert.match(json, /^[\x20-\x7e]*$/);
    assert.deepEqual(JSON.parse(json), { text });
  }));
});
