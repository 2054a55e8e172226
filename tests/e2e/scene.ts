import { Secret } from "../../src/base/secret.ts";
import { type AgentHome, type HomeOptions, openHome } from "../../src/sandbox/home.ts";
import { type GitRemote, openGitRemote } from "../../src/sandbox/git_remote.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { Platform } from "../../src/sandbox/platform.ts";
import type { PlatformOptions } from "../../src/sandbox/platform_options.ts";
import { type AgentProcess, type AgentProcessOptions, startAgentProcess } from "./agent_process.ts";
import type { BrokerUnderTest, PeerKit, ReceiverUnderTest } from "./peer_kit.ts";
import { openRepositoryFront, type RepositoryFront } from "./repository_front.ts";
import type { TenantRepository } from "../../src/sandbox/artifact_event.ts";
import { openTcpLine, type TcpLine } from "../sandbox/tcp_line.ts";

/** What a scene is to hold. */
export interface SceneOptions {
  readonly platform?: Partial<PlatformOptions>;
  readonly home?: Partial<HomeOptions>;
  /** First commit by path; absent: no repository. Needs git. */
  readonly files?: Readonly<Record<string, string>>;
  /** Tenants whose repositories are announced. Default: the super tenant. */
  readonly tenants?: readonly number[];
  /** Default true. */
  readonly receiver?: boolean;
  /** The agent reaches the broker over a line that can be cut. Default false. */
  readonly line?: boolean;
  /** The agent reaches the repository through a front. Default false. */
  readonly front?: boolean;
}

/** A platform with a member whose agent is looked at, and everything that the agent talks to. */
export interface Scene extends AsyncDisposable {
  readonly broker: BrokerUnderTest;
  readonly platform: Platform;
  readonly home: AgentHome;
  readonly receiver?: ReceiverUnderTest;
  readonly remote?: GitRemote;
  /** The agent's way to the repository, when asked for. */
  readonly front?: RepositoryFront;
  /** The repositories that are announced, one for each tenant. */
  readonly repositories: readonly TenantRepository[];
  /** The agent's way to the broker, when asked for; the platform has its own. */
  readonly line?: TcpLine;
  /** Starts the agent in the home; ended with the scene. */
  start(options?: AgentProcessOptions): Promise<AgentProcess>;
  /** Resolves with the next value of that name that the receiver gets. */
  nextHealth(name: string): Promise<number>;
}

/** Values that must never be seen in a log or a file that is not theirs. */
export const canaries = {
  broker: "canary-broker-password",
  repository: "canary-repository-password",
  cartridgeKey: "canary-key-16byt",
} as const;

/** How long a scenario waits for one thing of the agent. */
export const patience = { timeoutMs: 30_000 } as const;

/** The status events of a life in the order that the platform accepts. */
export const wholeLife: readonly string[] = [
  "InstanceStartedEvent",
  "InstanceActivatedEvent",
  "InstanceMaintenanceModeEvent",
  "InstanceReadyToShutdownEvent",
];

/** Accepted status events in order, repetitions counted once. */
export function sequence(platform: Platform): readonly string[] {
  const events = platform.statuses.filter(({ accepted }) => accepted).map(({ event }) => event);
  return events.filter((event, index) => event !== events[index - 1]);
}

const credentials = { username: "agent", password: canaries.broker };
const repositoryUser = "deployer";

/** Opens a scene on the given peers. */
export async function openScene(kit: PeerKit, options: SceneOptions = {}): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await kit.openBroker(credentials.username, credentials.password));
  const receiver = options.receiver === false ? undefined : opened.use(await kit.openReceiver());
  const remote = options.files && opened.use(await openRemote(options.files));
  const front = remote && options.front ? opened.use(openRepositoryFront(remote)) : undefined;
  const url = (front ?? remote)?.url("application");
  const line = options.line ? opened.use(openTcpLine(broker.port)) : undefined;
  const address = {
    host: "127.0.0.1",
    port: broker.port,
    username: credentials.username,
    password: new Secret(credentials.password),
  };
  const cartridgeKey = new Secret(canaries.cartridgeKey);
  const tenants = options.tenants ?? [-1234];
  const repositories = url === undefined ? [] : tenants.map((tenantId) => ({
    tenantId: String(tenantId),
    url,
    username: repositoryUser,
    password: new Secret(canaries.repository),
  }));
  const platform = opened.use(
    await Platform.open({
      member: { identity: sandboxMember },
      cartridgeKey,
      repositories,
      ...options.platform,
      broker: address,
    }),
  );
  const home = opened.use(
    await openHome({
      member: sandboxMember,
      broker: line ? { ...address, port: line.port } : address,
      ...(receiver ? { receiver: receiver.home } : {}),
      ...(url === undefined ? {} : { repository: { url, cartridgeKey } }),
      ...options.home,
    }),
  );
  const agents: AgentProcess[] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const all = opened.move();
  return {
    broker,
    platform,
    home,
    ...(receiver ? { receiver } : {}),
    ...(remote ? { remote } : {}),
    ...(front ? { front } : {}),
    repositories,
    ...(line ? { line } : {}),
    start: async (processOptions) => {
      const agent = await startAgentProcess(home.path, processOptions);
      agents.push(agent);
      return agent;
    },
    nextHealth: (name) => {
      if (!receiver) throw new Error("the scene has no receiver");
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const over = () => reject(new Error(`the receiver was not sent ${name}`));
      const timer = setTimeout(over, patience.timeoutMs);
      timers.add(timer);
      receiver.onHealth = (seen, value) => {
        if (seen !== name) return;
        clearTimeout(timer);
        resolve(value);
      };
      return promise;
    },
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      await all.disposeAsync();
    },
  };
}

async function openRemote(files: Readonly<Record<string, string>>): Promise<GitRemote> {
  const remote = await openGitRemote({ username: repositoryUser, password: canaries.repository });
  if (!remote) throw new Error("git is not installed");
  await remote.createRepository("application");
  await remote.commit("application", { ...files });
  return remote;
}
