import assert from "node:assert/strict";
import { join } from "node:path";
import { renderUnit, type UnitOptions } from "../../src/cli/unit_file.ts";
import { hardeningConflicts } from "../../src/cli/unit_hardening.ts";
import type { AgentConfig } from "../../src/config/agent_config.ts";
import { runtimeScope } from "../../src/scope/runtime_scope.ts";
import { type Changes, exampleConfig } from "../scope/example_config.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const place: UnitOptions = { program: "/usr/bin/env", environment: {}, settings: [] };

function unitOf(config: AgentConfig, options: Partial<UnitOptions> = {}): readonly string[] {
  return renderUnit(config, { ...place, ...options }).split("\n");
}

function hardened(config: AgentConfig): UnitOptions {
  const scope = runtimeScope(config, { environmentNames: [], filesLookedFor: [] });
  return { ...place, user: "cartridge-agent", hardenedTo: scope };
}

const withArtifacts = {
  artifacts: { applicationPath: "/srv/www/html", allowedHosts: ["git.example.com"] },
} satisfies Changes;

Deno.test("unit: is ready when the agent is, watched, and tried again unless that mends nothing", () => {
  const lines = unitOf(exampleConfig({ lifecycle: { shutdownTimeoutMs: 20_500 } }));
  for (
    const line of [
      "Type=notify",
      "NotifyAccess=all",
      "TimeoutStartSec=infinity",
      "WatchdogSec=60",
      "Restart=on-failure",
      "RestartPreventExitStatus=64 78",
      "KillMode=process",
      "OOMPolicy=continue",
      "TimeoutStopSec=36",
      "ExecReload=/bin/kill -HUP $MAINPID",
      "ExecStart=/usr/bin/env run --home /agent --set service.manager=systemd",
      "WantedBy=multi-user.target",
    ]
  ) assert.ok(lines.includes(line), line);
});

Deno.test("unit: lets every extension work unless it is hardened", () => {
  const lines = unitOf(exampleConfig(withArtifacts));
  for (
    const fence of ["Protect", "Private", "ReadWritePaths", "SystemCall", "NoNew", "RestrictS"]
  ) {
    assert.ok(!lines.some((line) => line.startsWith(fence)), fence);
  }
  const ofUser = unitOf(exampleConfig(), { user: "www-data" });
  assert.ok(!ofUser.includes("LockPersonality=yes"), "it would forbid sudo");
  const bounds = lines.find((line) => line.startsWith("CapabilityBoundingSet=~")) ?? "";
  assert.match(bounds, /CAP_SYS_BOOT/);
  assert.doesNotMatch(bounds, /CAP_SYS_ADMIN|CAP_SYS_MODULE|CAP_NET_ADMIN|CAP_CHOWN|CAP_DAC/);
});

Deno.test("unit: what systemd would take for its own is written as text", () => {
  const config = exampleConfig({ identity: { memberId: "a%n\\\nExecStart=/bin/x" } });
  const lines = unitOf(config, {
    program: "/opt/a b/100%/agent",
    environment: { DENO: '/opt/"quoted" deno' },
    settings: ["LOG_LEVEL=DEBUG", "x=$HOME ${a} 'b' \\"],
  });
  assert.equal(lines.filter((line) => line.startsWith("ExecStart=")).length, 1);
  assert.ok(lines.includes("Description=Cartridge agent of member a_n__ExecStart__bin_x"));
  assert.ok(lines.includes('Environment="DENO=/opt/\\"quoted\\" deno"'));
  assert.ok(lines.includes(
    'ExecStart="/opt/a b/100%%/agent" run --home /agent --set LOG_LEVEL=DEBUG ' +
      "--set \"x=$$HOME $${a} 'b' \\\\\" --set service.manager=systemd",
  ));
  assert.throws(() => unitOf(exampleConfig(), { program: "/a\nUser=root" }), /control character/);
});

Deno.test("unit: the service manager of the command line cannot be another one", () => {
  const lines = unitOf(exampleConfig(), { settings: ["service.manager=none"] });
  const start = lines.find((line) => line.startsWith("ExecStart="))!;
  assert.ok(start.endsWith("--set service.manager=systemd"), start);
});

