import assert from "node:assert/strict";
import { LiveConfig, liveSettings } from "../../src/agent/live_settings.ts";
import { runUpdateLoop } from "../../src/artifacts/update_loop.ts";
import { HealthPublisher } from "../../src/cep/health_publisher.ts";
import type { AgentConfig } from "../../src/config/agent_config.ts";
import { sections } from "../../src/config/fields.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

Deno.test("live settings: are those of the newest configuration, all else stays", () => {
  const first = exampleConfig({ health: { enabled: true, intervalMs: 1_000 } });
  const live = new LiveConfig(first);
  const health = live.section("health", first.health);
  live.take(exampleConfig({ health: { enabled: false, intervalMs: 2_000 } }));
  assert.deepEqual({ ...health }, { ...first.health, intervalMs: 2_000 });
});

Deno.test("live settings: are settings that there are", () => {
  const keys = new Set(
    sections.flatMap((section) => section.fields.map((field) => field.family ?? field.key)),
  );
  const config = exampleConfig();
  for (const { key, path } of liveSettings) {
    assert.ok(keys.has(key), key);
    const [section, name] = path.split(".") as [keyof AgentConfig, string];
    assert.ok(name in (config[section] ?? {}), path);
  }
});

Deno.test("update loop: takes over another interval with the next round", async () => {
  const first = exampleConfig({ artifacts: { updateIntervalMs: 10_000 } });
  const live = new LiveConfig(first);
  const config = live.section("artifacts", first.artifacts);
  const clock = new FakeClock();
  const abort = new AbortController();
  const times: number[] = [];
  const ended = runUpdateLoop({
    update: () => Promise.resolve(void times.push(clock.monotonicMs())).then(() => false),
    onUpdate: () => {},
    get intervalMs() {
      return config.updateIntervalMs;
    },
    log: memoryLog(),
    clock,
    random: () => 0.5,
  }, abort.signal).catch(() => {});
  await clock.untilSleeping();
  live.take(exampleConfig({ artifacts: { updateIntervalMs: 3_000 } }));
  await clock.advance(10_000);
  await clock.untilSleeping();
  await clock.advance(3_000);
  await clock.untilSleeping();
  abort.abort();
  await ended;
  assert.deepEqual(times.map((ms) => ms - times[0]!), [0, 3_000]);
});

Deno.test("health: takes over another interval with the next sample", async () => {
  const first = exampleConfig({ health: { enabled: true, intervalMs: 10_000 } });
  const live = new LiveConfig(first);
  const clock = new FakeClock();
  const times: number[] = [];
  await using health = new HealthPublisher({
    cep: { ...first.cep, groups: [] },
    health: live.section("health", first.health),
    identity: first.identity,
    launcher: "/nowhere/launcher",
    reader: { read: () => Promise.resolve({}) },
    onSample: () => times.push(clock.monotonicMs()),
    log: memoryLog(),
    clock,
    random: () => 0,
  });
  health.start();
  await clock.untilSleeping();
  live.take(exampleConfig({ health: { enabled: true, intervalMs: 4_000 } }));
  await clock.advance(10_000);
  await clock.untilSleeping();
  await clock.advance(4_000);
  await clock.untilSleeping();
  assert.deepEqual(times.map((ms) => ms - times[0]!), [0, 10_000, 14_000]);
});
