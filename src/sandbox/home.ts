import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Secret } from "../base/secret.ts";
import { findInstalled } from "../extensions/catalogue.ts";
import { copyProgram, copyTree } from "./copy_tree.ts";
import type { MemberIdentity } from "./member.ts";
import type { BrokerAddress } from "./platform_client.ts";

/** What a temporary home is to hold. */
export interface HomeOptions {
  readonly member: MemberIdentity;
  readonly broker: BrokerAddress;
  /** Absent: no health statistics. */
  readonly receiver?: HomeReceiver;
  /** Absent: no artifacts. */
  readonly repository?: HomeRepository;
  /** Ports that the agent waits for on 127.0.0.1. Default none. */
  readonly ports?: readonly number[];
  /** Default `false`. */
  readonly multiTenant?: boolean;
  /** Default `-1234`. */
  readonly tenantId?: string;
  /** Further settings of agent.conf, or others than the usual ones; `null` leaves one out. */
  readonly settings?: Readonly<Record<string, string | null>>;
  /** Further launch parameters, or others than the usual ones; `null` leaves one out. */
  readonly launchParameters?: Readonly<Record<string, string | null>>;
  /** Events whose extension, when it succeeds, leaves a line in {@link AgentHome.extensionRuns}. */
  readonly recordedEvents?: readonly string[];
  /** Absolute path of extensions to copy instead of the project's own; the launcher is always its. */
  readonly extensionsFrom?: string;
  /** Programs to put below `extensions/`, by path, e.g. `StartServers.sh`; executable. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Files of the application before anything is checked out, by path. */
  readonly applicationFiles?: Readonly<Record<string, string>>;
}

/** Where health statistics go. */
export interface HomeReceiver {
  readonly host: string;
  readonly port: number;
  /** The certificate that signed the receiver's. */
  readonly caPem: string;
  /** Default `admin`. */
  readonly username?: string;
  readonly password?: Secret;
}

/** Where artifacts come from. */
export interface HomeRepository {
  readonly url: string;
  readonly cartridgeKey: Secret;
}

/** A temporary home; disposing removes it with everything in it. */
export interface AgentHome extends AsyncDisposable {
  /** What `--home` is to be. */
  readonly path: string;
  readonly applicationPath: string;
  readonly stateDir: string;
  readonly logDir: string;
  /** One line with the name of the event for each successful run of a recorded extension. */
  readonly extensionRuns: string;
}

