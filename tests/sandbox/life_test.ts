import assert from "node:assert/strict";
import { Life } from "../../src/sandbox/life.ts";
import { lifeSteps, stepNames } from "../../src/sandbox/life_steps.ts";
import type { Sighting } from "../../src/sandbox/sighting.ts";
import type { StatusName } from "../../src/sandbox/status_rules.ts";
import { FakeClock } from "../fake_clock.ts";

const request = (event: string): Sighting => ({
  kind: "platform",
  entry: { kind: "request", event, atMs: 0 },
});
const status = (event: StatusName, accepted = true): Sighting => ({
  kind: "platform",
  entry: { kind: "status", event, memberId: "m", accepted, reason: "", atMs: 0 },
});
const extension = (event: string): Sighting => ({ kind: "extension", event });

/** One life in which everything goes well. */
const wholeLife: readonly Sighting[] = [
  request("CompleteTopologyRequestEvent"),
  request("CompleteTenantRequestEvent"),
  extension("InstanceStartedEvent"),
  status("InstanceStartedEvent"),
  extension("StartServers"),
  { kind: "files", commit: "first", files: 3 },
  extension("ArtifactUpdatedEvent"),
  { kind: "portOpened", port: 1 },
  status("InstanceActivatedEvent"),
  extension("InstanceActivatedEvent"),
  { kind: "health", description: "memory_consumption", value: 1 },
  { kind: "health", description: "load_average", value: 1 },
  { kind: "files", commit: "second", files: 4 },
  extension("ArtifactUpdatedEvent"),
  status("InstanceMaintenanceModeEvent"),
  extension("clean"),
  status("InstanceReadyToShutdownEvent"),
  { kind: "agentEnded", stragglers: [] },
];

function lifeOf(sightings: readonly Sighting[], given = ["artifacts", "health"] as const) {
  const life = new Life(new Set<"artifacts" | "health">(given), new FakeClock());
  for (const sighting of sightings) life.see(sighting);
  return life;
}

Deno.test("life: misses nothing when every step is seen in order", () => {
  assert.deepEqual(lifeOf(wholeLife).missing(), []);
  assert.deepEqual(lifeOf(wholeLife).skipped, []);
});

Deno.test("life: misses every step when nothing is seen", () => {
  assert.deepEqual(lifeOf([]).missing(), lifeSteps.map(({ name }) => name));
});

Deno.test("life: names what is missing when any single thing does not happen", () => {
  const missing = wholeLife.map((_, left) =>
    lifeOf(wholeLife.filter((_, index) => index !== left)).missing()
  );
  for (const [index, names] of missing.entries()) {
    assert.ok(names.length > 0, JSON.stringify(wholeLife[index]));
  }
  assert.deepEqual(missing[3], ["publishes InstanceStarted"]);
  assert.deepEqual(missing[7], ["publishes InstanceActivated once the port is open"]);
  assert.deepEqual(missing[15], ["runs the extension clean"]);
});

Deno.test("life: does not count an activation when it comes before artifacts and port", () => {
  const moved = wholeLife.filter((sighting) => sighting !== wholeLife[8]);
  moved.splice(3, 0, status("InstanceActivatedEvent"));
  assert.deepEqual(lifeOf(moved).missing(), [
    "checks the artifacts out before it publishes InstanceActivated",
    "publishes InstanceActivated once the port is open",
  ]);
});

Deno.test("life: does not count a status event when the platform dropped it", () => {
  const dropped = wholeLife.map((sighting, index) =>
    index === 3 ? status("InstanceStartedEvent", false) : sighting
  );
  assert.deepEqual(lifeOf(dropped).missing(), ["publishes InstanceStarted"]);
});

Deno.test("life: counts a refusal by a peer as something missing", () => {
  const fault: Sighting = {
    kind: "platform",
    entry: { kind: "fault", topic: "t", reason: "r", atMs: 0 },
  };
  const refused: Sighting = { kind: "refused", who: "receiver", reason: "r" };
  for (const extra of [fault, refused]) {
    assert.deepEqual(lifeOf([...wholeLife, extra]).missing(), [
      "sends nothing that a peer refuses",
    ]);
  }
});

Deno.test("life: does not count an end when stragglers or the agent's own end spoil it", () => {
  const before = wholeLife.slice(0, -1);
  const ends: Sighting[][] = [
    [{ kind: "agentEnded", stragglers: ["x"] }],
    [{ kind: "agentLost", reason: "x" }, { kind: "agentEnded", stragglers: [] }],
  ];
  for (const end of ends) {
    assert.deepEqual(lifeOf([...before, ...end]).missing(), ["ends in order"]);
  }
});

Deno.test("life: skips the steps that need what is not there, and waits for none of them", async () => {
  const life = new Life(new Set(["health"]), new FakeClock());
  assert.deepEqual(life.skipped, [
    "checks the artifacts out",
    "runs the extension ArtifactUpdatedEvent",
    "checks the artifacts out before it publishes InstanceActivated",
    "follows a new commit",
    "runs the extension ArtifactUpdatedEvent for the new commit",
  ]);
  assert.equal(await life.until(stepNames.newCommit, {}), true);
  for (const sighting of wholeLife) life.see(sighting);
  assert.deepEqual(life.missing(), []);
});

Deno.test("life: says whether a step came in time when somebody waits for it", async () => {
  const clock = new FakeClock();
  const life = new Life(new Set(), clock);
  const started = life.until(stepNames.started, { timeoutMs: 100 });
  const ready = life.until(stepNames.readyToShutdown, { timeoutMs: 100 });
  const way = life.untilWhole("up", { timeoutMs: 100 });
  await clock.untilSleeping(2);
  life.see(status("InstanceStartedEvent"));
  await clock.advance(100);
  assert.equal(await started, true);
  assert.equal(await ready, false);
  assert.equal(await way, false);
  const reason = new Error("enough");
  await assert.rejects(
    life.until(stepNames.readyToShutdown, { signal: AbortSignal.abort(reason) }),
    reason,
  );
});
