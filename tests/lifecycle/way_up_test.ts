import assert from "node:assert/strict";
import type { CheckoutOutcome } from "../../src/lifecycle/ports.ts";
import { readVectors } from "../vectors.ts";
import { identity, SimulatedAgent, topologyWith } from "./simulated_agent.ts";

const artifactEvent = { clusterId: identity.clusterId, repoURL: "http://git/r.git", tenantId: "1" };

function startedAgent(...args: ConstructorParameters<typeof SimulatedAgent>): SimulatedAgent {
  const agent = new SimulatedAgent(...args);
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  return agent;
}

Deno.test("lifecycle: publishes the platform's sequence when the golden messages of one life arrive", () => {
  const agent = new SimulatedAgent({ awaitsArtifacts: true });
  const lines = [agent.input({ kind: "boot" })];
  for (const { topic, payload } of readVectors("sequence-single-member")) {
    lines.push(agent.message(topic, payload));
  }
  assert.deepEqual(lines, [
    ["subscribe topology", "request topology"],
    [], // member created, not known yet
    ["answered topology", "extension CompleteTopologyEvent [topology]"],
    [
      "extension MemberInitializedEvent [topology]",
      "subscribe instance",
      "request tenants",
      "extension InstanceStartedEvent [lifecycle]",
      "publish started",
      'remember {"published":"started"}',
      "extension StartServers [lifecycle]",
    ],
    ["answered topology", "extension CompleteTopologyEvent [topology]"],
    ["answered tenants", "extension CompleteTenantEvent [tenants]"],
    ["extension MemberStartedEvent [topology]"],
    [
      "checkOut https://bitbucket.org/example-user/opentestrepo1.git [artifacts:-1234]",
      "extension ArtifactUpdatedEvent [artifacts:-1234]",
      "awaitPorts",
      "startUpdates -1234",
      "publish activated",
      'remember {"published":"activated"}',
      "startHealth",
      "extension InstanceActivatedEvent [lifecycle]",
    ],
    ["extension MemberActivatedEvent [topology]"],
    ["answered topology", "extension CompleteTopologyEvent [topology]"],
    [
      "cancelWork",
      "subscribe instance",
      'remember {"published":"activated","cleanUp":true}',
      "publish maintenance",
      'remember {"published":"maintenance","cleanUp":true}',
      "extension clean [lifecycle]",
      'remember {"published":"maintenance","cleanUp":true,"cleaned":true}',
      "publish readyToShutdown",
      'remember {"published":"readyToShutdown","cleanUp":true,"cleaned":true}',
    ],
    [], // maintenance mode and ready to shut down change the model alone
    [],
    ["extension MemberTerminatedEvent [topology]"],
  ]);
});

Deno.test("lifecycle: activates without a checkout when no repository was announced", () => {
  const agent = startedAgent();
  assert.deepEqual(agent.published, ["started", "activated"]);
  assert.deepEqual(agent.extensions, [
    "CompleteTopologyEvent",
    "InstanceStartedEvent",
    "StartServers",
    "InstanceActivatedEvent",
  ]);
});

Deno.test("lifecycle: mounts volumes before the ports are awaited when a mapping is set", () => {
  const agent = startedAgent({ persistenceMapping: "/dev/vdb|/mnt" }, { ports: "closed" });
  assert.deepEqual(agent.extensions.slice(-2), ["StartServers", "VolumeMount"]);
  assert.deepEqual(agent.published, ["started"]);
});

Deno.test("lifecycle: sets up the virtual server's interface right after the topology subscription", () => {
  const agent = new SimulatedAgent({ lvsVirtualIp: { ip: "10.0.0.9", subnetMask: "255.0.0.0" } });
  assert.deepEqual(agent.input({ kind: "boot" }), [
    "subscribe topology",
    "request topology",
    "extension CreateLVSDummyInterface [lifecycle]",
  ]);
});

for (const status of ["Initialized", "Starting", "Active"]) {
  Deno.test(`lifecycle: walks the whole way when a restart finds the member ${status}`, () => {
    const agent = new SimulatedAgent({}, {}, { published: "activated" });
    agent.input({ kind: "boot" });
    agent.message("topology/CompleteTopologyEvent", topologyWith(status));
    assert.deepEqual(agent.published, ["started", "activated"]);
    assert.ok(agent.extensions.includes("StartServers"));
  });
}

