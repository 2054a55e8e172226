import assert from "node:assert/strict";
import type { ModuleMetadataPort } from "../../src/extensions/module_metadata.ts";
import { memoryLog } from "../memory_log.ts";
import { handleCall, healthCall, openModuleHome } from "./module_home.ts";

const never = new AbortController().signal;

function recordingPort(): ModuleMetadataPort & { readonly asked: unknown[][] } {
  const asked: unknown[][] = [];
  return {
    asked,
    get: (scope) => {
      asked.push(["get", scope]);
      return Promise.resolve(new Map([["url", ["a", "b"]], ["__proto__", ["c"]]]));
    },
    put: (scope, key, values) => {
      asked.push(["put", scope, key, values]);
      return Promise.resolve();
    },
    delete: (key, value) => {
      asked.push(["delete", key, value]);
      return key === "down" ? Promise.reject(new Error("no answer")) : Promise.resolve(true);
    },
  };
}

const uses = `export async function handle(event, { metadata, log }) {
  const found = await metadata.get("application");
  await metadata.put("cluster", "one", "1");
  await metadata.put("application", "two", ["2", "3"]);
  const deleted = await metadata.delete("two", "3");
  const failure = await metadata.delete("down", "").catch(({ message }) => message);
  log.info(JSON.stringify([[...found], deleted, failure]));
}`;
const asks = { permissions: { metadata: true } };

Deno.test("metadata: a module that may reads, writes and deletes, and hears of failures", async () => {
  await using home = await openModuleHome();
  await home.module("m", uses, asks);
  const log = memoryLog();
  const port = recordingPort();
  {
    await using host = await home.hostWith(port, log, "m:metadata");
    assert.equal((await host.call("m", handleCall(), never)).kind, "done");
  }
  assert.deepEqual(port.asked, [
    ["get", "application"],
    ["put", "cluster", "one", ["1"]],
    ["put", "application", "two", ["2", "3"]],
    ["delete", "two", "3"],
    ["delete", "down", ""],
  ]);
  assert.deepEqual(JSON.parse(log.records[0]?.message ?? ""), [
    [["url", ["a", "b"]], ["__proto__", ["c"]]],
    true,
    "no answer",
  ]);
});

Deno.test("metadata: a module that did not ask for it is refused, whatever else it may", async () => {
  await using home = await openModuleHome();
  await home.module("m", uses);
  const port = recordingPort();
  await using host = await home.hostWith(port, memoryLog(), "m", "m:metadata");
  const outcome = await host.call("m", handleCall(), never);
  assert.ok(
    outcome.kind === "failed" && /does not ask for the permission "meta/.test(outcome.reason),
  );
  assert.deepEqual(port.asked, []);
});

Deno.test("metadata: every call is refused with the setting that is missing", async () => {
  await using home = await openModuleHome();
  await home.module("m", uses, asks);
  await using host = await home.host(memoryLog(), "m:metadata");
  const outcome = await host.call("m", handleCall(), never);
  assert.ok(outcome.kind === "failed" && /metadata\.service\.url is not set/.test(outcome.reason));
});

Deno.test("metadata: is there while health is read, too", async () => {
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export const readHealth = async ({ metadata }) => (await metadata.get("cluster")).size;`,
    { ...asks, events: [], provides: ["health"] },
  );
  await using host = await home.hostWith(recordingPort(), memoryLog(), "m:metadata");
  assert.deepEqual(await host.call("m", healthCall, never), { kind: "done", value: 2 });
});

const nonsense = [
  `metadata.put("moon", "k", "v")`,
  `metadata.put("cluster", "k", [1])`,
  `metadata.put("cluster", "k", "v".repeat(20_000))`,
  `metadata.put("cluster", "k", Array(101).fill("v"))`,
  `metadata.delete("k")`,
];
for (const code of nonsense) {
  Deno.test(`metadata: a module fails alone when it says ${code}`, async () => {
    await using home = await openModuleHome();
    await home.module("m", `export const handle = (e, { metadata }) => ${code};`, asks);
    const port = recordingPort();
    await using host = await home.hostWith(port, memoryLog(), "m:metadata");
    assert.equal((await host.call("m", handleCall(), never)).kind, "failed");
    assert.deepEqual(port.asked, []);
  });
}
