import assert from "node:assert/strict";
import { openLoop } from "./observed_loop.ts";
import { identity, topologyWith } from "./simulated_agent.ts";

const cleanUp = ["instance/notifier/InstanceCleanupMemberEvent", {
  memberId: identity.memberId,
}] as const;

Deno.test("loop: subscribes before it asks, and to everything else before it is started", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, calls, clock } = loop;
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  await clock.advance(0);
  assert.deepEqual(calls.filter((call) => !call.startsWith("run Complete")), [
    "subscribe topology/#:0",
    "publish initializer/CompleteTopologyRequestEvent {}",
    "subscribe instance/notifier/#:1,tenant/#:0,application/signup/#:1,domain/mapping/#:1",
    "publish initializer/CompleteTenantRequestEvent {}",
    "run InstanceStartedEvent",
    "status InstanceStartedEvent",
    "save started",
    "run StartServers",
    "startHealth",
    "status InstanceActivatedEvent",
    "save activated",
    "run InstanceActivatedEvent",
  ]);
});

Deno.test("loop: repeats the topology request with growing pauses until the answer came", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, calls, clock } = loop;
  const asked = () => calls.filter((call) => call.includes("CompleteTopologyRequest")).length;
  lifecycle.start();
  await clock.advance(4_999);
  assert.equal(asked(), 1);
  await clock.advance(1);
  assert.equal(asked(), 2);
  await clock.advance(10_000);
  assert.equal(asked(), 3);
  receive("topology/CompleteTopologyEvent", topologyWith("Created"));
  await clock.advance(600_000);
  assert.equal(asked(), 3);
  lifecycle.reconnected(false);
  await clock.advance(0);
  assert.equal(asked(), 4);
});

Deno.test("loop: takes an unchanged complete topology by its bytes, and parses it again after an event", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, calls, clock } = loop;
  const runs = () => calls.filter((call) => call === "run CompleteTopologyEvent").length;
  lifecycle.start();
  await clock.advance(0);
  const document = topologyWith("Created");
  receive("topology/CompleteTopologyEvent", document);
  await clock.advance(0);
  const known = lifecycle.state.topology;
  receive("topology/CompleteTopologyEvent", document);
  await clock.advance(0);
  assert.equal(lifecycle.state.topology, known);
  assert.equal(runs(), 1);
  receive("topology/MemberStartedEvent", { ...identity, memberId: "other" });
  receive("topology/CompleteTopologyEvent", document);
  await clock.advance(0);
  assert.notEqual(lifecycle.state.topology, known);
  assert.equal(runs(), 2);
});

Deno.test("loop: a slow extension of one lane delays no other lane", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, hold, calls, clock } = loop;
  const slow = hold("CompleteTopologyEvent");
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  receive("topology/MemberStartedEvent", { ...identity });
  receive("tenant/CompleteTenantEvent", { tenants: [{ tenantId: -1234 }] });
  await clock.advance(0);
  assert.ok(calls.includes("run CompleteTenantEvent"));
  assert.ok(calls.includes("run InstanceActivatedEvent"));
  assert.ok(!calls.includes("run MemberStartedEvent"), "the same lane waits");
  slow.resolve();
  await clock.advance(0);
  assert.ok(calls.includes("run MemberStartedEvent"));
});

Deno.test("loop: a clean-up overtakes a hanging checkout and a running extension", async () => {
  await using loop = openLoop({ repo: true });
  const { lifecycle, receive, hold, calls, clock } = loop;
  hold("StartServers");
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  await clock.advance(0);
  receive(...cleanUp);
  await clock.advance(0);
  const after = calls.slice(calls.indexOf("run StartServers") + 1);
  assert.ok(after.includes("stopUpdates"));
  assert.deepEqual(after.filter((call) => /^(cancelled|save|status|run) /.test(call)), [
    "cancelled StartServers",
    "save started",
    "status InstanceActivatedEvent",
    "status InstanceMaintenanceModeEvent",
    "save maintenance",
    "run clean",
    "save maintenance",
    "status InstanceReadyToShutdownEvent",
    "save readyToShutdown",
  ]);
  lifecycle.acknowledged("instance/status/InstanceReadyToShutdownEvent");
  await clock.advance(0);
  assert.equal(calls.at(-1), "forgetSession");
});

Deno.test("loop: tells an extension what is true when it starts, not when its event came", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, hold, requests, clock } = loop;
  const first = hold("CompleteTopologyEvent");
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Created"));
  receive("topology/MemberStartedEvent", { ...identity, memberId: "m-2" });
  receive("topology/MemberTerminatedEvent", { ...identity, memberId: "m-2" });
  first.resolve();
  await clock.advance(0);
  const started = requests.find(({ event }) => event === "MemberStartedEvent")!;
  assert.equal(started.values.EVENT_MEMBER_ID, "m-2");
  assert.deepEqual(Object.keys(started.facts().members as object), [identity.memberId]);
});