for (const status of [undefined, "Created", "Suspended", "Terminated"]) {
  Deno.test(`lifecycle: waits when the member is ${status ?? "not in the topology"}`, () => {
    const agent = new SimulatedAgent();
    agent.input({ kind: "boot" });
    agent.message("topology/CompleteTopologyEvent", topologyWith(status));
    assert.equal(agent.state.phase.kind, "awaitingInitialized");
    assert.deepEqual(agent.published, []);
  });
}

Deno.test("lifecycle: finishes the clean-up when the state was lost and the member is in maintenance", () => {
  const agent = new SimulatedAgent();
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("In_Maintenance"));
  assert.deepEqual(agent.published, ["maintenance", "readyToShutdown"]);
  assert.equal(agent.extensions.filter((event) => event === "clean").length, 1);
});

Deno.test("lifecycle: does not clean again when the member is ready to shut down already", () => {
  const agent = new SimulatedAgent();
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("ReadyToShutDown"));
  assert.equal(agent.published.at(-1), "readyToShutdown");
  assert.ok(!agent.extensions.includes("clean"));
});

Deno.test("lifecycle: ignores a topology without content and keeps the known one", () => {
  const agent = startedAgent();
  const known = agent.state.topology;
  agent.message("topology/CompleteTopologyEvent", "{}");
  agent.message("topology/CompleteTopologyEvent", '{"topology":{"serviceMap":[]}}');
  assert.equal(agent.state.topology, known);
});

Deno.test("lifecycle: starts once when the member is initialized by event before the topology is known", () => {
  const agent = new SimulatedAgent();
  agent.input({ kind: "boot" });
  agent.message("topology/MemberInitializedEvent", { ...identity, instanceId: "i" });
  assert.deepEqual(agent.published, []);
  agent.message("topology/CompleteTopologyEvent", topologyWith("Created"));
  agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  assert.deepEqual(agent.published, ["started", "activated"]);
});

Deno.test("artifacts: keeps an event that comes too early until the instance is started", () => {
  const agent = new SimulatedAgent({ awaitsArtifacts: true });
  agent.input({ kind: "boot" });
  assert.deepEqual(agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent), []);
  const lines = agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  assert.ok(
    lines.indexOf("publish started") < lines.indexOf("checkOut http://git/r.git [artifacts:1]"),
  );
  assert.equal(agent.published.at(-1), "activated");
});

Deno.test("artifacts: ignores events of other clusters", () => {
  const agent = startedAgent({ awaitsArtifacts: true });
  const other = { ...artifactEvent, clusterId: "other" };
  assert.deepEqual(agent.message("instance/notifier/ArtifactUpdatedEvent", other), []);
});

Deno.test("artifacts: refuses a tenant id that is no integer and names it", () => {
  const agent = startedAgent({ awaitsArtifacts: true });
  const lines = agent.message("instance/notifier/ArtifactUpdatedEvent", {
    ...artifactEvent,
    tenantId: "../1",
  });
  assert.match(lines[0]!, /error: Refused ArtifactUpdatedEvent: its tenant id "\.\.\/1"/);
  assert.deepEqual(agent.published, ["started"]);
});

Deno.test("artifacts: uses TENANT_ID when the event has none", () => {
  const agent = startedAgent({ awaitsArtifacts: true });
  const { tenantId: _, ...event } = artifactEvent;
  const lines = agent.message("instance/notifier/ArtifactUpdatedEvent", event);
  assert.equal(lines[0], "checkOut http://git/r.git [artifacts:-1234]");
});

Deno.test("artifacts: an instance of one tenant has one set, whoever the platform says they are of", () => {
  const single = { multiTenant: false };
  const agent = startedAgent({ awaitsArtifacts: true }, {}, {}, single);
  const lines = agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
  assert.equal(lines[0], "checkOut http://git/r.git [artifacts:-1234]");
  assert.equal(lines.at(-1), "extension InstanceActivatedEvent [lifecycle]");
});

Deno.test("artifacts: polls after the first success although there was nothing to poll before", () => {
  const outcomes: CheckoutOutcome[] = [
    { kind: "failed", reason: "wrong key", refused: false },
    { kind: "checkedOut", files: 1 },
  ];
  const agent = startedAgent({ awaitsArtifacts: true }, { checkout: () => outcomes.shift()! });
  const events = [1, 2].flatMap(() =>
    agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent)
  );
  assert.deepEqual(events.filter((line) => line.startsWith("startUpdates")), [
    "startUpdates 1",
    "startUpdates 1",
  ]);
});

