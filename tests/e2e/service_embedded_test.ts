/** The agent under a service manager: what systemd would hear of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openNotifySocket } from "../notify_socket.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { untilFile, untilLogged } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience, type Scene } from "./scene.ts";

const watchdogMs = 1_500;

/** Whatever becomes of a member: everything that a service could report by. */
const reportsScript = `#!/bin/sh
echo "<\${NOTIFY_SOCKET-}\${WATCHDOG_USEC-}>" >"$(dirname "$0")/../../seen"
`;

peerTest(
  "service: systemd hears that the agent is ready once it is subscribed, that it lives, and that it ends",
  ["systemd", "python3"],
  async () => {
    await using directory = await temporaryDirectory();
    await using socket = await openNotifySocket(directory.path);
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      line: true,
      home: {
        settings: { "service.manager": "systemd" },
        extensions: { "bash/StartServers.sh": reportsScript },
      },
    });
    await scene.line!.cut();
    const environment = {
      NOTIFY_SOCKET: socket.path,
      WATCHDOG_USEC: `${watchdogMs * 1000}`,
    };
    const agent = await scene.start({ environment });
    await socket.until("WATCHDOG=1", 3);
    assert.ok(!socket.words.includes("READY=1"), "not before there is a broker");
    assert.ok(socket.words.includes("STATUS=booting: waits for the subscription to the topology"));

    scene.line!.mend();
    await socket.until("READY=1");
    await becomeActive(scene);
    await socket.until("STATUS=active");
    assert.equal(await untilFile(join(scene.home.path, "seen"), (text) => text !== ""), "<>\n");

    const alive = socket.words.filter((word) => word === "WATCHDOG=1").length;
    await socket.until("WATCHDOG=1", alive + 2);
    Deno.kill(agent.pid, "SIGSTOP");
    const stopped = socket.words.length;
    await new Promise((resolve) => setTimeout(resolve, 2 * watchdogMs));
    // One may have been on its way.
    assert.ok(
      socket.words.length <= stopped + 1,
      "no sign of life from an agent that stands still",
    );
    Deno.kill(agent.pid, "SIGCONT");
    await socket.until("WATCHDOG=1", alive + 4);

    assert.equal(await agent.end(), 0, agent.output());
    await socket.until("STOPPING=1");
    assert.equal(socket.words.filter((word) => word === "READY=1").length, 1);
    assert.equal(socket.words.at(-1), "STOPPING=1");
    assert.doesNotMatch(agent.output(), /service manager with/, "nothing failed");
  },
);

peerTest("service: an agent that nobody watches tells nobody", ["systemd", "python3"], async () => {
  await using directory = await temporaryDirectory();
  await using socket = await openNotifySocket(directory.path);
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const agent = await scene.start({ environment: { NOTIFY_SOCKET: socket.path } });
  await becomeActive(scene);
  assert.equal(await agent.end(), 0);
  assert.deepEqual(socket.words, []);
});

peerTest("service: an agent without a service manager says so and works", [], async () => {
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    home: { settings: { "service.manager": "systemd" } },
  });
  const agent = await scene.start();
  await becomeActive(scene);
  await untilLogged(scene.home, "nobody listens: NOTIFY_SOCKET is not set");
  assert.equal(await agent.end(), 0);
});

async function becomeActive({ platform }: Scene): Promise<void> {
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
}
