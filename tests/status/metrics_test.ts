import assert from "node:assert/strict";
import fc from "fast-check";
import type { Metric } from "../../src/status/metric.ts";
import { metricTable } from "../../src/status/metric_table.ts";
import { metricsText } from "../../src/status/metrics.ts";
import { exampleSnapshot } from "./example_snapshot.ts";
import { type Family, parseMetrics } from "./prometheus_text.ts";

function family(name: string, families = parseMetrics(metricsText(exampleSnapshot))): Family {
  const found = families.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

Deno.test("metrics: a strict reader takes every metric of the table, with its type and labels", () => {
  const families = parseMetrics(metricsText(exampleSnapshot));
  assert.deepEqual(families.map(({ name }) => name), metricTable.map(({ name }) => name));
  for (const { name, type, help, samples } of families) {
    const row = metricTable.find((each) => each.name === name)!;
    assert.equal(type, row.type);
    assert.equal(help, row.help);
    for (const { labels } of samples) assert.deepEqual(Object.keys(labels), row.labels);
  }
});

Deno.test("metrics: names follow Prometheus' conventions", () => {
  for (const { name, type, help } of metricTable) {
    assert.equal(name.endsWith("_total"), type === "counter", name);
    assert.match(name, /^(?:cartridge_agent|process)_[a-z0-9_]+$/);
    assert.doesNotMatch(name, /_(?:ms|milliseconds|percent|kb|mb|minutes)(?:_|$)/);
    assert.doesNotMatch(help, /\.$/);
  }
});

Deno.test("metrics: values are in base units", () => {
  const value = (name: string) => family(name).samples[0]?.value;
  assert.equal(value("cartridge_agent_outbox_oldest_age_seconds"), 1.5);
  assert.equal(value("cartridge_agent_memory_consumption_ratio"), 0.25);
  assert.equal(value("cartridge_agent_load_average_ratio"), 1.5);
  assert.equal(value("cartridge_agent_extension_last_duration_seconds"), 0.04);
  assert.equal(value("cartridge_agent_phase_start_time_seconds"), 1767322980.5);
  assert.equal(value("cartridge_agent_receiver_session_age_seconds"), 60);
  assert.equal(value("cartridge_agent_ready"), 0);
});

Deno.test("metrics: exactly the present phase is 1", () => {
  const { samples } = family("cartridge_agent_phase");
  assert.deepEqual(samples.filter(({ value }) => value === 1), [
    { labels: { phase: "awaitingPorts" }, value: 1 },
  ]);
  assert.equal(samples.length, 10);
});

Deno.test("metrics: label values come back as they were, whatever is in them", () => {
  assert.equal(family("cartridge_agent_info").samples[0]?.labels["member"], 'member "one"\\\nend');
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.double(), (text, value) => {
    const metric: Metric = {
      name: "cartridge_agent_x",
      type: "gauge",
      help: text,
      labels: ["l"],
      read: () => [[value, { l: text }], [1, { l: text }]],
    };
    const said = metricsText(exampleSnapshot, [{ ...metric, help: text.replaceAll(/\s/g, " ") }]);
    const [parsed] = parseMetrics(said);
    const expected = Number.isFinite(value) ? value : 1;
    assert.deepEqual(parsed?.samples, [{
      labels: { l: text.toWellFormed() },
      value: Object.is(expected, -0) ? 0 : expected,
    }]);
  }));
});

Deno.test("metrics: what has no value is left out", () => {
  const empty = { ...exampleSnapshot, health: { enabled: false, samples: [] }, lanes: [] };
  const names = parseMetrics(metricsText(empty)).map(({ name }) => name);
  assert.ok(!names.includes("cartridge_agent_load_average_ratio"));
  assert.ok(!names.includes("cartridge_agent_lane_jobs"));
});

Deno.test("metrics: docs/metrics.md names every metric with type, labels and meaning", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/metrics.md", import.meta.url));
  const rows = page.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assert.deepEqual(
    rows,
    metricTable.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(", "),
      help,
    ]),
  );
});
