import assert from "node:assert/strict";
import { join } from "node:path";
import { openModules, withModule } from "../../src/agent/modules.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { handleCall, openModuleHome } from "../extensions/module_home.ts";
import { exampleConfig } from "../scope/example_config.ts";
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

Deno.test("metadata for modules: the agent asks the configured service, its token stays with it", async () => {
  const asked: unknown[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      asked.push([
        request.method,
        pathname,
        request.headers.get("authorization"),
        await request.text(),
      ]);
      return request.method === "GET"
        ? Response.json({ properties: [{ key: "k", values: ["v"] }] })
        : new Response(null, { status: 200 });
    },
  );
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export async function handle(event, { metadata, log, values }) {
      const [[key, value]] = await metadata.get("application");
      await metadata.put("cluster", "url", "http://x/");
      log.info(key + "=" + value + JSON.stringify(values));
    }`,
    { permissions: { metadata: true } },
  );
  const { port } = server.addr as Deno.NetAddr;
  const extensionsDir = join(home.dir, "extensions");
  const base = exampleConfig();
  const config = exampleConfig({
    paths: { extensionsDir, launcher: join(extensionsDir, "launcher") },
    extensions: { allowedModules: ["m:metadata"] },
    metadata: { url: `http://127.0.0.1:${port}`, token: new Secret("canary-token") },
    launchParameters: { CARTRIDGE_ALIAS: "php" },
  });
  const log = memoryLog();
  {
    await using modules = await openModules(config, log, systemClock, Math.random);
    const outcome = await modules.call("m", handleCall(), never);
    assert.equal(outcome.kind, "done", JSON.stringify(outcome));
  }
  const path = `/metadata/api/applications/${base.identity.applicationId}`;
  assert.deepEqual(asked, [
    ["GET", `${path}/properties`, "Bearer canary-token", ""],
    [
      "POST",
      `${path}/clusters/php/properties`,
      "Bearer canary-token",
      '{"key":"url","values":["http://x/"]}',
    ],
  ]);
  assert.match(log.text(), /k=v\{\}/);
  assert.ok(!log.text().includes("canary-token"));
});
