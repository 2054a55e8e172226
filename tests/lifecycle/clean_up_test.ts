import assert from "node:assert/strict";
import { identity, SimulatedAgent, topologyWith } from "./simulated_agent.ts";

type Message = readonly [topic: string, payload: object];

const cleanMember: Message = ["instance/notifier/InstanceCleanupMemberEvent", {
  memberId: identity.memberId,
}];
const cleanCluster: Message = ["instance/notifier/InstanceCleanupClusterEvent", {
  clusterId: identity.clusterId,
  clusterInstanceId: identity.clusterInstanceId,
}];

function activeAgent(...args: ConstructorParameters<typeof SimulatedAgent>): SimulatedAgent {
  const agent = new SimulatedAgent(...args);
  agent.input({ kind: "boot" });
  agent.message("topology/CompleteTopologyEvent", topologyWith("Initialized"));
  return agent;
}

const whole = ["started", "activated", "maintenance", "readyToShutdown"];

for (const [name, event] of Object.entries({ member: cleanMember, cluster: cleanCluster })) {
  Deno.test(`clean-up: leads to maintenance, clean and ready to shut down on the ${name} event`, () => {
    const agent = activeAgent();
    agent.message(...event);
    assert.deepEqual(agent.published, whole);
    assert.equal(agent.extensions.at(-1), "clean");
    assert.equal(agent.state.phase.kind, "readyToShutdown");
  });
}

Deno.test("clean-up: ignores events of other members, clusters and cluster instances", () => {
  const agent = activeAgent();
  agent.message(cleanMember[0], { memberId: "other" });
  agent.message(cleanMember[0], "{}");
  agent.message(cleanCluster[0], { ...cleanCluster[1], clusterInstanceId: "other" });
  agent.message(cleanCluster[0], { ...cleanCluster[1], clusterId: "other" });
  assert.equal(agent.state.phase.kind, "active");
});

Deno.test("clean-up: runs clean once however often the event is repeated", () => {
  const agent = activeAgent({}, {
    extension: (event) => event === "clean" ? "pending" : undefined,
  });
  agent.message(...cleanMember);
  agent.message(...cleanMember);
  agent.message(...cleanCluster);
  assert.equal(agent.extensions.filter((event) => event === "clean").length, 1);
  assert.deepEqual(agent.published, whole.slice(0, 3));
});

Deno.test("clean-up: publishes what the platform must see first when it comes before activation", () => {
  const closed = activeAgent({}, { ports: "closed" });
  closed.message(...cleanMember);
  assert.deepEqual(closed.published, whole);

  const booting = new SimulatedAgent();
  booting.input({ kind: "boot" });
  booting.message(...cleanMember);
  assert.deepEqual(booting.published, whole);
  assert.deepEqual(booting.extensions, ["clean"]);
});

Deno.test("clean-up: cancels running work before it begins", () => {
  const agent = activeAgent({ awaitsArtifacts: true }, { checkout: () => "pending" });
  agent.message("instance/notifier/ArtifactUpdatedEvent", {
    clusterId: identity.clusterId,
    repoURL: "http://git/r.git",
  });
  const lines = agent.message(...cleanMember);
  assert.equal(lines[0], "cancelWork");
  agent.input({ kind: "checkedOut", tenantId: -1234, outcome: { kind: "cancelled" } });
  assert.equal(agent.state.phase.kind, "readyToShutdown");
});

Deno.test("clean-up: goes on after a restart in its middle without starting anything again", () => {
  const before = { published: "maintenance", cleanUp: true } as const;
  const agent = activeAgent({}, {}, before);
  assert.deepEqual(agent.published, ["readyToShutdown"]);
  assert.deepEqual(agent.extensions, ["clean", "CompleteTopologyEvent"]);
});

Deno.test("clean-up: does not run clean again after a restart when it has run to its end", () => {
  const before = { published: "maintenance", cleanUp: true, cleaned: true } as const;
  const agent = activeAgent({}, {}, before);
  assert.deepEqual(agent.published, ["readyToShutdown"]);
  assert.ok(!agent.extensions.includes("clean"));
});

Deno.test("clean-up: publishes nothing out of order after a restart when ready to shut down", () => {
  const before = { published: "readyToShutdown", cleanUp: true, cleaned: true } as const;
  const agent = activeAgent({}, {}, before);
  assert.deepEqual(agent.published, []);
  assert.deepEqual(agent.extensions, ["CompleteTopologyEvent"]);
});

for (
  const [status, expected] of [
    ["Initialized", whole],
    ["Starting", whole.slice(1)],
    ["Active", whole.slice(2)],
    ["In_Maintenance", whole.slice(3)],
    ["ReadyToShutDown", whole.slice(3)],
    ["Suspended", whole.slice(2)],
    [undefined, whole.slice(2)],
  ] as const
) {
  Deno.test(`clean-up: repeated while the platform has the member ${status ?? "no more"} publishes what is missing`, () => {
    const before = { published: "readyToShutdown", cleanUp: true, cleaned: true } as const;
    const agent = new SimulatedAgent({}, {}, before);
    agent.input({ kind: "boot" });
    agent.message("topology/CompleteTopologyEvent", topologyWith(status));
    agent.message(...cleanMember);
    assert.deepEqual(agent.published, expected);
    assert.ok(!agent.extensions.includes("clean"));
  });
}

Deno.test("clean-up: repeats nothing before the broker has acknowledged ready to shut down", () => {
  const agent = activeAgent();
  agent.message(...cleanMember);
  agent.message(...cleanMember);
  assert.deepEqual(agent.published, whole);
});

Deno.test("clean-up: removes the session once ready to shut down is acknowledged", () => {
  const agent = activeAgent();
  agent.message(...cleanMember);
  assert.deepEqual(agent.input({ kind: "readyAcknowledged" }), ["forgetSession"]);
});

Deno.test("clean-up: a required clean that fails is run again when the event is repeated", () => {
  let fails = true;
  const agent = activeAgent({ requiredExtensions: ["clean"] }, {
    extension: (event) =>
      event === "clean" && fails ? { kind: "failed", reason: "exit status 1" } : undefined,
  });
  agent.message(...cleanMember);
  assert.deepEqual(agent.state.phase, { kind: "halted", event: "clean" });
  fails = false;
  agent.message(...cleanMember);
  assert.deepEqual(agent.published, whole);
});

Deno.test("clean-up: starts nothing when a late outcome of cancelled work arrives", () => {
  const agent = activeAgent({}, { ports: "closed" });
  agent.message(...cleanMember);
  assert.deepEqual(agent.input({ kind: "portsOpen" }), []);
  assert.deepEqual(agent.input({ kind: "artifactsChanged", tenantId: 1 }), []);
});
