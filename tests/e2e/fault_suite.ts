import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { freePort } from "../mosquitto.ts";
import type { HomeOptions } from "../../src/sandbox/home.ts";
import {
  holdingScript,
  sayingScript,
  untilFile,
  untilLogged,
  untilSaid,
} from "./extension_runs.ts";
import type { PeerKit } from "./peer_kit.ts";
import {
  openScene,
  patience,
  type Scene,
  type SceneOptions,
  sequence,
  wholeLife,
} from "./scene.ts";

/** A moment in the agent's life, and how a test recognises it from outside. */
interface Moment {
  readonly name: string;
  /** Brings the agent there and resolves when it is. */
  readonly reach: (scene: Scene) => Promise<void>;
  /** An extension that does not end while the file `hold` is there. */
  readonly holds?: string;
  /** The clean-up is asked for before the kill. */
  readonly cleaning?: boolean;
  /** What the scene has beside the usual. */
  readonly scene?: Pick<SceneOptions, "files" | "front"> & Pick<HomeOptions, "launchParameters">;
  /** Done before the agent is started for the first time. */
  readonly prepare?: (scene: Scene) => void;
  /** What the world does once the agent was killed, before it is started again. */
  readonly between?: (scene: Scene) => void;
  /** What the platform does once it was started again. */
  readonly after?: (scene: Scene) => Promise<void>;
}

const repositoryFiles = { "index.html": "first" };

const initialized = async ({ platform }: Scene) => {
  await platform.until("CompleteTopologyRequestEvent", patience);
  await platform.initializeMember();
};

const marked = (event: string) => async (scene: Scene) => {
  await initialized(scene);
  await untilMark(scene, event);
};

const moments: readonly Moment[] = [
  {
    name: "it waits for the topology",
    reach: async ({ platform }) => {
      await platform.until("CompleteTopologyRequestEvent", patience);
    },
    after: initialized,
  },
  {
    name: "it waits for initialized",
    reach: async (scene) => void await untilLogged(scene.home, "→ awaitingInitialized"),
    after: async ({ home, platform }) => {
      await untilLogged(home, "→ awaitingInitialized");
      await platform.initializeMember();
    },
  },
  {
    name: "InstanceStartedEvent runs",
    reach: marked("InstanceStartedEvent"),
    holds: "InstanceStartedEvent",
  },
  { name: "StartServers runs", reach: marked("StartServers"), holds: "StartServers" },
  {
    name: "VolumeMount runs",
    reach: marked("VolumeMount"),
    holds: "VolumeMount",
    scene: { launchParameters: { PERSISTENCE_MAPPING: "/dev/vdb|/mnt/data" } },
  },
  {
    name: "it waits for artifacts",
    prepare: ({ platform }) => platform.setRepositories([]),
    reach: async (scene) => {
      await initialized(scene);
      await untilLogged(scene.home, "→ awaitingArtifacts");
    },
    between: ({ platform, repositories }) => platform.setRepositories(repositories),
    scene: { files: repositoryFiles },
  },
  {
    name: "it fetches artifacts",
    reach: async (scene) => {
      const fetching = scene.front!.hold();
      await initialized(scene);
      await fetching;
    },
    between: ({ front }) => front!.release(),
    scene: { files: repositoryFiles, front: true },
  },
  {
    name: "it waits for the ports",
    reach: async (scene) => {
      await initialized(scene);
      await scene.platform.until("InstanceStartedEvent", patience);
    },
  },
  {
    name: "it is active",
    reach: async (scene) => {
      await initialized(scene);
      await scene.platform.until("InstanceActivatedEvent", patience);
    },
  },
  {
    name: "clean runs",
    reach: async (scene) => {
      await initialized(scene);
      await scene.platform.until("InstanceActivatedEvent", patience);
      await scene.platform.sendCleanupMember();
      await untilMark(scene, "clean");
    },
    holds: "clean",
    cleaning: true,
  },
  {
    name: "it is ready to shut down",
    reach: async (scene) => {
      await initialized(scene);
      await scene.platform.until("InstanceActivatedEvent", patience);
      await scene.platform.sendCleanupMember();
      await scene.platform.until("InstanceReadyToShutdownEvent", patience);
    },
    cleaning: true,
  },
];