Deno.test("loop: drops the oldest waiting member events of a flood and asks for the topology again", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, hold, calls, log, clock } = loop;
  const first = hold("CompleteTopologyEvent");
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Created"));
  await clock.advance(0);
  const asked = calls.length;
  for (let n = 0; n < 1_500; n++) {
    receive("topology/MemberStartedEvent", { ...identity, memberId: `m-${n}` });
  }
  await clock.advance(0);
  assert.deepEqual(calls.slice(asked), ["publish initializer/CompleteTopologyRequestEvent {}"]);
  first.resolve();
  await clock.advance(0);
  for (let n = 0; n < 200; n++) await clock.advance(0);
  assert.equal(calls.filter((call) => call === "run MemberStartedEvent").length, 1_000);
  assert.match(log.text(), /Extensions cannot keep up: 500 runs were dropped/);
});

Deno.test("loop: logs what it cannot read in one line and handles the next message", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, log, clock } = loop;
  lifecycle.start();
  await clock.advance(0);
  lifecycle.receive("topology/CompleteTopologyEvent", new TextEncoder().encode("{broken"));
  receive("no/such/topic", {});
  receive("topology/CompleteTopologyEvent", topologyWith("Created"));
  assert.equal(lifecycle.state.phase.kind, "awaitingInitialized");
  const warnings = log.records.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /^Ignored topology\/CompleteTopologyEvent: /);
});

Deno.test("loop: says a flood of the same complaint once a minute, with a count", async () => {
  await using loop = openLoop();
  const { lifecycle, log, clock } = loop;
  lifecycle.start();
  await loop.settle();
  const broken = () =>
    lifecycle.receive("topology/MemberStartedEvent", new TextEncoder().encode("{"));
  const warnings = () => log.records.filter(({ level }) => level === "warning");
  for (let n = 0; n < 500; n++) broken();
  assert.equal(warnings().length, 1);
  await clock.advance(60_000);
  broken();
  assert.equal(warnings().length, 2);
  assert.equal(warnings()[1]!.facts.leftOut, 499);
});

Deno.test("loop: cancels extensions and jobs when stopped and ignores what comes later", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, hold, calls, clock } = loop;
  hold("InstanceStartedEvent");
  lifecycle.start();
  await clock.advance(0);
  receive("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  await clock.advance(0);
  assert.deepEqual(await lifecycle.stop(1_000), []);
  assert.ok(calls.includes("cancelled InstanceStartedEvent"));
  const before = calls.length;
  receive(...cleanUp);
  await clock.advance(0);
  assert.equal(calls.length, before);
});

Deno.test("loop: tells extensions the addresses of the load balancer whose cluster is configured", async () => {
  await using loop = openLoop({ lbClusterId: identity.clusterId });
  const { lifecycle, receive, requests, settle } = loop;
  lifecycle.start();
  await settle();
  const balancer = { ...identity, memberId: "lb-1" };
  receive("topology/CompleteTopologyEvent", topologyWith(undefined, { "lb-1": ["Created"] }));
  receive("topology/MemberInitializedEvent", {
    ...balancer,
    defaultPrivateIP: "10.0.0.99",
    defaultPublicIP: "54.0.0.99",
  });
  await settle();
  const { lbPrivateIp, lbPublicIp } = requests.at(-1)!.facts();
  assert.deepEqual({ lbPrivateIp, lbPublicIp }, {
    lbPrivateIp: "10.0.0.99",
    lbPublicIp: "54.0.0.99",
  });
});

Deno.test("loop: of many waiting runs for polled changes of a tenant's artifacts the newest alone is run", async () => {
  await using loop = openLoop();
  const { lifecycle, receive, calls, settle } = loop;
  await loop.becomeActive();
  const first = loop.hold("ArtifactUpdatedEvent");
  receive("instance/notifier/ArtifactUpdatedEvent", {
    clusterId: identity.clusterId,
    repoURL: "http://git/r.git",
    tenantId: "1",
  });
  await settle();
  for (let n = 0; n < 10; n++) lifecycle.dispatch({ kind: "artifactsChanged", tenantId: 1 });
  await settle();
  const runs = () => calls.filter((call) => call === "run ArtifactUpdatedEvent").length;
  assert.equal(runs(), 1, "the checkout's own, which still runs");
  first.resolve();
  await settle();
  assert.equal(runs(), 2);
});
