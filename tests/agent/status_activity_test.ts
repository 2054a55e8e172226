import assert from "node:assert/strict";
import { LifecycleActivity } from "../../src/agent/status_activity.ts";
import { eventTitle, waitsFor } from "../../src/agent/status_words.ts";
import { laneLimits } from "../../src/agent/lane_limits.ts";
import type { Effect } from "../../src/lifecycle/effect.ts";
import type { Input } from "../../src/lifecycle/input.ts";
import type { LaneReport } from "../../src/lifecycle/lanes.ts";
import { type AgentState, initialState, type Phase } from "../../src/lifecycle/state.ts";
import { ActivityJournal } from "../../src/status/activity_journal.ts";
import { phases } from "../../src/status/agent_metrics.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { FakeClock } from "../fake_clock.ts";

function open(published?: "started" | "activated") {
  const clock = new FakeClock();
  const journal = new ActivityJournal({ clock, redact: (text) => text });
  const activity = new LifecycleActivity(journal, published, () => ["line one", "line two"]);
  const step = (
    input: Input,
    effects: readonly Effect[] = [],
    lanes: readonly LaneReport[] = [],
    phase: Phase = { kind: "booting" },
  ) => activity.step(input, { ...initialState({}), phase } as AgentState, effects, () => lanes);
  return { clock, journal, activity, step };
}

const topologyEvent: Input = {
  kind: "event",
  event: { kind: "tenantRemoved", tenantId: 5 },
};
const runTopology: Effect = {
  kind: "runExtension",
  lane: "topology",
  event: "CompleteTopologyEvent",
  values: { SECRET: "value" },
  whenBusy: "keepNewest",
};

Deno.test("activity: an event has its effects, and the outcome of the extension that it led to", () => {
  const { journal, step } = open();
  step(topologyEvent, [{ ...runTopology, event: "TenantRemoved", whenBusy: "dropOldest" }]);
  const [before] = journal.newest(1);
  assert.equal(before?.title, "TenantRemovedEvent tenant 5");
  assert.deepEqual(before?.effects, ["extension TenantRemoved [topology]"]);
  assert.equal(before?.outcome, undefined);
  step({ kind: "extensionEnded", event: "TenantRemoved", outcome: { kind: "succeeded" } });
  const [after] = journal.newest(1);
  assert.equal(after?.outcome, "succeeded");
  assert.equal(after?.detail, "line one\nline two");
  step(topologyEvent, [{ ...runTopology, event: "X" }]);
  step({ kind: "extensionEnded", event: "X", outcome: { kind: "failed", reason: "why" } });
  assert.equal(journal.newest(1)[0]?.outcome, "failed");
  assert.equal(journal.newest(1)[0]?.detail, "why");
});

Deno.test("activity: an event that leads to nothing says so, other inputs without effect are no news", () => {
  const { journal, step } = open();
  step(topologyEvent);
  assert.equal(journal.newest(1)[0]?.outcome, "none");
  step({ kind: "unchanged", what: "topology" });
  step({ kind: "subscribed", group: "topology" });
  assert.equal(journal.revision, 1);
});

Deno.test("activity: of runs that take the place of one another each has an end", () => {
  const { journal, step } = open();
  const running = (running: string): readonly LaneReport[] => [
    { name: "topology", depth: 2, running, runningMs: 1 },
  ];
  const outcomes = () => journal.newest(10).map(({ outcome }) => outcome).reverse();
  // Another job runs: the second takes the place of the first.
  step(topologyEvent, [runTopology], running("extension MemberActivatedEvent"));
  step(topologyEvent, [runTopology], running("extension MemberActivatedEvent"));
  assert.deepEqual(outcomes(), ["cancelled", undefined]);
  // It runs now: the next one waits, and the one after takes that one's place.
  step(topologyEvent, [runTopology], running("extension CompleteTopologyEvent"));
  step(topologyEvent, [runTopology], running("extension CompleteTopologyEvent"));
  assert.deepEqual(outcomes(), ["cancelled", undefined, "cancelled", undefined]);
  const ended: Input = {
    kind: "extensionEnded",
    event: "CompleteTopologyEvent",
    outcome: { kind: "succeeded" },
  };
  step(ended);
  step(ended);
  assert.deepEqual(outcomes(), ["cancelled", "succeeded", "cancelled", "succeeded"]);
});

