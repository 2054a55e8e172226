import { isAbsolute, join, resolve } from "node:path";
import { cannot } from "../base/errors.ts";
import type { AgentConfig, ReceiverGroup } from "../config/agent_config.ts";
import { logDirectories } from "./log_directories.ts";
import { listenGrant, repositoryGrants, tcpGrant, urlGrant } from "./net_grant.ts";

/**
 * Everything the agent may do, as values of Deno's permission flags: sorted, without repetition,
 * paths absolute. An empty list means that nothing of the kind is allowed.
 */
export interface RuntimeScope {
  /** `host:port`, `[ipv6]:port` or `*.domain:port`. */
  readonly net: readonly string[];
  /** Files and directories; a directory covers what is below it. */
  readonly read: readonly string[];
  /** Files and directories; a directory covers what is below it. */
  readonly write: readonly string[];
  /** Programs. */
  readonly run: readonly string[];
  /** Names of Deno's system interfaces. */
  readonly sys: readonly string[];
  /** Names of environment variables; every other one reads as unset. */
  readonly env: readonly string[];
}

/** What the configuration itself does not tell. */
export interface ScopeOptions {
  /** Names of the environment variables that the configuration reads. */
  readonly environmentNames: readonly string[];
  /**
   * Absolute paths that resolving the configuration looks for, present or not: a refused look-up
   * would be an error where an absent file is none.
   */
  readonly filesLookedFor: readonly string[];
  /**
   * The directory of the program's own modules. Deno loads the modules of a worker only from what may
   * be read, so it is granted where checkouts or extension modules, which run in workers, are possible.
   */
  readonly programDir?: string;
  /** What extension modules that may run are granted: a worker cannot have more than the agent. */
  readonly modules?: ModuleScope;
}

/** The permissions of all extension modules together. */
export interface ModuleScope {
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly env: readonly string[];
  /** Whether there is a module; its worker loads the program's own modules. */
  readonly isUsed: boolean;
  /** Whether one takes the place of the agent's checkout, which then reaches no repository. */
  readonly checksOut?: boolean;
}

/**
 * The scope that a configuration needs, and nothing more.
 *
 * @throws AgentError of kind `configuration` when a host or path cannot be granted.
 */
export function runtimeScope(config: AgentConfig, options: ScopeOptions): RuntimeScope {
  const artifacts = artifactPaths(config);
  const { modules, programDir } = options;
  // The system's git, which the launcher starts, reaches repositories by itself.
  const fetches = artifacts !== undefined && config.artifacts.engine !== "git";
  const usesWorkers = artifacts !== undefined || modules?.isUsed === true;
  return {
    net: sorted([
      ...netGrants(config, fetches && modules?.checksOut !== true),
      ...modules?.net ?? [],
    ]),
    read: outermost([
      ...options.filesLookedFor,
      ...present(config.paths.agentConf, config.paths.launchParams, config.logging.file),
      config.paths.terminatorFile,
      config.paths.extensionsDir,
      // Where earlier agents had Python plugins: what becomes of them is said at start.
      join(config.paths.home, "plugins"),
      config.paths.launcher,
      config.paths.stateDir,
      config.paths.logDir,
      ...tlsFiles(config, artifacts !== undefined),
      ...logDirectories(config.logPublisher),
      ...artifacts ?? [],
      ...usesWorkers && programDir !== undefined ? [programDir] : [],
      ...modules?.read ?? [],
    ]),
    write: outermost([
      config.paths.stateDir,
      config.paths.logDir,
      ...artifacts ?? [],
      ...modules?.write ?? [],
    ]),
    run: [config.paths.launcher],
    sys: config.health.enabled ? ["loadavg", "systemMemoryInfo"] : [],
    env: sorted([...options.environmentNames, ...modules?.env ?? []]),
  };
}

function netGrants(config: AgentConfig, fetchesArtifacts: boolean): string[] {
  const { broker, cep, health, lifecycle, logPublisher, artifacts, metadata, status, telemetry } =
    config;
  const monitoring = logPublisher.receiver;
  const receivers = (groups: readonly ReceiverGroup[]) =>
    groups.flatMap((group) => group.receivers).map(({ host, port }) => tcpGrant(host, port));
  return [
    ...broker.urls.map(({ host, port }) => tcpGrant(host, port)),
    ...health.enabled ? receivers(cep.groups) : [],
    ...publishesLogs(config) ? [tcpGrant(monitoring.host, monitoring.port)] : [],
    ...lifecycle.ports.map((port) => tcpGrant(lifecycle.listenAddress, port)),
    ...fetchesArtifacts
      ? artifacts.allowedHosts.flatMap((host) => repositoryGrants(host, artifacts.repoUrl))
      : [],
    ...metadata.url === undefined ? [] : [urlGrant(metadata.url)],
    ...status.listen === undefined ? [] : [listenGrant(status.listen)],
    ...telemetry.endpoint === undefined ? [] : [urlGrant(telemetry.endpoint)],
  ];
}

/**
 * Where a checkout reads and writes: the documents, their backup, and the staging directory beside
 * them. Undefined when no checkout can happen: without an absolute application path, or without a
 * host that artifacts may come from, every artifact event is refused.
 */
function artifactPaths({ artifacts }: AgentConfig): readonly string[] | undefined {
  const { applicationPath, allowedHosts } = artifacts;
  if (applicationPath === undefined || !isAbsolute(applicationPath)) return undefined;
  if (allowedHosts.length === 0) return undefined;
  const path = resolve(applicationPath);
  if (path === "/") {
    throw cannot(
      "grant access to",
      path,
      "APPLICATION_PATH must be a directory of the application, not the whole file system",
      { kind: "configuration" },
    );
  }
  return [path, ...artifacts.backupInitial ? [`${path}_backup`] : [], `${path}.agent`];
}

function tlsFiles(config: AgentConfig, fetchesArtifacts: boolean): string[] {
  const { broker, cep, health, logPublisher, artifacts, metadata, status } = config;
  return present(
    status.tokenFile,
    broker.tls?.caFile,
    broker.tls?.certFile,
    broker.tls?.keyFile,
    health.enabled ? cep.tls.caFile : undefined,
    publishesLogs(config) ? logPublisher.tls.caFile : undefined,
    fetchesArtifacts ? artifacts.caFile : undefined,
    metadata.url === undefined ? undefined : metadata.tls.caFile,
  );
}

function publishesLogs({ logPublisher }: AgentConfig): boolean {
  return logPublisher.enabled && logPublisher.paths.length > 0;
}

function present(...paths: readonly (string | undefined)[]): string[] {
  return paths.filter((path) => path !== undefined);
}

function sorted(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].sort();
}

/** Sorted, and without what lies inside another path of the list. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = sorted(paths.map((path) => resolve(path)));
  return all.filter((path) => !all.some((other) => path.startsWith(`${other}/`)));
}
