import assert from "node:assert/strict";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { openPeers } from "../../src/sandbox/peers.ts";
import { reservePort } from "../../src/sandbox/web_server.ts";
import { peerTest } from "../system_peers.ts";
import { openAgentClient } from "./agent_client.ts";
import { sendHealth } from "./data_bridge_client.ts";

peerTest(
  "peers: know each other's addresses and passwords when all are wanted",
  ["git"],
  async () => {
    const received: string[] = [];
    const told = Promise.withResolvers<void>();
    await using peers = await openPeers({
      broker: "embedded",
      artifacts: { "a.txt": "a\n" },
      receiver: {
        onEvent: ({ payload }) => {
          received.push(String(payload.health_description));
          told.resolve();
        },
      },
      platform: { member: { identity: sandboxMember, state: "Initialized" } },
    });
    const { broker, artifacts, receiver, platform } = peers;
    await using agent = await openAgentClient({
      port: broker.port,
      username: broker.username ?? "",
      password: broker.password?.open() ?? "",
    });
    await agent.status("InstanceStartedEvent");
    const { body } = await agent.until("ArtifactUpdatedEvent");
    assert.equal(body.repoURL, artifacts?.url);
    assert.equal(body.repoUserName, artifacts?.username);
    assert.notEqual(body.repoPassword, undefined);
    const { status } = await fetch(`${body.repoURL}/info/refs?service=git-upload-pack`, {
      headers: {
        authorization: `Basic ${btoa(`${artifacts?.username}:${artifacts?.password.open()}`)}`,
      },
    }).then(async (response) => {
      await response.body?.cancel();
      return response;
    });
    assert.equal(status, 200);
    assert.ok(receiver);
    await sendHealth(
      { ...receiver, password: receiver.password.open() },
      sandboxMember,
      { load_average: 1 },
    );
    await told.promise;
    assert.deepEqual(received, ["load_average"]);
    assert.deepEqual(platform.faults, []);
  },
);

Deno.test("peers: use a broker that is there already, and only what is wanted", async () => {
  await using broker = await openMqttBroker();
  const { port } = broker;
  await using peers = await openPeers({ broker: { host: "127.0.0.1", port } });
  assert.equal(peers.broker.port, port);
  assert.equal(peers.receiver, undefined);
  assert.equal(peers.artifacts, undefined);
  await using agent = await openAgentClient({ port });
  await peers.platform.initializeMember();
  assert.equal((await agent.until("MemberInitializedEvent")).body.memberId, sandboxMember.memberId);
});

Deno.test("peers: leave nothing open when one of them cannot be opened", async () => {
  // Leaks are what the sanitizers of the test run find.
  const broker = { host: "127.0.0.1", port: unusedPort() };
  const clock = {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: () => Promise.resolve(),
  };
  const opening = openPeers({ broker, receiver: { onEvent: () => {} }, platform: { clock } });
  await assert.rejects(opening, { kind: "unavailable" });
});

function unusedPort(): number {
  using reserved = reservePort();
  return reserved.port;
}