Deno.test("gap: a lost session while artifacts are awaited is answered by saying Started again", () => {
  const agent = startedAgent({ awaitsArtifacts: true });
  const kept = agent.input({ kind: "reconnected", isSessionLost: false });
  assert.ok(!kept.includes("publish started"));
  const lost = agent.input({ kind: "reconnected", isSessionLost: true });
  assert.ok(lost.includes("publish started"));
  agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
  assert.ok(!agent.input({ kind: "reconnected", isSessionLost: true }).includes("publish started"));
});

Deno.test("extensions: a failed CreateLVSDummyInterface stops the lifecycle when it is required", () => {
  const agent = new SimulatedAgent({
    lvsVirtualIp: { ip: "10.0.0.9", subnetMask: "255.0.0.0" },
    requiredExtensions: ["CreateLVSDummyInterface"],
  }, { extension: () => ({ kind: "failed", reason: "exit status 1" }) });
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  assert.deepEqual(agent.published, []);
});

Deno.test("artifacts: does not activate on a failed first checkout but keeps polling", () => {
  const failed = { kind: "failed", reason: "down", refused: false } as const;
  const agent = startedAgent({ awaitsArtifacts: true }, { checkout: () => failed });
  const lines = agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
  assert.deepEqual(lines, ["checkOut http://git/r.git [artifacts:1]", "startUpdates 1"]);
  assert.equal(agent.state.phase.kind, "awaitingArtifacts");
  agent.input({ kind: "artifactsChanged", tenantId: 1 });
  assert.equal(agent.state.phase.kind, "active", "a poll that succeeds later activates");
});

Deno.test("artifacts: activates on a failed checkout when that is configured", () => {
  const failed = { kind: "failed", reason: "down", refused: true } as const;
  const settings = { awaitsArtifacts: true, activateOnFailedCheckout: true };
  const agent = startedAgent(settings, { checkout: () => failed });
  agent.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
  assert.equal(agent.published.at(-1), "activated");
});

Deno.test("artifacts: starts one update loop per tenant however often artifacts are announced", () => {
  const agent = startedAgent({ awaitsArtifacts: true });
  const lines = [1, 2, 1, 1].flatMap((tenantId) =>
    agent.message("instance/notifier/ArtifactUpdatedEvent", {
      ...artifactEvent,
      tenantId: String(tenantId),
    })
  );
  assert.deepEqual(lines.filter((line) => line.startsWith("startUpdates")), [
    "startUpdates 1",
    "startUpdates 2",
  ]);
});

for (
  const event of ["InstanceStartedEvent", "StartServers", "VolumeMount", "ArtifactUpdatedEvent"]
) {
  const failing = { extension: (name: string) => name === event ? failed : undefined };
  const failed = { kind: "failed", reason: "exit status 1" } as const;
  const settings = { awaitsArtifacts: true, persistenceMapping: "/dev/vdb|/mnt" };

  Deno.test(`extensions: a failed ${event} stops the lifecycle only when it is required`, () => {
    const required = startedAgent({ ...settings, requiredExtensions: [event] }, failing);
    required.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
    assert.deepEqual(required.state.phase, { kind: "halted", event });
    assert.ok(!required.published.includes("activated"));

    const optional = startedAgent(settings, failing);
    optional.message("instance/notifier/ArtifactUpdatedEvent", artifactEvent);
    assert.equal(optional.state.phase.kind, "active");
  });
}

Deno.test("gap: asks again and runs the missed member events marked as inferred", () => {
  const agent = startedAgent();
  agent.message("topology/CompleteTopologyEvent", topologyWith("Active", { "m-2": ["Created"] }));
  assert.deepEqual(agent.input({ kind: "reconnected", isSessionLost: false }), [
    "request topology",
  ]);
  const lines = agent.message(
    "topology/CompleteTopologyEvent",
    topologyWith("Active", { "m-3": ["Created", "Initialized", "Starting"] }),
  );
  assert.deepEqual(lines.filter((line) => line.includes("Member")), [
    "extension MemberTerminatedEvent [topology]",
    "extension MemberInitializedEvent [topology]",
    "extension MemberStartedEvent [topology]",
  ]);
});

Deno.test("topology: runs no member extension for a difference without a gap", () => {
  const agent = startedAgent();
  const lines = agent.message(
    "topology/CompleteTopologyEvent",
    topologyWith("Active", { "m-3": ["Created", "Initialized"] }),
  );
  assert.deepEqual(lines, ["answered topology", "extension CompleteTopologyEvent [topology]"]);
});
