import assert from "node:assert/strict";
import { Reload } from "../../src/cli/reload.ts";
import { ReloadBell } from "../../src/cli/reload_bell.ts";
import { ReopenedLogs } from "../../src/cli/reopened_logs.ts";
import type { LoadedConfig } from "../../src/config/load_config.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { memoryLog } from "../memory_log.ts";

/** A configuration whose rows are these settings. */
function loaded(
  settings: Readonly<Record<string, string>>,
  warnings: readonly string[] = [],
): LoadedConfig {
  const rows = Object.entries(settings)
    .map(([key, value]) => ({ section: "", key, value, source: "" }));
  const config = exampleConfig();
  return { config, warnings, debug: [], filesLookedFor: [], describe: () => rows };
}

const started = loaded({ "stats.notifier.interval": "15", "mb.urls": "one:1883" });

/** A reload whose loads give what a list says, one after the other. */
function reloadOf(loads: (() => Promise<LoadedConfig>)[]) {
  const log = memoryLog();
  const applied: LoadedConfig["config"][] = [];
  const load = () => loads.shift()!();
  const apply = (config: LoadedConfig["config"]) => Promise.resolve(void applied.push(config));
  return { log, applied, reload: new Reload({ started, load, apply, log }) };
}

Deno.test("reload: applies what can be and names what needs a restart, each time again", async () => {
  const next = loaded({ "stats.notifier.interval": "30", "mb.urls": "two:1883" });
  const { log, applied, reload } = reloadOf([
    () => Promise.resolve(next),
    () => Promise.resolve(next),
  ]);
  reload.ask();
  await reload.settled();
  assert.deepEqual(applied, [next.config]);
  assert.deepEqual(log.records.map(({ level, message }) => `${level}: ${message}`), [
    "info: The configuration was read again; logs are opened anew, applied: " +
    "stats.notifier.interval=30",
    "warning: Changed settings that need a restart of the agent: mb.urls",
  ]);
  reload.ask();
  await reload.settled();
  assert.match(log.records[2]!.message, /no other change to apply$/);
  assert.match(log.records[3]!.message, /need a restart of the agent: mb\.urls$/);
});

Deno.test("reload: repeats no warning that stands, and tells of new ones", async () => {
  const warned = loaded({}, ["one", "two"]);
  const { log, reload } = reloadOf([() => Promise.resolve(warned), () => Promise.resolve(warned)]);
  reload.ask();
  await reload.settled();
  reload.ask();
  await reload.settled();
  const warnings = log.records.filter(({ level }) => level === "warning");
  assert.deepEqual(warnings.map(({ message }) => message).slice(0, 2), ["one", "two"]);
  assert.equal(warnings.filter(({ message }) => message === "two").length, 1);
});

Deno.test("reload: keeps the configuration before when the new one is wrong, and can go on", async () => {
  const { log, applied, reload } = reloadOf([
    () => Promise.reject(new Error("stats.notifier.interval: -1")),
    () => Promise.resolve(started),
  ]);
  reload.ask();
  await reload.settled();
  assert.deepEqual(applied, []);
  assert.match(log.text(), /^error .*not applied, the one before stays: stats\.notifier\.interval/);
  reload.ask();
  await reload.settled();
  assert.equal(applied.length, 1);
});

Deno.test("reload: asked several times while it is at work, goes once more", async () => {
  const held = Promise.withResolvers<LoadedConfig>();
  const never = () => Promise.reject(new Error("loaded a third time"));
  const { log, applied, reload } = reloadOf([
    () => held.promise,
    () => Promise.resolve(started),
    never,
  ]);
  for (let time = 0; time < 5; time++) reload.ask();
  held.resolve(started);
  await reload.settled();
  assert.equal(applied.length, 2, log.text());
});

Deno.test("reload bell: is heard once by who listens late, and each time afterwards", () => {
  const bell = new ReloadBell();
  let heard = 0;
  bell.ring();
  bell.ring();
  bell.listen(() => heard++);
  assert.equal(heard, 1);
  bell.ring();
  assert.equal(heard, 2);
  bell.listen(() => {});
  assert.equal(heard, 2);
});

Deno.test("reopened logs: write what was said meanwhile, under its own name, to the new ones", async () => {
  const [before, after] = [memoryLog(""), memoryLog("")];
  const gate = Promise.withResolvers<void>();
  let closed = 0;
  const opening = (log: typeof before) => () =>
    Promise.resolve({
      log,
      warnings: [],
      [Symbol.asyncDispose]: () => {
        closed++;
        return gate.promise;
      },
    });
  const logs = await ReopenedLogs.open(opening(before));
  const part = logs.log.child("broker").child("outbox");
  part.info("one");
  const reopened = logs.reopen(opening(after));
  assert.equal(closed, 1);
  for (let line = 0; line < 1_001; line++) part.warning(`line ${line}`);
  gate.resolve();
  await reopened;
  part.error("last");
  assert.equal(before.text(), "info broker.outbox one");
  const lines = after.text().split("\n");
  assert.equal(lines[0], "warning broker.outbox line 0");
  assert.equal(lines[999], "warning broker.outbox line 999");
  assert.match(lines[1000]!, /1 lines left out/);
  assert.equal(lines[1001], "error broker.outbox last");
  await logs[Symbol.asyncDispose]();
  assert.equal(closed, 2);
});