/** Writes a home into a new temporary directory that only the own user can enter. */
export async function openHome(options: HomeOptions): Promise<AgentHome> {
  const path = await Deno.makeTempDir({ prefix: "cartridge-agent-sandbox-" });
  let removed: Promise<void> | undefined;
  const home: AgentHome = {
    path,
    applicationPath: join(path, "application"),
    stateDir: join(path, "state"),
    logDir: join(path, "logs"),
    extensionRuns: join(path, "extension-runs"),
    [Symbol.asyncDispose]: () => removed ??= Deno.remove(path, { recursive: true }),
  };
  try {
    await writeHome(home, options);
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
  return home;
}

async function writeHome(home: AgentHome, options: HomeOptions): Promise<void> {
  for (const directory of [home.applicationPath, home.stateDir, home.logDir]) {
    await Deno.mkdir(directory, { mode: 0o700 });
  }
  const extensions = join(home.path, "extensions");
  await copyTree(options.extensionsFrom ?? projectDirectory("extensions"), extensions);
  await copyProgram(projectDirectory("extensions/launcher"), join(extensions, "launcher"));
  await writeFile(join(home.path, "agent.conf"), agentConf(home, options));
  await writeFile(join(home.path, "payload", "launch-params"), launchParams(home, options));
  await writeFile(join(home.path, "logging.ini"), loggingIni);
  await writeFile(home.extensionRuns, "");
  if (options.receiver) await writeFile(caFile(home), options.receiver.caPem);
  for (const event of options.recordedEvents ?? []) await record(event, home);
  for (const [name, text] of Object.entries(options.extensions ?? {})) {
    await writeFile(join(home.path, "extensions", name), text, 0o755);
  }
  for (const [name, text] of Object.entries(options.applicationFiles ?? {})) {
    await writeFile(join(home.applicationPath, name), text, 0o644);
  }
}

/** A directory beside `src`. */
function projectDirectory(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

function caFile(home: AgentHome): string {
  return join(home.path, "receiver-ca.pem");
}

function agentConf(home: AgentHome, options: HomeOptions): string {
  const { broker, receiver, repository } = options;
  const settings: Record<string, string | null> = {
    "mb.urls": hostPort(broker),
    "mb.username": broker.username ?? null,
    "mb.password": broker.password?.open() ?? null,
    "listen.address": "127.0.0.1",
    "cep.stats.publisher.enabled": String(receiver !== undefined),
    "thrift.receiver.urls": receiver ? hostPort(receiver) : null,
    "thrift.server.admin.username": receiver?.username ?? null,
    "thrift.server.admin.password": receiver?.password?.open() ?? null,
    "thrift.tls.ca.file": receiver ? caFile(home) : null,
    "stats.notifier.interval": "2",
    "artifact.update.interval": "1",
    "artifact.clone.retries": "3",
    "artifact.clone.interval": "1",
    "artifact.allowed.hosts": repository ? new URL(repository.url).host : null,
    "state.dir": home.stateDir,
    "log.dir": home.logDir,
    "status.listen": "off",
    "APPLICATION_PATH": home.applicationPath,
    ...options.settings,
  };
  const lines = presentEntries(settings).map(([key, value]) => `${key} = ${value}`);
  return `[agent]\n${lines.join("\n")}\n`;
}

function launchParams(home: AgentHome, options: HomeOptions): string {
  const { member, repository } = options;
  const ports = options.ports ?? [];
  const parameters: Record<string, string | null> = {
    APPLICATION_ID: member.applicationId,
    SERVICE_NAME: member.serviceName,
    CLUSTER_ID: member.clusterId,
    CLUSTER_INSTANCE_ID: member.clusterInstanceId,
    MEMBER_ID: member.memberId,
    NETWORK_PARTITION_ID: member.networkPartitionId,
    PARTITION_ID: member.partitionId,
    MULTITENANT: String(options.multiTenant ?? false),
    TENANT_ID: options.tenantId ?? "-1234",
    PORTS: ports.length === 0 ? null : ports.join("|"),
    APPLICATION_PATH: home.applicationPath,
    REPO_URL: repository?.url ?? null,
    CARTRIDGE_KEY: repository?.cartridgeKey.open() ?? null,
    ...options.launchParameters,
  };
  return presentEntries(parameters).map(([key, value]) => `${key}=${value}`).join(",");
}

function presentEntries(values: Record<string, string | null>): [string, string][] {
  return Object.entries(values).flatMap(([key, value]) => value === null ? [] : [[key, value]]);
}

function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Files alone: the terminal belongs to whoever uses the home. */
const loggingIni = `[formatters]
keys=default

[formatter_default]
format=[%(asctime)s] %(levelname)s {%(name)s} - %(message)s

[handlers]
keys=log_file, error_file

[handler_log_file]
class=logging.FileHandler
level=LOG_LEVEL
formatter=default
args=("agent.log", "a")

[handler_error_file]
class=logging.FileHandler
level=ERROR
formatter=default
args=("error.log", "a")

[loggers]
keys=root

[logger_root]
level=DEBUG
handlers=log_file, error_file
`;

/**
 * Puts a script before the installed one, in the same folder, which that one may rely on; where there
 * is none, it stands alone. What cannot run is left for the agent to say.
 */
async function record(event: string, home: AgentHome): Promise<void> {
  const extensions = join(home.path, "extensions");
  const [installed] = await findInstalled(event, extensions);
  if (installed?.kind === "unusable") return;
  const script = join(extensions, installed?.script ?? `bash/${event}.sh`);
  if (installed) await Deno.rename(script, `${script}.shipped`);
  const runs = `'${home.extensionRuns.replaceAll("'", `'\\''`)}'`;
  const text = `#!/bin/sh
${installed ? `"$0.shipped" "$@" || exit` : ":"}
printf '%s\\n' "$STRATOS_EVENT" >>${runs}
`;
  await writeFile(script, text, 0o755);
}

async function writeFile(path: string, text: string, mode = 0o600): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, text, { mode });
  await Deno.chmod(path, mode); // the mode above is narrowed by the umask
}