/** What can go wrong around the agent. */
export function faultSuite(kit: PeerKit): void {
  for (const moment of moments) {
    peerTest(
      `crash: on ${kit.name} an agent killed while ${moment.name} ends in the right sequence`,
      moment.scene?.files ? [...kit.needs, "git"] : kit.needs,
      () => killedAt(kit, moment),
    );
  }

  peerTest(
    `broker: on ${kit.name} a status event that is due while it is down arrives`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, {
        receiver: false,
        home: { extensions: holding(["StartServers"]) },
      });
      const { platform, broker, home } = scene;
      await Deno.writeTextFile(join(home.path, "marks"), "");
      await Deno.writeTextFile(join(home.path, "hold"), "");
      await scene.start();
      await marked("StartServers")(scene);
      await broker.stop();
      await Deno.remove(join(home.path, "hold"));
      // Activated is written while nobody listens.
      await untilFile(join(home.stateDir, "lifecycle.json"), (text) => text.includes("activated"));
      await broker.restart();
      await platform.until("InstanceActivatedEvent", patience);
      assert.deepEqual(sequence(platform), wholeLife.slice(0, 2));
      assert.deepEqual(platform.faults, []);
    },
  );

  peerTest(
    `broker: on ${kit.name} the second is used when the first is dead`,
    kit.needs,
    async () => {
      const says = sayingScript(["STRATOS_MB_IP", "STRATOS_MB_PORT"]);
      await using scene = await openScene(kit, {
        receiver: false,
        home: { extensions: { "bash/StartServers.sh": says } },
      });
      const { platform, broker, home } = scene;
      await setSetting(home.path, "mb.urls", `127.0.0.1:${freePort()},127.0.0.1:${broker.port}`);
      await scene.start();
      await initialized(scene);
      await platform.until("InstanceActivatedEvent", patience);
      assert.equal(
        await untilSaid(home, "StartServers"),
        `StartServers 127.0.0.1 ${broker.port}`,
        "extensions are told of the one in use",
      );
      assert.deepEqual(platform.faults, []);
    },
  );

  peerTest(
    `broker: on ${kit.name} a wrong password is said in one error that does not show it`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, { receiver: false });
      const { home } = scene;
      await setSetting(home.path, "mb.password", "wrong-canary-password");
      const agent = await scene.start();
      const errors = join(home.logDir, "error.log");
      const text = await untilFile(errors, (content) => content.includes("ERROR"));
      assert.match(text, /check mb\.username/);
      assert.ok(!text.includes("wrong-canary-password"));
      // Attempts after the first come at least ten seconds apart: none may follow here.
      const debug = await Deno.readTextFile(join(home.logDir, "agent.log"));
      assert.equal(await agent.end(), 0);
      const all = await Deno.readTextFile(errors);
      assert.equal(all.split(" ERROR ").length - 1, 1, all + debug);
    },
  );

  peerTest(
    `cep: on ${kit.name} health goes on when the receiver comes late, restarts or forgets`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, {
        home: { settings: { "stats.notifier.interval": "1" } },
      });
      const { platform, receiver } = scene;
      await receiver!.stop();
      await scene.start();
      await initialized(scene);
      await platform.until("InstanceActivatedEvent", patience);
      const late = scene.nextHealth("load_average");
      await receiver!.start();
      assert.ok(Number.isFinite(await late));
      await receiver!.expireSessions();
      assert.ok(
        Number.isFinite(await scene.nextHealth("load_average")),
        "after the session expired",
      );
      await receiver!.stop();
      const again = scene.nextHealth("memory_consumption");
      await receiver!.start();
      assert.ok(Number.isFinite(await again), "after a restart");
      assert.deepEqual(platform.faults, []);
    },
  );
}

async function killedAt(kit: PeerKit, moment: Moment): Promise<void> {
  const holds = moment.holds ? [moment.holds] : [];
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = moment.name === "it waits for the ports" ? [freePort()] : [listener.addr.port];
  const { files, front = false, ...further } = moment.scene ?? {};
  await using scene = await openScene(kit, {
    receiver: false,
    front,
    ...(files ? { files } : {}),
    home: { ports, extensions: holding(holds), recordedEvents: ["clean"], ...further },
  });
  const { platform, home } = scene;
  moment.prepare?.(scene);
  await Deno.writeTextFile(join(home.path, "marks"), "");
  if (moment.holds) await Deno.writeTextFile(join(home.path, "hold"), "");
  const agent = await scene.start();
  await moment.reach(scene);
  await agent.kill();
  if (moment.holds) await Deno.remove(join(home.path, "hold"));
  moment.between?.(scene);
  // What is awaited in the log is what the second agent writes.
  await Deno.remove(join(home.logDir, "agent.log"));

  using _application = ports[0] === listener.addr.port
    ? undefined
    : Deno.listen({ hostname: "127.0.0.1", port: ports[0]! });
  await scene.start();
  if (!moment.cleaning) {
    await moment.after?.(scene);
    await platform.until(
      (entry) =>
        entry.kind === "status" && entry.event === "InstanceActivatedEvent" && entry.accepted,
      patience,
    );
    for (const [path, content] of Object.entries(files ?? {})) {
      assert.equal(await Deno.readTextFile(join(home.applicationPath, path)), content, path);
    }
    await platform.sendCleanupMember();
  }
  await platform.until("InstanceReadyToShutdownEvent", patience);
  assert.deepEqual(distinct(sequence(platform)), wholeLife);
  assert.equal(sequence(platform).at(-1), "InstanceReadyToShutdownEvent");
  assert.deepEqual(platform.faults, [], "nothing was illegal in the member's state");
}

function distinct(events: readonly string[]): readonly string[] {
  return [...new Set(events)];
}

/** Extensions that leave a mark and hold. */
function holding(events: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(events.map((event) => [`bash/${event}.sh`, holdingScript]));
}

async function untilMark({ home }: Scene, event: string): Promise<void> {
  await untilFile(join(home.path, "marks"), (marks) => marks.includes(event));
}

async function setSetting(home: string, key: string, value: string): Promise<void> {
  const path = join(home, "agent.conf");
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) =>
    !line.startsWith(`${key} =`)
  );
  await Deno.writeTextFile(path, [...lines, `${key} = ${value}`, ""].join("\n"));
}
