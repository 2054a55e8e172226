import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { type MemberIdentity, sandboxMember } from "../../src/sandbox/member.ts";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { Platform } from "../../src/sandbox/platform.ts";
import type { PlatformEntry } from "../../src/sandbox/platform_entry.ts";
import type { PlatformOptions } from "../../src/sandbox/platform_options.ts";
import { FakeClock } from "../fake_clock.ts";
import { type AgentClient, openAgentClient } from "./agent_client.ts";

const host = "127.0.0.1";

/** A platform and the MQTT side of an agent on an embedded broker. */
async function onStage(
  options: Partial<PlatformOptions>,
  play: (platform: Platform, agent: AgentClient) => Promise<void>,
): Promise<void> {
  await using broker = await openMqttBroker({ username: "u", password: "p" });
  const { port } = broker;
  await using agent = await openAgentClient({ port, username: "u", password: "p" });
  await using platform = await Platform.open({
    member: { identity: sandboxMember, state: "Initialized" },
    ...options,
    broker: { host, port, username: "u", password: new Secret("p") },
  });
  await play(platform, agent);
}

const topics = (agent: AgentClient) => agent.got.map(({ topic }) => topic.split("/").at(-1));

Deno.test("platform: tells everybody each new state when an agent lives its life", async () => {
  const repositories = [{ url: "http://127.0.0.1:1/a.git" }];
  const member = { identity: sandboxMember };
  await onStage({ repositories, member, memberExists: false }, async (platform, agent) => {
    assert.equal(platform.state(), undefined);
    await platform.createMember();
    assert.equal(platform.state(), "Created");
    await platform.initializeMember();
    await agent.status("InstanceStartedEvent");
    await agent.until("ArtifactUpdatedEvent");
    assert.equal(platform.state(), "Starting");
    await agent.status("InstanceActivatedEvent");
    await agent.until("MemberActivatedEvent");
    assert.equal(platform.state(), "Active");
    await platform.sendCleanupMember();
    await agent.until("InstanceCleanupMemberEvent");
    await agent.status("InstanceMaintenanceModeEvent");
    await agent.status("InstanceReadyToShutdownEvent");
    await agent.until("MemberReadyToShutdownEvent");
    assert.equal(platform.state(), "ReadyToShutDown");
    await platform.terminateMember();
    await agent.until("MemberTerminatedEvent");
    assert.equal(platform.state(), undefined);
    assert.deepEqual(topics(agent), [
      "MemberCreatedEvent",
      "MemberInitializedEvent",
      "MemberStartedEvent",
      "ArtifactUpdatedEvent",
      "MemberActivatedEvent",
      "InstanceCleanupMemberEvent",
      "MemberMaintenanceModeEvent",
      "MemberReadyToShutdownEvent",
      "MemberTerminatedEvent",
    ]);
    assert.deepEqual(platform.faults, []);
    assert.ok(platform.statuses.every(({ accepted, reason }) => accepted && reason === ""));
  });
});

Deno.test("platform: publishes at QoS 2 and has nothing retained for who comes later", async () => {
  await using broker = await openMqttBroker();
  const { port } = broker;
  await using early = await openAgentClient({ port });
  await using platform = await Platform.open({
    broker: { host, port },
    member: { identity: sandboxMember },
  });
  await platform.publishCompleteTopology();
  assert.equal((await early.until("CompleteTopologyEvent")).qos, 2);
  await using late = await openAgentClient({ port });
  await platform.initializeMember();
  await late.until("MemberInitializedEvent");
  assert.deepEqual(topics(late), ["MemberInitializedEvent"]);
});

Deno.test("platform: drops a status event with a reason when the order is wrong", async () => {
  await onStage({}, async (platform, agent) => {
    await agent.status("InstanceActivatedEvent");
    await platform.until((entry) => entry.kind === "fault");
    assert.equal(platform.state(), "Initialized");
    await agent.status("InstanceStartedEvent");
    await agent.until("MemberStartedEvent");
    assert.deepEqual(topics(agent), ["MemberStartedEvent"]);
    assert.deepEqual(platform.statuses.map(({ event, accepted }) => [event, accepted]), [
      ["InstanceActivatedEvent", false],
      ["InstanceStartedEvent", true],
    ]);
    assert.match(platform.statuses[0]?.reason ?? "", /the member is Initialized/);
    assert.equal(platform.faults.length, 1);
    assert.equal(platform.faults[0]?.topic, "instance/status/InstanceActivatedEvent");
  });
});

