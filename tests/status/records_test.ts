import assert from "node:assert/strict";
import { ArtifactRecord } from "../../src/status/artifact_record.ts";
import { ExtensionRecord } from "../../src/status/extension_record.ts";
import { readiness } from "../../src/status/readiness.ts";
import { RecentHealth } from "../../src/status/recent_health.ts";
import { shownLine } from "../../src/status/shown_line.ts";
import { laneStatuses } from "../../src/status/stuck_lane.ts";

const same = (text: string) => text;

Deno.test("readiness: needs connection, subscription and lanes that move", () => {
  const good = { connected: true, subscribed: true, lanes: [] };
  assert.deepEqual(readiness(good), { ready: true, reasons: [] });
  assert.deepEqual(readiness({ ...good, connected: false }).reasons, ["not connected to a broker"]);
  assert.deepEqual(readiness({ ...good, subscribed: false }).reasons, ["not subscribed yet"]);
  const stuck = {
    name: "topology",
    depth: 2,
    running: "extension X",
    runningMs: 9_000,
    stuck: true,
  };
  assert.deepEqual(readiness({ ...good, lanes: [stuck, { ...stuck, stuck: false }] }), {
    ready: false,
    reasons: ["lane topology is stuck: extension X runs for 9 s"],
  });
});

Deno.test("lanes: are stuck beyond the limit of their job, and of no part of it a while ago", () => {
  const lane = (runningMs: number) => [{ name: "a", depth: 1, running: "job", runningMs }];
  const isStuck = (runningMs: number, limit: { limitMs: number; quietMs?: number } | undefined) =>
    laneStatuses(lane(runningMs), () => limit)[0]?.stuck;
  assert.equal(isStuck(101, { limitMs: 100 }), true);
  assert.equal(isStuck(100, { limitMs: 100 }), false);
  assert.equal(isStuck(1e9, undefined), false);
  assert.equal(isStuck(101, { limitMs: 100, quietMs: 50 }), false);
  assert.equal(isStuck(101, { limitMs: 100, quietMs: Infinity }), true);
  assert.equal(laneStatuses([{ name: "a", depth: 1 }], () => ({ limitMs: 0 }))[0]?.stuck, false);
});

Deno.test("lanes: come with the one that runs longest first", () => {
  const lanes = [1, 3, 2].map((runningMs) => ({
    name: `${runningMs}`,
    depth: 1,
    running: "x",
    runningMs,
  }));
  assert.deepEqual(laneStatuses(lanes, () => undefined).map(({ name }) => name), ["3", "2", "1"]);
});

Deno.test("health: keeps an hour, thinned out, the newest always", () => {
  const health = new RecentHealth();
  const startMs = Date.UTC(2026, 0, 1);
  for (let second = 0; second <= 7200; second += 2) {
    health.add({ timeMs: startMs + second * 1000, memoryPercent: second });
  }
  const { samples } = health;
  assert.ok(samples.length > 300 && samples.length <= 362, String(samples.length));
  assert.equal(samples.at(-1)?.memoryPercent, 7200);
  assert.ok(Date.parse(samples[0]!.at) >= startMs + 3_600_000);
  assert.deepEqual(samples.map(({ at }) => at), samples.map(({ at }) => at).toSorted());
});

Deno.test("health: keeps every sample of a usual interval", () => {
  const health = new RecentHealth();
  for (let count = 0; count < 20; count++) {
    health.add({ timeMs: count * 15_000, loadPercent: count });
  }
  assert.deepEqual(health.samples.map(({ loadPercent }) => loadPercent), [...Array(20).keys()]);
});

Deno.test("extensions: the last run of each script counts all of them", () => {
  const record = new ExtensionRecord((text) => text.replaceAll("canary", "***"));
  const run = { event: "E", script: "a.sh", status: 0, ms: 5, output: ["one"] } as const;
  record.add(run, 0);
  record.add({ ...run, status: 1, output: ["canary"] }, 1000);
  record.add({ ...run, script: "b.sh", status: "cancelled" }, 2000);
  record.add({ ...run, script: "c.sh", status: "timed-out" }, 2500);
  record.add(run, 3000);
  const [last, c, b] = record.runs;
  assert.deepEqual([last?.script, last?.runs, last?.failures, last?.output], ["a.sh", 3, 1, [
    "one",
  ]]);
  assert.equal(last?.at, "1970-01-01T00:00:03.000Z");
  assert.deepEqual([c?.failures, b?.failures], [1, 0]);
  record.add({ ...run, output: ["a canary"] }, 4000);
  assert.deepEqual(record.runs[0]?.output, ["a ***"]);
});

Deno.test("extensions: no more scripts are kept than there can be", () => {
  const record = new ExtensionRecord(same);
  for (let count = 0; count < 1000; count++) {
    record.add({ event: "E", script: `${count}`, status: 0, ms: 1, output: [] }, 0);
  }
  assert.equal(record.runs.length, 200);
  assert.equal(record.runs[0]?.script, "999");
});

Deno.test("artifacts: changes add up, and undefined takes a value away", () => {
  const record = new ArtifactRecord((text) => text.replaceAll("canary", "***"));
  record.change(1, { repository: "https://h/canary", destination: "/a", state: "working" });
  record.change(1, { lastError: "no canary", state: "failed" });
  assert.deepEqual(record.statuses(() => undefined), [{
    tenantId: 1,
    repository: "https://h/***",
    destination: "/a",
    state: "failed",
    lastError: "no ***",
    conflictRefs: [],
  }]);
  record.change(1, { lastError: undefined, state: "inStep", files: 3 });
  record.keep(1, "refs/a");
  record.keep(1, "refs/b");
  record.keep(1, "refs/a");
  const progress = { phase: "writing", files: 1, filesTotal: 2 };
  const [status] = record.statuses(() => progress);
  assert.equal(status?.lastError, undefined);
  assert.equal(status?.state, "working");
  assert.deepEqual(status?.progress, progress);
  assert.deepEqual(status?.conflictRefs, ["refs/b", "refs/a"]);
});

Deno.test("shown line: a secret at the cut does not come through in part", () => {
  const redact = (text: string) => text.replaceAll("canary-secret", "***");
  assert.equal(shownLine(`${"x".repeat(95)}canary-secret`, redact, 100), `${"x".repeat(95)}***`);
  assert.equal(shownLine("a\u001b[31m\r\nb\u2028c", same), "a [31m b c");
  assert.equal(shownLine("x".repeat(400), same).length, 300);
  assert.ok(shownLine("😀".repeat(400), same).isWellFormed());
});
