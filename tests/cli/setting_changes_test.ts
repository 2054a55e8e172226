import assert from "node:assert/strict";
import { join } from "node:path";
import { settingChanges } from "../../src/cli/setting_changes.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load_config.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const ids = [
  "APPLICATION_ID",
  "SERVICE_NAME",
  "CLUSTER_ID",
  "CLUSTER_INSTANCE_ID",
  "MEMBER_ID",
  "NETWORK_PARTITION_ID",
  "PARTITION_ID",
];
const first = {
  "mb.urls": "broker.example.com:1883",
  "mb.username": "agent",
  "mb.password": "first-password",
  "stats.notifier.interval": "15",
  "extension.timeout.StartServers": "60",
  "cep.stats.publisher.enabled": "false",
};

/** A home whose agent.conf has these settings besides the first ones; null leaves one out. */
async function load(
  home: string,
  changes: Readonly<Record<string, string | null>> = {},
): Promise<LoadedConfig> {
  const settings = Object.entries({ ...first, ...changes }).filter(([, value]) => value !== null);
  await Deno.writeTextFile(
    join(home, "agent.conf"),
    `[agent]\n${settings.map(([key, value]) => `${key} = ${value}\n`).join("")}`,
  );
  await Deno.mkdir(join(home, "payload"), { recursive: true });
  await Deno.writeTextFile(
    join(home, "payload", "launch-params"),
    [...ids.map((id) => `${id}=x`), "TENANT_ID=-1234", "MULTITENANT=false"].join(","),
  );
  return await loadConfig({ home, cwd: home, readEnv: () => undefined });
}

/** Their defaults are the broker's host. */
const followers = ["thrift.receiver.urls", "thrift.receiver.ip", "monitoring.server.ip"];

const cases: readonly {
  readonly title: string;
  readonly changes: Readonly<Record<string, string | null>>;
  readonly applied?: readonly string[];
  readonly pending?: readonly string[];
}[] = [
  { title: "nothing", changes: {} },
  {
    title: "an interval",
    changes: { "stats.notifier.interval": "30" },
    applied: ["stats.notifier.interval=30"],
  },
  {
    title: "the update interval and the level",
    changes: { "artifact.update.interval": "77", "LOG_LEVEL": "DEBUG" },
    applied: ["LOG_LEVEL=DEBUG", "artifact.update.interval=77"],
  },
  {
    title: "time limits of extensions, that of one event among them",
    changes: { "extension.timeout": "5", "extension.timeout.StartServers": "7" },
    applied: ["extension.timeout=5", "extension.timeout.StartServers=7"],
  },
  {
    title: "the time limit of one event taken away",
    changes: { "extension.timeout.StartServers": null },
    applied: ["extension.timeout.StartServers=-"],
  },
  {
    title: "the broker",
    changes: { "mb.urls": "other.example.com:1883" },
    pending: ["mb.urls", ...followers],
  },
  {
    title: "a password, which no row shows",
    changes: { "mb.password": "second-password" },
    pending: ["broker.password"],
  },
  {
    title: "both kinds",
    changes: { "mb.urls": "other.example.com:1883", "extension.grace": "3" },
    applied: ["extension.grace=3"],
    pending: ["mb.urls", ...followers],
  },
];
for (const { title, changes, applied = [], pending = [] } of cases) {
  Deno.test(`setting changes: tells what changed with ${title}`, async () => {
    await using home = await temporaryDirectory();
    const before = await load(home.path);
    const found = settingChanges(before, await load(home.path, changes));
    assert.deepEqual([...found.applied].sort(), [...applied].sort());
    assert.deepEqual(found.pending, pending);
    assert.doesNotMatch(JSON.stringify(found), /first-password|second-password/);
  });
}