Deno.test("hardened unit: what is renamed into place has no mount point on its way", () => {
  const writable = (artifacts: Changes["artifacts"]) => {
    const config = exampleConfig({ artifacts: { ...withArtifacts.artifacts, ...artifacts } });
    return unitOf(config, hardened(config)).filter((line) => line.startsWith("ReadWritePaths=-"))
      .map((line) => line.slice("ReadWritePaths=-".length));
  };
  const always = ["/agent/logs", "/agent/state"];
  assert.deepEqual(writable({}).toSorted(), [...always, "/srv/www/html"]);
  for (const changes of [{ publish: "symlink" }, { backupInitial: true }] as const) {
    assert.deepEqual(writable(changes).toSorted(), [...always, "/srv/www"]);
  }
});

Deno.test("hardened unit: servers of extensions can be reached from everywhere", () => {
  const config = exampleConfig({ broker: { urls: [{ host: "10.0.0.1", port: 1883 }] } });
  assert.ok(!unitOf(config, hardened(config)).some((line) => /^IPAddress/.test(line)));
});

Deno.test("hardened unit: only ports below 1024 are worth a capability", () => {
  const low = exampleConfig({ lifecycle: { ports: [443, 8080] } });
  const lines = unitOf(low, hardened(low));
  assert.ok(lines.includes("AmbientCapabilities=CAP_NET_BIND_SERVICE"));
  assert.ok(!lines.includes("PrivateUsers=yes"), "it would not count");
  const high = exampleConfig({ lifecycle: { ports: [8080] } });
  const without = unitOf(high, hardened(high));
  assert.ok(without.includes("AmbientCapabilities=") && without.includes("PrivateUsers=yes"));
});

Deno.test("hardened unit: hides homes unless something needed is in one", () => {
  const protectHome = (home: string) => {
    const { paths } = exampleConfig();
    const config = exampleConfig({ paths: { ...paths, home, stateDir: `${home}/state` } });
    return unitOf(config, hardened(config)).find((line) => line.startsWith("ProtectHome="));
  };
  assert.equal(protectHome("/opt/agent"), "ProtectHome=yes");
  assert.equal(protectHome("/home/agent"), "ProtectHome=read-only");
});

Deno.test("hardened unit: what it would break is named", () => {
  assert.deepEqual(hardeningConflicts(exampleConfig(withArtifacts)), []);
  const conflicts = hardeningConflicts(exampleConfig({
    lifecycle: {
      persistenceMapping: "/dev/vdb|1|/data",
      lvsVirtualIp: { ip: "10.0.0.9", subnetMask: "255.255.255.0" },
    },
    artifacts: { applicationPath: "/app", allowedHosts: ["git.example.com"], backupInitial: true },
  })).join("\n");
  for (const word of [/VolumeMount/, /CreateLVSDummyInterface.*modprobe/, /\/app/]) {
    assert.match(conflicts, word);
  }
});

const variants: readonly (readonly [string, Changes])[] = [
  ["the smallest configuration", {}],
  ["health, artifacts and low ports", {
    ...withArtifacts,
    health: { enabled: true },
    lifecycle: { ports: [80] },
  }],
];

for (const [name, changes] of variants) {
  for (const isHardened of [false, true]) {
    const title = `${isHardened ? "hardened unit" : "unit"} for ${name}`;
    peerTest(`${title}: satisfies systemd-analyze`, ["systemd"], async () => {
      await using directory = await temporaryDirectory();
      const config = exampleConfig(changes);
      const path = join(directory.path, "cartridge-agent.service");
      const unit = renderUnit(config, isHardened ? hardened(config) : place);
      await Deno.writeTextFile(path, unit);
      const verified = await analyze("verify", path);
      assert.deepEqual(verified, { code: 0, output: "" });
      const { output } = await analyze("security", "--offline=true", "--no-pager", path);
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(output)?.[1]);
      console.log(`${title}: exposure ${exposure}`);
      if (isHardened) assert.ok(exposure <= 2, output);
      const strict = await analyze("verify", await broken(directory.path, unit));
      assert.notEqual(strict.output, "", "and it would notice");
    });
  }
}

async function broken(directory: string, unit: string): Promise<string> {
  const path = join(directory, "broken.service");
  await Deno.writeTextFile(path, unit.replace("KillMode=process", "KillMood=process"));
  return path;
}

async function analyze(...args: string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args,
    env: { SYSTEMD_COLORS: "0", LC_ALL: "C" },
    stdin: "null",
  }).output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
