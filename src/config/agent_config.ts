import type { Secret } from "../base/secret.ts";

/**
 * The resolved configuration: typed, complete, frozen, units in the names.
 *
 * Rooms take the section they need, never the whole. Where each value comes from is the field table's
 * business (`fields.ts`).
 */
export interface AgentConfig {
  readonly paths: PathsConfig;
  readonly identity: IdentityConfig;
  /** Every launch parameter as read, known or not, `null` and empty ones left out. */
  readonly launchParameters: Readonly<Record<string, string>>;
  readonly broker: BrokerConfig;
  readonly lifecycle: LifecycleConfig;
  readonly extensions: ExtensionsConfig;
  readonly artifacts: ArtifactsConfig;
  readonly cep: CepConfig;
  readonly health: HealthConfig;
  readonly logPublisher: LogPublisherConfig;
  readonly metadata: MetadataConfig;
  readonly logging: LoggingConfig;
  readonly status: StatusConfig;
  readonly telemetry: TelemetryConfig;
  /** Absent: nobody is told of the agent's life. */
  readonly service?: ServiceConfig;
}

/** A network peer; IPv6 hosts without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Absolute paths of the home's files. */
export interface PathsConfig {
  readonly home: string;
  /** The `agent.conf` that was read, absent when there is none. */
  readonly agentConf?: string;
  /** The launch parameters' file that was read, absent when there is none. */
  readonly launchParams?: string;
  readonly stateDir: string;
  readonly logDir: string;
  /** `<home>/extensions`. */
  readonly extensionsDir: string;
  /** The only program the agent starts: `<home>/extensions/launcher`. */
  readonly launcher: string;
  /** Ends the agent in order once it holds `true`. */
  readonly terminatorFile: string;
}

/** Who this agent is; from the launch parameters, environment or command line. */
export interface IdentityConfig {
  readonly applicationId: string;
  readonly serviceName: string;
  readonly clusterId: string;
  readonly clusterInstanceId: string;
  readonly memberId: string;
  readonly networkPartitionId: string;
  readonly partitionId: string;
  readonly tenantId: number;
  readonly multiTenant: boolean;
  /** INSTANCE_ID, optional part of InstanceActivated. */
  readonly instanceId?: string;
  readonly lbClusterId?: string;
}

/** The platform's message broker. */
export interface BrokerConfig {
  /** Tried in order, never empty. */
  readonly urls: readonly HostPort[];
  readonly username?: string;
  readonly password?: Secret;
  /** TLS settings; absent: plain TCP. */
  readonly tls?: TlsFiles;
  /** The payload of a larger message is let go unread. */
  readonly maxMessageBytes: number;
  /** A status event that is unacknowledged for longer is warned about. */
  readonly publisherTimeoutMs: number;
}

/** PEM files, absolute paths. */
export interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What the phase machine has to know. */
export interface LifecycleConfig {
  /** TCP ports of the application that must accept connections before activation. */
  readonly ports: readonly number[];
  /** Where they are probed. */
  readonly listenAddress: string;
  /** After this long one error names the ports that are still closed. */
  readonly portCheckTimeoutMs: number;
  /** REPO_URL is set: activation waits for the first checkout. */
  readonly awaitsArtifacts: boolean;
  readonly activateOnFailedCheckout: boolean;
  /** `device|…|mountPath` list; set: VolumeMount runs. */
  readonly persistenceMapping?: string;
  /** LVS_VIRTUAL_IP; set: CreateLVSDummyInterface runs. */
  readonly lvsVirtualIp?: { readonly ip: string; readonly subnetMask: string };
  /** Log lines are published once the instance is started. */
  readonly publishesLogs?: true;
  /** Events whose failed extension stops the lifecycle step. */
  readonly requiredExtensions: readonly string[];
  readonly shutdownTimeoutMs: number;
}

/** How extensions run. */
export interface ExtensionsConfig {
  readonly timeoutMs: number;
  /** Time limits of single events, by event name. */
  readonly timeoutMsByEvent: Readonly<Record<string, number>>;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Names of the agent's environment that pass through; absent: everything but secrets. */
  readonly environment?: readonly string[];
  /** `module` or `module:permission`. */
  readonly allowedModules: readonly string[];
  /** lb.private.ip and lb.public.ip: used when the topology has no load balancer member. */
  readonly lbPrivateIp?: string;
  readonly lbPublicIp?: string;
  readonly applicationPath?: string;
  readonly persistenceMapping?: string;
}

