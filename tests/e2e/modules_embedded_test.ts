import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { canaries, openScene, patience } from "./scene.ts";
import { Secret } from "../../src/base/secret.ts";
import { tarArchive } from "../extensions/tar_archive.ts";

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

for (const point of ["health", "artifactCheckout", "artifactCommit"]) {
  Deno.test(`modules: the agent refuses to start when two provide ${point}, naming both`, async () => {
    const manifest = (name: string) =>
      JSON.stringify({ name, entry: "main.ts", provides: [point] });
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      home: {
        extensions: {
          "modules/one/module.json": manifest("one"),
          "modules/two/module.json": manifest("two"),
        },
      },
    });
    for (const command of ["run", "check"]) {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-prompt", main, command, "--home", scene.home.path],
        env: { EXTENSION_MODULES_ALLOW: "one,two" },
      }).output();
      assert.equal(code, 78);
      assert.match(
        new TextDecoder().decode(stderr),
        new RegExp(`"one" and "two" both provide ${point}`),
      );
    }
  });
}

Deno.test("modules: one checks out instead of Git, at the event and in the update loop", async () => {
  // Nobody listens there: the agent itself must not try.
  const url = "http://127.0.0.1:1/application.git";
  const name = "unpack-archive";
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    platform: { repositories: [{ url }] },
    home: {
      repository: { url, cartridgeKey: new Secret(canaries.cartridgeKey) },
      settings: {
        "extension.modules.allow": `${name}:read,${name}:write`,
        "enable.artifact.update": "true",
      },
      recordedEvents: ["ArtifactUpdatedEvent"],
    },
  });
  const { platform, home } = scene;
  const releases = join(home.path, "releases");
  const archive = join(releases, "-1234.tar");
  await Deno.mkdir(releases);
  await Deno.writeFile(archive, tarArchive([{ name: "index.html", content: "one" }]));
  await Deno.writeTextFile(
    join(home.path, "extensions/modules", name, "module.json"),
    JSON.stringify({
      name,
      entry: "main.ts",
      provides: ["artifactCheckout"],
      permissions: {
        read: [releases, home.applicationPath],
        write: [home.applicationPath, "data"],
      },
      settings: { directory: releases },
    }),
  );
  const agent = await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  const index = join(home.applicationPath, "index.html");
  assert.equal(await Deno.readTextFile(index), "one");

  await Deno.writeFile(`${archive}.new`, tarArchive([{ name: "index.html", content: "two" }]));
  await Deno.rename(`${archive}.new`, archive);
  await untilFile(home.extensionRuns, (runs) => runs.split("ArtifactUpdatedEvent").length > 2);
  assert.equal(await Deno.readTextFile(index), "two");
  assert.equal(await agent.end(), 0, agent.output());
  const log = await Deno.readTextFile(join(home.logDir, "agent.log"));
  assert.match(log, /Checked out http:\/\/127\.0\.0\.1:1\/application\.git in .* \(module unpack-/);
});

Deno.test("modules: one that may know the password checks out and commits, and no log tells it", async () => {
  const url = "http://127.0.0.1:1/application.git";
  const password = new Secret(canaries.repository);
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    platform: { repositories: [{ url, username: "deployer", password }] },
    home: {
      repository: { url, cartridgeKey: new Secret(canaries.cartridgeKey) },
      settings: {
        "extension.modules.allow": "store:read,store:write,store:credentials",
        "enable.artifact.update": "true",
        "auto.commit": "true",
      },
      extensions: {
        "modules/store/main.ts": `export async function checkOutArtifacts(job, { log }) {
          if (!job.first) return { changed: false };
          log.info("signs in with " + job.repoPassword);
          const { repoUsername, repoPassword } = job;
          await Deno.writeTextFile(job.destination + "/login", repoUsername + ":" + repoPassword);
          return { changed: true };
        }
        export async function commitArtifacts({ destination }, { settings }) {
          const text = await Deno.readTextFile(destination + "/upload").catch(() => "");
          if (text === "") return { committed: false };
          await Deno.remove(destination + "/upload");
          await Deno.writeTextFile(settings.store, text);
          return { committed: true };
        }`,
      },
    },
  });
  const { platform, home } = scene;
  await Deno.mkdir(join(home.path, "store"));
  const store = join(home.path, "store/upload");
  await Deno.writeTextFile(
    join(home.path, "extensions/modules/store/module.json"),
    JSON.stringify({
      name: "store",
      entry: "main.ts",
      provides: ["artifactCheckout", "artifactCommit"],
      permissions: {
        read: [home.applicationPath],
        write: [home.applicationPath, store],
        credentials: true,
      },
      settings: { store },
    }),
  );
  const agent = await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  assert.equal(
    await Deno.readTextFile(join(home.applicationPath, "login")),
    `deployer:${canaries.repository}`,
  );
  await Deno.writeTextFile(join(home.applicationPath, "upload"), "of a user");
  assert.equal(await untilFile(store, (text) => text !== ""), "of a user");
  assert.equal(await agent.end(), 0, agent.output());
  let logs = agent.output();
  for await (const { name } of Deno.readDir(home.logDir)) {
    logs += await Deno.readTextFile(join(home.logDir, name));
  }
  assert.match(logs, /signs in with \*\*\*/);
  assert.ok(!logs.includes(canaries.repository));
});

Deno.test("modules: Python plugins of an earlier agent are named at start, with where they belong", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const { platform, home } = scene;
  await Deno.mkdir(join(home.path, "plugins"));
  await Deno.writeTextFile(
    join(home.path, "plugins/Starter.yapsy-plugin"),
    "[Core]\nName = Starter\nModule = Starter\n[Documentation]\nDescription = StartServers\n",
  );
  const agent = await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  assert.equal(await agent.end(), 0, agent.output());
  const log = await Deno.readTextFile(join(home.logDir, "agent.log"));
  assert.match(log, /WARNING .*Python plugin Starter .*extensions\/StartServers\.d\/Starter/);
});
