import assert from "node:assert/strict";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { Platform } from "../../src/sandbox/platform.ts";
import { peerTest } from "../system_peers.ts";
import { openAgentClient } from "./agent_client.ts";
import { openMosquitto } from "../mosquitto.ts";
import { openTcpLine } from "./tcp_line.ts";

peerTest(
  "platform: judges what was published while it was away when the broker restarts",
  ["mosquitto"],
  async () => {
    await using mosquitto = await openMosquitto();
    await using platform = await Platform.open({
      broker: mosquitto,
      member: { identity: sandboxMember },
    });
    await platform.initializeMember();
    const lost = platform.until((entry) => entry.kind === "connection" && !entry.connected);
    await mosquitto.stop();
    await lost;
    const { mark } = platform;
    // Handed over while nobody listens: it waits in the platform.
    const told = platform.publishCompleteTopology();
    await mosquitto.restart();
    await platform.until((entry) => entry.kind === "connection" && entry.connected, {
      from: mark,
    });
    await told;
    await using agent = await openAgentClient(mosquitto);
    await agent.status("InstanceStartedEvent");
    await agent.until("MemberStartedEvent");
    assert.equal(platform.state(), "Starting");
    assert.deepEqual(platform.faults, []);
  },
);

peerTest(
  "platform: gets in order what was published while its own connection was down",
  ["mosquitto"],
  async () => {
    await using mosquitto = await openMosquitto();
    await using line = openTcpLine(mosquitto.port);
    await using platform = await Platform.open({
      broker: { host: line.host, port: line.port },
      member: { identity: sandboxMember, state: "Initialized" },
    });
    await using agent = await openAgentClient(mosquitto);
    const lost = platform.until((entry) => entry.kind === "connection" && !entry.connected);
    await line.cut();
    await lost;
    await agent.status("InstanceStartedEvent");
    await agent.status("InstanceActivatedEvent");
    await agent.status("InstanceMaintenanceModeEvent");
    line.mend();
    await platform.until("InstanceMaintenanceModeEvent");
    assert.deepEqual(platform.statuses.map(({ event, accepted }) => [event, accepted]), [
      ["InstanceStartedEvent", true],
      ["InstanceActivatedEvent", true],
      ["InstanceMaintenanceModeEvent", true],
    ]);
    await agent.until("MemberMaintenanceModeEvent");
  },
);
