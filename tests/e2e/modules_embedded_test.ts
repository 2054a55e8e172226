import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

Deno.test("modules: in an agent with exactly its permissions a web hook and a health reader work", async () => {
  const got = Promise.withResolvers<Record<string, unknown>>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      got.resolve(await request.json());
      return new Response("ok");
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  const hook = {
    name: "web-hook",
    entry: "main.ts",
    events: ["InstanceActivatedEvent"],
    permissions: { net: [`127.0.0.1:${port}`] },
    settings: { url: `http://127.0.0.1:${port}/` },
  };
  const health = `{ "name": "half", "entry": "main.ts", "provides": ["health"] }`;
  await using scene = await openScene(embeddedPeers, {
    home: {
      settings: { "extension.modules.allow": "web-hook,web-hook:net,half,absent" },
      extensions: {
        "modules/web-hook/module.json": JSON.stringify(hook),
        "modules/half/module.json": health,
        "modules/half/main.ts":
          "export const readHealth = () => ({ memoryPercent: 42.5, further: { disk_usage: 3 } });",
      },
    },
  });
  const { platform, home } = scene;
  const memory = scene.nextHealth("memory_consumption");
  const agent = await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  const told = await Promise.race([
    got.promise,
    agent.ended.then(() => Promise.reject(new Error(agent.output()))),
  ]);
  assert.equal(told["event"], "InstanceActivatedEvent");
  assert.equal(typeof told["MEMBER_ID"], "string");
  assert.equal(await memory, 42.5);
  await untilFile(
    join(home.logDir, "cartridge-agent-extensions.log"),
    (text) => text.includes("was told of InstanceActivatedEvent"),
  );
  assert.equal(await agent.end(), 0, agent.output());
  let logs = "";
  for await (const { name } of Deno.readDir(home.logDir)) {
    logs += await Deno.readTextFile(join(home.logDir, name));
  }
  assert.match(logs, /extension module absent does not run: there is no /);
  assert.match(logs, /health of module half: disk_usage=3/);
});

Deno.test("modules: the agent refuses to start when two provide health, naming both", async () => {
  const manifest = (name: string) =>
    JSON.stringify({ name, entry: "main.ts", provides: ["health"] });
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: {
      extensions: {
        "modules/one/module.json": manifest("one"),
        "modules/two/module.json": manifest("two"),
      },
    },
  });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", main, "run", "--home", scene.home.path],
    env: { EXTENSION_MODULES_ALLOW: "one,two" },
  }).output();
  assert.equal(code, 78);
  assert.match(new TextDecoder().decode(stderr), /"one" and "two" both provide health/);
});