Deno.test("platform: remembers a fault and tells nobody when a status event is malformed", async () => {
  await onStage({}, async (platform, agent) => {
    const topic = "instance/status/InstanceStartedEvent";
    await agent.publish(topic, "");
    await agent.publish(topic, JSON.stringify({ ...sandboxMember, clusterId: "é" }));
    await agent.publish(topic, JSON.stringify({ ...sandboxMember, partitionId: "" }));
    await agent.publish(topic, JSON.stringify({ ...sandboxMember, memberId: "other" }));
    await agent.publish(topic, JSON.stringify(sandboxMember), 0);
    await agent.publish("instance/status/x/y", "{}");
    await agent.request("CompleteTopologyRequestEvent");
    await agent.until("CompleteTopologyEvent");
    assert.deepEqual(topics(agent), ["CompleteTopologyEvent"]);
    assert.deepEqual(platform.statuses, []);
    const reasons = platform.faults.map(({ reason }) => reason).join("\n");
    assert.match(reasons, /empty\n.*ASCII\n.*partitionId.*\n.*no member other\n.*QoS 0\n.*topic/);
    assert.equal(platform.faults.length, 6);
  });
});

Deno.test("platform: answers requests with what is true now when it is one that answers", async () => {
  await onStage({}, async (platform, agent) => {
    await agent.publish("initializer/CompleteTopologyRequestEvent", "");
    await agent.request("CompleteTopologyRequestEvent");
    const { body } = await agent.until("CompleteTopologyEvent");
    const { serviceName, clusterId, memberId } = sandboxMember;
    const cluster = body.topology.serviceMap[serviceName].clusterIdClusterMap[clusterId];
    assert.deepEqual(cluster.memberMap[memberId].memberStateManager.stateStack, [
      "Created",
      "Initialized",
    ]);
    await agent.request("CompleteTenantRequestEvent");
    assert.deepEqual((await agent.until("CompleteTenantEvent")).body, {
      tenants: [{ tenantId: -1234, tenantDomain: "carbon.super" }],
    });
    assert.deepEqual(topics(agent), ["CompleteTopologyEvent", "CompleteTenantEvent"]);
    assert.match(platform.faults[0]?.reason ?? "", /empty/);
    assert.equal(platform.faults.length, 1);
  });
});

Deno.test("platform: publishes everything in its own time when it is one that never answers", async () => {
  const clock = new FakeClock();
  const requested = Promise.withResolvers<void>();
  const onEntry = ({ kind }: PlatformEntry) => {
    if (kind === "request") requested.resolve();
  };
  const options = { answersRequests: false, completeIntervalMs: 60_000, clock, onEntry };
  await onStage(options, async (_platform, agent) => {
    await agent.request("CompleteTopologyRequestEvent");
    await requested.promise;
    assert.deepEqual(agent.got, []);
    await clock.advance(60_000);
    await agent.until("CompleteTenantEvent");
    await clock.untilSleeping();
    await clock.advance(60_000);
    await agent.until("CompleteTenantEvent", { from: 2 });
    assert.deepEqual(topics(agent), [
      "CompleteTopologyEvent",
      "CompleteTenantEvent",
      "CompleteTopologyEvent",
      "CompleteTenantEvent",
    ]);
  });
});

Deno.test("platform: repeats the member clean-up until the member is ready to shut down", async () => {
  await onStage({ cleanupRepeatMs: 20 }, async (platform, agent) => {
    await agent.status("InstanceStartedEvent");
    await agent.status("InstanceActivatedEvent");
    await platform.sendCleanupMember();
    await agent.until("InstanceCleanupMemberEvent", { from: agent.got.length + 2 });
    await agent.status("InstanceMaintenanceModeEvent");
    await agent.status("InstanceReadyToShutdownEvent");
    await agent.until("MemberReadyToShutdownEvent");
    const isCleanup = (entry: PlatformEntry) =>
      entry.kind === "published" && entry.topic.endsWith("InstanceCleanupMemberEvent");
    const repeated = platform.until(isCleanup, { from: platform.mark, timeoutMs: 100 });
    await assert.rejects(repeated, { kind: "limit" });
  });
});