/** Git synchronisation. */
export interface ArtifactsConfig {
  /** Absolute, or as configured when it is not: then checkouts are refused. */
  readonly applicationPath?: string;
  readonly multiTenant: boolean;
  /** TENANT_ID, for events without one. */
  readonly tenantId: number;
  readonly superTenantPath: string;
  readonly tenantPath: string;
  readonly cartridgeKey?: Secret;
  /** REPO_URL without user information; only says that there will be a repository. */
  readonly repoUrl?: string;
  /** `host[:port]` or `*.domain[:port]`; an event that names another host is refused. */
  readonly allowedHosts: readonly string[];
  readonly branch?: string;
  readonly caFile?: string;
  readonly publish: "files" | "symlink";
  readonly engine: "isomorphic" | "git";
  /** Directories that are checked out; absent: everything. Only the system's git does it. */
  readonly sparse?: readonly string[];
  /** Private key and host keys for SSH, absolute paths; only the system's git speaks it. */
  readonly sshKeyFile?: string;
  readonly sshKnownHostsFile?: string;
  /** Poll the repository after the first checkout. */
  readonly update: boolean;
  readonly autoCheckout: boolean;
  readonly autoCommit: boolean;
  readonly updateIntervalMs: number;
  readonly cloneRetries: number;
  readonly cloneRetryIntervalMs: number;
  readonly backupInitial: boolean;
  readonly limits: ArtifactLimits;
}

/** Bounds of one transfer or checkout. */
export interface ArtifactLimits {
  readonly bytes: number;
  readonly files: number;
  readonly timeoutMs: number;
}

/**
 * Receivers of one target: every event goes to each group; inside a group to one receiver, the first
 * that works (`failover`) or one per bundle in turn (`loadBalance`).
 */
export interface ReceiverGroup {
  readonly mode: "failover" | "loadBalance";
  /** Never empty; TLS login ports. */
  readonly receivers: readonly HostPort[];
}

/** How TLS to CEP and monitoring receivers, or to the metadata service, is checked. */
export interface ReceiverTls {
  readonly caFile?: string;
  /** `false`: any certificate is accepted. */
  readonly verify: boolean;
  /** `false`: any name is accepted. */
  readonly verifyName: boolean;
}

/** The complex event processor that gets health statistics. */
export interface CepConfig {
  readonly groups: readonly ReceiverGroup[];
  readonly username: string;
  readonly password: Secret;
  readonly tls: ReceiverTls;
}

/** Health statistics. */
export interface HealthConfig {
  readonly enabled: boolean;
  readonly intervalMs: number;
  /** Report ports of PORTS that close after activation. */
  readonly checkPorts: boolean;
}

/** Log lines to the monitoring server. */
export interface LogPublisherConfig {
  readonly enabled: boolean;
  readonly receiver: HostPort;
  readonly username: string;
  readonly password: Secret;
  readonly tls: ReceiverTls;
  /** Absolute; `*`, `?` and `[…]` in a component are wildcards. */
  readonly paths: readonly string[];
  readonly streamAlias: "full" | "first";
  /** Regular expression of a line that starts a message; absent: every line does. */
  readonly multilineStart?: string;
}

/** The metadata service. */
export interface MetadataConfig {
  readonly url?: string;
  readonly token?: Secret;
  /** How its certificate is checked. */
  readonly tls: ReceiverTls;
}

/** The agent's own logs. */
export interface LoggingConfig {
  /** The `logging.ini` that was found, absent when there is none. */
  readonly file?: string;
  /** LOG_LEVEL as given; what `logging.ini` means by its token `LOG_LEVEL`. */
  readonly level: string;
  readonly format: "text" | "json";
}

/** The status endpoint. */
export interface StatusConfig {
  /** Absent: off. */
  readonly listen?: HostPort;
  /** File with the token that is asked for, absolute; always there when others can reach the address. */
  readonly tokenFile?: string;
}

/** Traces and metrics by OpenTelemetry. */
export interface TelemetryConfig {
  /** Absent: off. */
  readonly endpoint?: string;
}

/** Who started the agent and wants to hear of it. */
export interface ServiceConfig {
  readonly manager: "systemd";
}
