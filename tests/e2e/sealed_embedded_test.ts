import assert from "node:assert/strict";
import { join } from "node:path";
import { environmentNames } from "../../src/config/fields.ts";
import { peerTest } from "../system_peers.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience, sequence, wholeLife } from "./scene.ts";

const ways: readonly (readonly [string, readonly string[]])[] = [
  ["everything", ["--allow-all"]],
  // What a compiled binary has: fixed before anybody knew the configuration.
  [
    "whole kinds of permissions",
    [
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-run",
      "--allow-sys",
      `--allow-env=${environmentNames.join(",")}`,
      "--ignore-env",
    ],
  ],
];
for (const [title, flags] of ways) {
  peerTest(
    `seal: an agent that was granted ${title} lives its whole life in less`,
    ["git"],
    async () => {
      using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      await using scene = await openScene(embeddedPeers, {
        files: { "index.html": "first" },
        home: { ports: [application.addr.port] },
      });
      const { platform, home, remote } = scene;
      const agent = await scene.start({ flags: [...flags] });
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.until("InstanceActivatedEvent", patience);
      await scene.nextHealth("load_average");
      await remote!.commit("application", { "index.html": "second" });
      const index = join(home.applicationPath, "index.html");
      await untilFile(index, (content) => content === "second");
      await platform.sendCleanupMember();
      await platform.until("InstanceReadyToShutdownEvent", patience);
      assert.equal(await agent.end(), 0, agent.output());
      assert.deepEqual(sequence(platform), wholeLife);
      assert.match(
        await Deno.readTextFile(join(home.logDir, "agent.log")),
        /Sealed: gave up further permissions for .*net.*read.*write.*run/,
      );
    },
  );
}

Deno.test("seal: an agent with exactly its scope needs none", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const agent = await scene.start();
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  assert.equal(await agent.end(), 0, agent.output());
  const log = await Deno.readTextFile(join(scene.home.logDir, "agent.log"));
  assert.doesNotMatch(log, /Sealed/);
});

Deno.test("seal: the terminator file ends a sealed agent in order", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const agent = await scene.start({ flags: ["--allow-all"] });
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  await Deno.writeTextFile(join(scene.home.path, "terminator.txt"), "true");
  assert.equal(await agent.ended, 0, agent.output());
});

Deno.test("seal: a sealed agent that cannot start says why, with the status of the reason", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const first = await scene.start({ flags: ["--allow-all"] });
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  const second = await scene.start({ flags: ["--allow-all"] });
  assert.equal(await second.ended, 75, second.output());
  assert.match(second.output(), /another agent holds it/);
  assert.equal(await first.end(), 0);
});
