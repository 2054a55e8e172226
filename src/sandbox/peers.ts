import { Secret } from "../base/secret.ts";
import { type CepServer, openCepServer, type ReceivedEvent } from "./cep_server.ts";
import { type GitRemote, openGitRemote } from "./git_remote.ts";
import { openMqttBroker } from "./mqtt_broker.ts";
import { Platform } from "./platform.ts";
import type { BrokerAddress } from "./platform_client.ts";
import type { PlatformOptions } from "./platform_options.ts";
import { sandboxMember } from "./member.ts";

const host = "127.0.0.1";

/** Which peers an agent is to have. */
export interface PeersOptions {
  /** `embedded`: one in this process, with a password. */
  readonly broker: "embedded" | BrokerAddress;
  /** The platform's make-up; what the other peers determine is filled in. */
  readonly platform?: Omit<Partial<PlatformOptions>, "broker">;
  /** What is to be told of the data bridge's receiver; absent: no receiver. */
  readonly receiver?: {
    readonly onEvent: (event: ReceivedEvent) => void;
    /** Whatever a real receiver drops without a word. */
    readonly onProblem?: (problem: string) => void;
  };
  /** First commit of the artifacts' repository, by path; absent: no Git remote. */
  readonly artifacts?: Readonly<Record<string, string>>;
}

/** Everything that an agent talks to; disposing ends it in reverse order. */
export interface Peers extends AsyncDisposable {
  readonly broker: BrokerAddress;
  readonly platform: Platform;
  readonly receiver?: ReceiverPeer;
  /** Absent when none was wanted or Git is not installed. */
  readonly artifacts?: ArtifactsPeer;
}

/** A receiver of the data bridge and how to log in. */
export interface ReceiverPeer {
  readonly server: CepServer;
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
  readonly username: string;
  readonly password: Secret;
}

/** A Git remote with the repository of the artifacts. */
export interface ArtifactsPeer {
  readonly remote: GitRemote;
  /** Name of the repository at the remote. */
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly password: Secret;
  /** With which the platform encrypts the password. */
  readonly cartridgeKey: Secret;
}

/**
 * Opens the peers of an agent: the broker first, the platform last, so that it is connected before any
 * agent starts.
 *
 * @throws AgentError when one of them cannot be opened; those before it are closed again.
 */
export async function openPeers(options: PeersOptions): Promise<Peers> {
  await using opened = new AsyncDisposableStack();
  const broker = options.broker === "embedded" ? await openEmbeddedBroker(opened) : options.broker;
  const receiver = options.receiver ? await openReceiver(options.receiver, opened) : undefined;
  const artifacts = options.artifacts
    ? await openArtifacts(options.artifacts, options.platform?.cartridgeKey, opened)
    : undefined;
  const repository = artifacts &&
    { url: artifacts.url, username: artifacts.username, password: artifacts.password };
  const platform = opened.use(
    await Platform.open({
      member: { identity: sandboxMember },
      ...(artifacts ? { cartridgeKey: artifacts.cartridgeKey } : {}),
      ...(repository ? { repositories: [repository] } : {}),
      ...options.platform,
      broker,
    }),
  );
  const all = opened.move();
  return {
    broker,
    platform,
    ...(receiver ? { receiver } : {}),
    ...(artifacts ? { artifacts } : {}),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function openEmbeddedBroker(opened: AsyncDisposableStack): Promise<BrokerAddress> {
  const [username, password] = ["sandbox", randomPassword()];
  const { port } = opened.use(await openMqttBroker({ host, username, password }));
  return { host, port, username, password: new Secret(password) };
}

async function openReceiver(
  told: NonNullable<PeersOptions["receiver"]>,
  opened: AsyncDisposableStack,
): Promise<ReceiverPeer> {
  const [username, password] = ["sandbox", randomPassword()];
  const server = opened.use(await openCepServer({ hostname: host, username, password, ...told }));
  const { port, caPem } = server;
  return { server, host, port, caPem, username, password: new Secret(password) };
}

async function openArtifacts(
  files: Readonly<Record<string, string>>,
  cartridgeKey: Secret | undefined,
  opened: AsyncDisposableStack,
): Promise<ArtifactsPeer | undefined> {
  const [username, password, name] = ["sandbox", randomPassword(), "application"];
  const remote = await openGitRemote({ username, password });
  if (!remote) return undefined;
  opened.use(remote);
  await remote.createRepository(name);
  await remote.commit(name, { ...files }, "First version");
  return {
    remote,
    name,
    url: remote.url(name),
    username,
    password: new Secret(password),
    cartridgeKey: cartridgeKey ?? new Secret(randomPassword().slice(0, 16)),
  };
}

/** 32 hexadecimal digits. */
function randomPassword(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
