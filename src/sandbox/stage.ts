import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { healthOf } from "./health_sighting.ts";
import { type AgentHome, openHome } from "./home.ts";
import { type HomeWatch, openHomeWatch } from "./home_watch.ts";
import { Life } from "./life.ts";
import type { StepNeed } from "./life_steps.ts";
import { sandboxMember } from "./member.ts";
import { openPeers, type Peers } from "./peers.ts";
import { sandboxCommits } from "./sandbox_commits.ts";
import type { Sighting } from "./sighting.ts";
import { openWebServer, reservePort } from "./web_server.ts";

/** Everything around the agent; disposing closes and removes all of it. */
export interface Stage extends AsyncDisposable {
  readonly peers: Peers;
  readonly home: AgentHome;
  readonly life: Life;
  /** Tells timeline and life. */
  readonly see: (sighting: Sighting) => void;
  /** The port that the agent waits for. */
  readonly webPort: number;
  /** Where the agent's status endpoint is. */
  readonly statusPort: number;
  /** Has the application's port accept connections. */
  readonly openPort: () => void;
}

const recordedEvents = [
  "InstanceStartedEvent",
  "StartServers",
  "ArtifactUpdatedEvent",
  "InstanceActivatedEvent",
  "clean",
];

/**
 * Opens the peers and writes the home.
 *
 * @param show Told of everything that is seen; must not throw.
 * @param wantsGit Whether there are to be artifacts, if Git is installed.
 * @param extensionsFrom Absolute path of extensions to copy instead of the shipped ones.
 */
export async function openStage(
  show: (sighting: Sighting) => void,
  clock: Clock,
  wantsGit: boolean,
  extensionsFrom?: string,
): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  // Let go only when all peers have ports of their own.
  using web = reservePort();
  using status = reservePort();
  const [webPort, statusPort] = [web.port, status.port];
  // Both exist only after the peers, which may have something to tell before.
  const later: { life?: Life; watch?: HomeWatch } = {};
  const early: Sighting[] = [];
  const see = (sighting: Sighting) => {
    show(sighting);
    if (later.life) later.life.see(sighting);
    else early.push(sighting);
  };
  const peers = opened.use(
    await openPeers({
      broker: "embedded",
      ...(wantsGit ? { artifacts: sandboxCommits.first } : {}),
      receiver: {
        onEvent: (event) => {
          const health = healthOf(event, sandboxMember);
          if (health) see(health);
        },
        onProblem: (reason) => see({ kind: "refused", who: "receiver", reason }),
      },
      platform: {
        portMappings: [{ protocol: "http", port: webPort, proxyPort: 80 }],
        clock,
        onEntry: (entry) => {
          // What led to a status event is on disk by now; it must be seen before it.
          if (entry.kind === "status") later.watch?.check();
          see({ kind: "platform", entry });
        },
      },
    }),
  );
  const life = later.life = new Life(givenBy(peers), clock);
  for (const sighting of early) life.see(sighting);
  const home = opened.use(await openSandboxHome(peers, webPort, statusPort, extensionsFrom));
  later.watch = opened.use(openHomeWatch(home, sandboxCommits, see));
  const all = opened.move();
  return {
    peers,
    home,
    life,
    see,
    webPort,
    statusPort,
    openPort: () => {
      all.use(openWebServer(webPort, join(home.applicationPath, "index.html")));
      see({ kind: "portOpened", port: webPort });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function givenBy({ artifacts, receiver }: Peers): Set<StepNeed> {
  const given = new Set<StepNeed>();
  if (artifacts) given.add("artifacts");
  if (receiver) given.add("health");
  return given;
}

function openSandboxHome(
  peers: Peers,
  webPort: number,
  statusPort: number,
  extensionsFrom?: string,
): Promise<AgentHome> {
  const { broker, receiver, artifacts } = peers;
  return openHome({
    member: sandboxMember,
    broker,
    ...(receiver ? { receiver } : {}),
    ...(artifacts ? { repository: artifacts } : {}),
    ports: [webPort],
    recordedEvents,
    ...(extensionsFrom === undefined ? {} : { extensionsFrom }),
    settings: { "status.listen": `127.0.0.1:${statusPort}` },
  });
}
