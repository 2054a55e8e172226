import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readVectors } from "../vectors.ts";
import { SimulatedAgent, topologyWith } from "./simulated_agent.ts";

const golden = fileURLToPath(new URL("../fixtures/golden/", import.meta.url));
const files = ["topology", "tenant", "instance-notifier", "application-signup", "domain-mapping"];

/** What an active agent does on each golden message, every one met by a new agent. */
function effectsOf(file: string): string {
  return readVectors(file).map(({ topic, payload, note }) => {
    const agent = new SimulatedAgent();
    agent.input({ kind: "boot" });
    agent.message("topology/CompleteTopologyEvent", topologyWith("Active"));
    agent.message("tenant/CompleteTenantEvent", {
      tenants: [{ tenantId: 1, tenantDomain: "wso2.org" }],
    });
    const effects = agent.message(topic, payload).map((line) => `  ${line}\n`).join("");
    return `${topic} (${note})\n${effects === "" ? "  nothing\n" : effects}`;
  }).join("");
}

for (const file of files) {
  Deno.test(`golden effects: every message of ${file} leads to what was reviewed`, async () => {
    const path = join(golden, `${file}.effects.txt`);
    const effects = effectsOf(file);
    // UPDATE_GOLDEN=1 writes them anew; the difference is then read by whoever commits it.
    if (Deno.env.get("UPDATE_GOLDEN") === "1") {
      await Deno.mkdir(golden, { recursive: true });
      await Deno.writeTextFile(path, effects);
    }
    assert.equal(effects, await Deno.readTextFile(path));
  });
}
