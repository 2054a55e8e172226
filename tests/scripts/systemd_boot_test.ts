/**
 * The printed unit under a systemd of its own, first process of its namespaces. Needs root, a writable
 * cgroup hierarchy and a machine that was not started by systemd; elsewhere it is skipped.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reasonOf } from "../../src/base/errors.ts";
import { untilFile } from "../e2e/extension_runs.ts";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { openScene, patience, type Scene } from "../e2e/scene.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const unit = "cartridge-agent.service";
const targets = ["default", "sysinit", "basic", "shutdown", "network-online"];

/** A server that outlives its script and who started it. */
const serverScript = `#!/bin/sh
home=$(dirname "$0")/../..
[ -e "$home/logs/server.pid" ] && exit 0
sleep 600 >/dev/null 2>&1 &
echo $! >"$home/logs/server.pid"
`;

interface Systemd extends AsyncDisposable {
  /** Runs a program beside it. */
  run(...command: string[]): Promise<{ readonly code: number; readonly text: string }>;
}

const spaces = ["mount", "pid", "fork", "kill-child", "cgroup", "uts", "ipc", "mount-proc"]
  .map((space) => `--${space}`);

/** Why no systemd can be started here; undefined when one has been. */
async function whyNoSystemd(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "root is needed";
  if (Deno.readTextFileSync("/proc/1/comm").trim() === "systemd") return "the machine runs systemd";
  try {
    await using directory = await temporaryDirectory();
    await using _systemd = await startSystemd(directory.path);
    return undefined;
  } catch (error) {
    return `no systemd can be started here: ${reasonOf(error)}`;
  }
}

async function startSystemd(unitPath: string): Promise<Systemd> {
  for (const target of targets) {
    const text = "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n";
    await Deno.writeTextFile(join(unitPath, `${target}.target`), text);
  }
  const boot = "mount -t tmpfs none /run && mkdir /run/systemd && exec /lib/systemd/systemd " +
    "--system --log-target=console --log-level=err --show-status=no";
  const child = new Deno.Command("unshare", {
    args: [...spaces, "sh", "-c", boot],
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", container: "test", SYSTEMD_UNIT_PATH: unitPath },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const end = async () => {
    child.kill("SIGKILL");
    await child.status;
  };
  const pid = async () => {
    const path = `/proc/${child.pid}/task/${child.pid}/children`;
    return (await Deno.readTextFile(path).catch(() => "")).trim();
  };
  const run = async (...command: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command("nsenter", {
      args: ["-t", await pid(), "-m", "-p", ...command],
      env: { SYSTEMD_PAGER: "", LC_ALL: "C" },
    }).output();
    const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, text: `${out}${errors}`.trim() };
  };
  for (let look = 0; look < 50; look++) {
    if (await pid() !== "" && (await run("systemctl", "is-active", "default.target")).code === 0) {
      return { run, [Symbol.asyncDispose]: end };
    }
    await pause(100);
  }
  await end();
  throw new Error("systemd did not come up");
}

const missing = await whyNoSystemd();

for (const [title, ...options] of [["unit"], ["hardened unit", "--hardened", "--user=root"]]) {
  const name = `systemd: the ${title} runs an agent, watches it, and lets its servers live`;
  if (missing !== undefined) console.log(`SKIPPED (${missing}): ${name}`);
  Deno.test({ name, ignore: missing !== undefined }, async () => {
    await using directory = await temporaryDirectory();
    await using systemd = await startSystemd(directory.path);
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      files: { "index.html": "hello" },
      home: { extensions: { "bash/StartServers.sh": serverScript } },
    });
    const text = await printed(scene.home.path, options);
    // Nobody wants to wait for a minute here.
    const impatient = text.replace(/^WatchdogSec=.*$/m, "WatchdogSec=8");
    await Deno.writeTextFile(join(directory.path, unit), impatient);
    const show = async (property: string) =>
      (await systemd.run("systemctl", "show", unit, "--value", "-p", property)).text;
    const context = async () => (await systemd.run("systemctl", "status", unit)).text;

    assert.equal((await systemd.run("systemctl", "daemon-reload")).code, 0);
    const started = await systemd.run("systemctl", "start", unit);
    assert.equal(started.code, 0, `${started.text}\n${await context()}`);
    assert.match(await show("StatusText"), /^(?!booting)\w+/, "ready is subscribed");
    await becomeActive(scene);
    assert.equal(
      await Deno.readTextFile(join(scene.home.applicationPath, "index.html")),
      "hello",
    );
    const server = (await untilFile(join(scene.home.path, "logs", "server.pid"), (pid) =>
      pid.endsWith("\n"))).trim();
    const serverLives = async () =>
      (await systemd.run("kill", "-0", server)).code === 0;

    assert.equal((await systemd.run("systemctl", "restart", unit)).code, 0, await context());
    assert.ok(await serverLives(), "after a restart");
    assert.equal(await show("NRestarts"), "0");

    const main = await show("MainPID");
    await systemd.run("kill", "-STOP", main);
    for (let look = 0; look < 300 && await show("NRestarts") === "0"; look++) await pause(100);
    assert.equal(await show("NRestarts"), "1", "an agent that stands still is started anew");
    for (let look = 0; look < 300 && await show("ActiveState") !== "active"; look++) {
      await pause(100);
    }
    assert.equal(await show("ActiveState"), "active", await context());
    assert.notEqual(await show("MainPID"), main);
    assert.ok(await serverLives(), "after the death of its agent");

    assert.equal((await systemd.run("systemctl", "stop", unit)).code, 0);
    assert.equal(await show("Result"), "success");
    assert.equal(await show("ExecMainStatus"), "0");
    assert.ok(await serverLives(), "after the end of its agent");

    await Deno.remove(join(scene.home.path, "agent.conf"));
    await Deno.remove(join(scene.home.path, "payload", "launch-params"));
    assert.notEqual((await systemd.run("systemctl", "start", unit)).code, 0);
    assert.equal(await show("ExecMainStatus"), "78");
    assert.equal(await show("ActiveState"), "failed", "trying again mends nothing");
  });
}

async function printed(home: string, options: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(join(project, "scripts/agent"), {
    args: ["systemd-unit", "--home", home, ...options],
    env: { DENO: Deno.execPath() },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function becomeActive({ platform }: Scene): Promise<void> {
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