Deno.test("platform: sends the repository's password encrypted once per accepted Started", async () => {
  const options = {
    cartridgeKey: new Secret("tvnw63ufg9gh5111"),
    repositories: [{ url: "http://h/a.git", username: "u", password: new Secret("admin") }],
  };
  await onStage(options, async (platform, agent) => {
    await agent.status("InstanceStartedEvent");
    await agent.status("InstanceActivatedEvent");
    await agent.status("InstanceStartedEvent");
    await agent.status("InstanceActivatedEvent");
    await agent.until("MemberActivatedEvent", { from: 5 });
    const events = agent.got.filter(({ topic }) => topic.endsWith("/ArtifactUpdatedEvent"));
    assert.equal(events.length, 2);
    assert.deepEqual(events[0]?.body, {
      clusterId: sandboxMember.clusterId,
      repoUserName: "u",
      repoPassword: "pvNm376Y6VuCY914MZi6PA==",
      repoURL: "http://h/a.git",
      tenantId: "-1234",
      commitEnabled: false,
    });
    assert.deepEqual(platform.faults, []);
    assert.equal(platform.state(), "Active");
  });
});

Deno.test("platform: judges each member by its own state when there are several", async () => {
  const identity: MemberIdentity = { ...sandboxMember, memberId: "second" };
  await onStage({ otherMembers: [{ identity, state: "Active" }] }, async (platform, agent) => {
    await agent.status("InstanceMaintenanceModeEvent", { memberId: "second" });
    await agent.until("MemberMaintenanceModeEvent");
    assert.equal(platform.state("second"), "In_Maintenance");
    assert.equal(platform.state(), "Initialized");
    await platform.addMember({ identity: { ...identity, memberId: "third" } });
    await agent.until("MemberCreatedEvent");
    await platform.changeMember("Suspended", "second");
    await agent.until("MemberSuspendedEvent");
    await platform.sendCleanupCluster();
    assert.deepEqual((await agent.until("InstanceCleanupClusterEvent")).body, {
      clusterId: sandboxMember.clusterId,
      clusterInstanceId: sandboxMember.clusterInstanceId,
    });
    await assert.rejects(platform.changeMember("Active", "nobody"), { kind: "input" });
  });
});

Deno.test("platform: comes back and judges on when the broker restarts", async () => {
  await using broker = await openMqttBroker();
  const { port } = broker;
  await using agent = await openAgentClient({ port });
  await using platform = await Platform.open({
    broker: { host, port },
    member: { identity: sandboxMember, state: "Initialized" },
  });
  const { mark } = platform;
  await broker.restart();
  await agent.status("InstanceStartedEvent");
  await platform.until("InstanceStartedEvent", { from: mark });
  assert.deepEqual(platform.faults, []);
});

Deno.test("platform: says which broker it cannot use when the password is wrong", async () => {
  await using broker = await openMqttBroker({ username: "u", password: "p" });
  const clock = new FakeClock();
  const opening = Platform.open({
    broker: { host, port: broker.port, username: "u", password: new Secret("secret-wrong") },
    member: { identity: sandboxMember },
    clock,
  });
  const failed = assert.rejects(opening, (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`Cannot use the message broker "127.0.0.1:${broker.port}"`),
    );
    assert.doesNotMatch(error.message, /secret-wrong/);
    return true;
  });
  await clock.untilSleeping();
  await clock.advance(10_000);
  await failed;
});

Deno.test("platform: does not wait for ever when what it waits for does not happen", async () => {
  await onStage({}, async (platform) => {
    await assert.rejects(platform.until("InstanceStartedEvent", { timeoutMs: 10 }), {
      kind: "limit",
      message: 'Cannot see "InstanceStartedEvent": it did not happen within 10 ms',
    });
    const reason = new Error("enough");
    const waiting = new AbortController();
    const waited = assert.rejects(
      platform.until("InstanceStartedEvent", { signal: waiting.signal }),
      reason,
    );
    waiting.abort(reason);
    await waited;
  });
});