Deno.test("activity: a clean-up ends everything that waits", () => {
  const { journal, step } = open();
  step(topologyEvent, [runTopology]);
  step({ kind: "event", event: { kind: "instanceCleanupMember", memberId: "m" } }, [
    { kind: "cancelWork" },
  ]);
  assert.equal(journal.newest(2)[1]?.outcome, "cancelled");
});

Deno.test("activity: checkouts show address without credentials and are counted", () => {
  const { journal, activity, step } = open();
  const source = {
    tenantId: 3,
    repoUrl: "https://user:canary@git.example/a",
    repoUsername: "user",
    repoPassword: "canary",
  };
  step(topologyEvent, [{ kind: "checkOut", lane: "artifacts:3", tenantId: 3, source }]);
  const outcome = { kind: "failed", reason: "refused", refused: true } as const;
  step({ kind: "checkedOut", tenantId: 3, outcome });
  const text = JSON.stringify(journal.newest(10));
  assert.doesNotMatch(text, /canary/);
  assert.equal(journal.newest(1)[0]?.outcome, "failed");
  assert.deepEqual(activity.checkouts, { failed: 1 });
  assert.deepEqual(activity.events, { tenantRemoved: 1 });
});

Deno.test("activity: what was published comes in order, of an earlier run too", () => {
  const { activity, step } = open("started");
  assert.deepEqual(activity.published, ["started"]);
  for (const status of ["started", "activated", "activated"] as const) {
    step({ kind: "portsOpen" }, [{ kind: "publish", lane: "lifecycle", status }]);
  }
  assert.deepEqual(activity.published, ["started", "activated"]);
});

Deno.test("activity: a new phase is an activity of its own", () => {
  const { journal, step } = open();
  assert.equal(step({ kind: "portsOpen" }, [], [], { kind: "active" }), true);
  assert.equal(step({ kind: "portsOpen" }, [], [], { kind: "active" }), false);
  assert.deepEqual(journal.newest(9).map(({ title }) => title), ["Phase booting → active"]);
});

Deno.test("activity: is subscribed with the first subscriptions", () => {
  const { activity, step } = open();
  assert.equal(activity.isSubscribed, false);
  step({ kind: "subscribed", group: "topology" });
  assert.equal(activity.isSubscribed, true);
});

const everyPhase: readonly Phase[] = [
  { kind: "booting" },
  { kind: "awaitingTopology" },
  { kind: "awaitingInitialized" },
  { kind: "starting", step: "StartServers" },
  { kind: "awaitingArtifacts" },
  { kind: "awaitingPorts" },
  { kind: "active" },
  { kind: "halted", event: "StartServers" },
  { kind: "cleaning" },
  { kind: "readyToShutdown" },
];

Deno.test("phases: every one is a series of the metrics and says what it waits for", () => {
  assert.deepEqual(everyPhase.map(({ kind }) => kind), [...phases]);
  const said = everyPhase.map((phase) => waitsFor(phase, { ports: [80, 443] }, false));
  assert.equal(said[5], "ports 80, 443");
  assert.equal(said[6], undefined);
  assert.equal(said.filter((text) => text === undefined).length, 1);
  assert.equal(waitsFor({ kind: "readyToShutdown" }, { ports: [] }, true), undefined);
});

Deno.test("titles: name the member or tenant", () => {
  const event = { kind: "artifactUpdated", tenantId: "7" } as Parameters<typeof eventTitle>[0];
  assert.equal(eventTitle(event), "ArtifactUpdatedEvent tenant 7");
});

Deno.test("lane limits: are those of extensions, checkouts and writes, and none for ports", () => {
  const config = exampleConfig();
  const limits = laneLimits(
    {
      extensions: {
        ...config.extensions,
        timeoutMs: 1_000,
        timeoutMsByEvent: { StartServers: 5_000 },
        graceMs: 10,
      },
      artifacts: config.artifacts,
    },
    (event) => event === "StartServers" ? 42 : Infinity,
  );
  assert.deepEqual(limits("extension StartServers"), { limitMs: 65_010, quietMs: 42 });
  assert.deepEqual(limits("extension constructor"), { limitMs: 61_010, quietMs: Infinity });
  assert.equal(limits("write of the state")?.limitMs, 60_000);
  assert.equal(limits("wait for the ports"), undefined);
  assert.ok(limits("checkout of tenant 3")!.limitMs > config.artifacts.limits.timeoutMs);
});
