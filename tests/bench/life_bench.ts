import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { embeddedPeers, type PeerKit, systemPeers } from "../e2e/peer_kit.ts";
import { canaries, openScene, type Scene } from "../e2e/scene.ts";
import { hasPeer } from "../system_peers.ts";
import { row, usageOf } from "./figures.ts";

const patience = { timeoutMs: 60_000 };
const now = () => performance.now();

/** Times of one life, in seconds. */
interface LifeTimes {
  readonly subscribed: number;
  readonly started: number;
  readonly activated: number;
  readonly ready: number;
}

/** Prints how fast the agent goes through its life and what it costs while nothing happens. */
export async function lifeBench(runs: number, idleSeconds: number): Promise<void> {
  const kit = systemPeers.needs.every(hasPeer) ? systemPeers : embeddedPeers;
  console.log(`\nThe life of an instance on ${kit.name}, shipped extensions, median (range)`);
  const lives: LifeTimes[] = [];
  for (let run = 0; run < runs; run++) lives.push(await oneLife(kit));
  const times = (name: keyof LifeTimes) => lives.map((life) => life[name]);
  console.log(row("process start → subscribed, topology asked for", "s", times("subscribed")));
  console.log(row("MemberInitialized → InstanceStarted", "s", times("started")));
  console.log(row("InstanceStarted → InstanceActivated (port open)", "s", times("activated")));
  console.log(row("clean-up → ReadyToShutdown", "s", times("ready")));
  await idle(kit, idleSeconds);
  if (!hasPeer("git")) {
    console.log("SKIPPED (Debian package git is not installed): artifacts");
    return;
  }
  for (const files of [20, 2_000]) await artifacts(kit, files, runs);
}

async function oneLife(kit: PeerKit): Promise<LifeTimes> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using scene = await openScene(kit, { home: { ports: [listener.addr.port] } });
  const { platform } = scene;
  const startMs = now();
  await scene.start();
  await platform.until("CompleteTopologyRequestEvent", patience);
  const subscribedMs = now();
  await platform.initializeMember();
  const initializedMs = now();
  await platform.until("InstanceStartedEvent", patience);
  const startedMs = now();
  await platform.until("InstanceActivatedEvent", patience);
  const activatedMs = now();
  await platform.sendCleanupMember();
  await platform.until("InstanceReadyToShutdownEvent", patience);
  return {
    subscribed: (subscribedMs - startMs) / 1000,
    started: (startedMs - initializedMs) / 1000,
    activated: (activatedMs - startedMs) / 1000,
    ready: (now() - activatedMs) / 1000,
  };
}

async function idle(kit: PeerKit, seconds: number): Promise<void> {
  await using scene = await openScene(kit, {
    home: { settings: { "stats.notifier.interval": "15" } },
  });
  const agent = await scene.start();
  await activate(scene);
  await systemClock.sleep(5_000);
  const before = await usageOf(agent.pid);
  await systemClock.sleep(seconds * 1000);
  const after = await usageOf(agent.pid);
  const perMinute = (after.cpuSeconds - before.cpuSeconds) * 60 / seconds;
  console.log(row("idle, active, health every 15 s: resident memory", "MiB", [after.rssMiB]));
  console.log(row(`idle: processor time per minute (over ${seconds} s)`, "s", [perMinute]));
}

async function activate({ platform }: Scene): Promise<void> {
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
}

async function artifacts(kit: PeerKit, count: number, runs: number): Promise<void> {
  const onDisk: number[] = [], activated: number[] = [], native: number[] = [];
  for (let run = 0; run < runs; run++) {
    const files = manyFiles(count);
    await using scene = await openScene(kit, { files, receiver: false });
    const { platform, home, remote } = scene;
    native.push(await nativeClone(remote!.url("application")));
    await scene.start();
    await platform.until("CompleteTopologyRequestEvent", patience);
    const published = platform.until(
      (entry) => entry.kind === "published" && entry.topic.endsWith("ArtifactUpdatedEvent"),
      patience,
    );
    await platform.initializeMember();
    await published;
    const startMs = now();
    const inPlace = untilAllExist(
      Object.keys(files).map((path) => join(home.applicationPath, path)),
    )
      .then(() => onDisk.push((now() - startMs) / 1000));
    await platform.until("InstanceActivatedEvent", patience);
    activated.push((now() - startMs) / 1000);
    await inPlace;
  }
  console.log(row(`native git clone --depth 1, ${count} files`, "s", native));
  console.log(row(`ArtifactUpdated → files on disk, ${count} files`, "s", onDisk));
  console.log(row(`ArtifactUpdated → InstanceActivated, ${count} files`, "s", activated));
}

/** Looks every 5 ms: a watcher of 2,000 files would cost more than what it measures. */
async function untilAllExist(paths: readonly string[]): Promise<void> {
  const missing = new Set(paths);
  while (missing.size > 0) {
    for (const path of missing) {
      if (!exists(path)) break;
      missing.delete(path);
    }
    if (missing.size > 0) await systemClock.sleep(5);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function manyFiles(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `d${n % 50}/file-${n}.txt`,
      `${n}\n`.repeat(count > 100 ? 2_000 : 100),
    ]),
  );
}

async function nativeClone(url: string): Promise<number> {
  const target = await Deno.makeTempDir({ prefix: "cartridge-agent-bench-" });
  try {
    const withUser = new URL(url);
    withUser.username = "deployer";
    withUser.password = canaries.repository;
    const startMs = now();
    const { success } = await new Deno.Command("git", {
      args: ["clone", "--quiet", "--depth", "1", withUser.href, join(target, "clone")],
    }).output();
    if (!success) throw new Error("git clone failed");
    return (now() - startMs) / 1000;
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}
