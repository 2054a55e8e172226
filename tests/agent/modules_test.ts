import assert from "node:assert/strict";
import { withModule } from "../../src/agent/modules.ts";
import type { ModuleOutcome } from "../../src/extensions/module_host.ts";
import { memoryLog } from "../memory_log.ts";

const system = { read: () => Promise.resolve({ memoryPercent: 10, loadPercent: 20 }) };
const never = new AbortController().signal;

function readerOf(outcome: ModuleOutcome) {
  const log = memoryLog();
  const modules = { call: () => Promise.resolve(outcome) };
  return { log, reader: withModule("m", system, modules, log) };
}

Deno.test("health module: its numbers go over the system's, further ones into the log", async () => {
  const value = { loadPercent: 50, further: { disk_usage: 7, "a b": 1, text: "x" } };
  const { log, reader } = readerOf({ kind: "done", value });
  assert.deepEqual(await reader.read(never), { memoryPercent: 10, loadPercent: 50 });
  assert.equal(log.text(), "info test health of module m: disk_usage=7");
});

Deno.test("health module: the system's numbers stand when it fails, warned about once", async () => {
  const { log, reader } = readerOf({ kind: "failed", reason: "broken" });
  for (let reading = 0; reading < 3; reading++) {
    assert.deepEqual(await reader.read(never), { memoryPercent: 10, loadPercent: 20 });
  }
  assert.deepEqual(log.records.map(({ level }) => level), ["warning", "debug", "debug"]);
});

for (const value of [undefined, null, 5, "x", { memoryPercent: NaN, loadPercent: -1 }]) {
  Deno.test(`health module: is not believed when it says ${JSON.stringify(value)}`, async () => {
    const { reader } = readerOf({ kind: "done", value });
    assert.deepEqual(await reader.read(never), { memoryPercent: 10, loadPercent: 20 });
  });
}
