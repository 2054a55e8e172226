import { join, resolve as resolvePath } from "node:path";
import { agentFields, extensionFields, extensionTimeoutFields } from "./agent_fields.ts";
import type {
  AgentConfig,
  ExtensionsConfig,
  HealthConfig,
  LifecycleConfig,
  PathsConfig,
} from "./agent_config.ts";
import { artifactFields } from "./artifact_fields.ts";
import { cepFields, healthFields, logPublisherFields } from "./cep_fields.ts";
import { eventsThatStop } from "./extension_events.ts";
import { frozen } from "./frozen.ts";
import { isLoopback } from "./host_port.ts";
import { allFields } from "./fields.ts";
import { payloadFields } from "./payload_fields.ts";
import { type ComputedValue, defined, type Problem, SettingReader } from "./reader.ts";
import type { Field } from "./field.ts";
import { refuseProtectedPath } from "./protected_paths.ts";
import { artifactsConfig } from "./resolve_artifacts.ts";
import { identityConfig, launchParameters } from "./resolve_identity.ts";
import { metadataConfig } from "./resolve_metadata.ts";
import { absolutePath, brokerConfig, cepConfig, logPublisherConfig } from "./resolve_peers.ts";
import { sourceFindings } from "./source_findings.ts";
import type { Sources } from "./sources.ts";

/** What the sources come to. */
export interface Resolution {
  /** Deeply frozen; absent when there is a problem. */
  readonly config?: AgentConfig;
  readonly problems: readonly Problem[];
  /** Sentences about the files themselves: unreadable ones, lines that make no sense. */
  readonly fileProblems: readonly string[];
  readonly warnings: readonly string[];
  readonly debug: readonly string[];
  /** Settings that are not set and were computed from others. */
  readonly computed: ReadonlyMap<Field, ComputedValue>;
}

/** Above this the platform may declare a healthy member faulty: it allows 60 s of silence. */
const longestHealthIntervalSeconds = 30;

/**
 * Resolves all settings. Pure.
 *
 * @param defaultLogDir Where logs go when log.dir is not set; absolute.
 * @param programFiles What the program consists of, absolute: no repository may replace it.
 */
export function resolve(
  sources: Sources,
  defaultLogDir: string,
  programFiles: readonly string[] = [],
): Resolution {
  const reader = new SettingReader(sources);
  const findings = sourceFindings(sources);
  const identity = identityConfig(reader);
  const broker = brokerConfig(reader);
  const cep = cepConfig(reader, broker);
  const logPublisher = logPublisherConfig(reader, broker);
  const artifacts = artifactsConfig(reader);
  const parts = {
    paths: pathsConfig(reader, defaultLogDir),
    launchParameters: launchParameters(reader),
    lifecycle: lifecycleConfig(reader),
    extensions: extensionsConfig(reader),
    health: healthConfig(reader),
    metadata: metadataConfig(reader),
    logging: {
      ...defined({ file: sources.loggingIni }),
      level: reader.value(agentFields.logLevel),
      format: reader.value(agentFields.logFormat),
    },
    status: statusConfig(reader),
    telemetry: defined({ endpoint: reader.value(agentFields.telemetryEndpoint) }),
    ...reader.value(agentFields.serviceManager) === "systemd"
      ? { service: { manager: "systemd" } as const }
      : {},
  };
  refuseProtectedPath(reader, parts.paths, programFiles);
  if (!reader.value(cepFields.tlsVerify)) {
    reader.warnings.push(
      "thrift.tls.verify=false: any certificate is accepted from event and monitoring receivers, " +
        "so whoever answers gets their passwords",
    );
  }
  if (!reader.value(agentFields.metadataTlsVerify)) {
    reader.warnings.push(
      "metadata.tls.verify=false: any certificate is accepted from the metadata service, so whoever " +
        "answers gets the TOKEN",
    );
  }
  const complete = identity && broker && cep && logPublisher &&
    reader.problems.length + findings.problems.length === 0;
  return {
    ...complete
      ? {
        config: frozen<AgentConfig>({
          ...parts,
          identity,
          broker,
          cep,
          logPublisher,
          artifacts: {
            ...artifacts,
            multiTenant: identity.multiTenant,
            tenantId: identity.tenantId,
          },
        }),
      }
      : {},
    problems: reader.problems,
    fileProblems: findings.problems,
    warnings: [...findings.warnings, ...reader.warnings],
    debug: allFields.flatMap((field) => reader.ignored(field)),
    computed: reader.computed,
  };
}

function pathsConfig(reader: SettingReader, defaultLogDir: string): PathsConfig {
  const { home, agentConf, launchParams } = reader.sources;
  const extensionsDir = join(home, "extensions");
  const stateDir = absolutePath(reader, agentFields.stateDir) ?? join(home, "state");
  const logDir = absolutePath(reader, agentFields.logDir) ?? resolvePath(home, defaultLogDir);
  reader.compute(agentFields.stateDir, stateDir, "default");
  reader.compute(agentFields.logDir, logDir, "default");
  return {
    home,
    ...defined({ agentConf: agentConf?.path, launchParams: launchParams?.path }),
    stateDir,
    logDir,
    extensionsDir,
    launcher: join(extensionsDir, "launcher"),
    terminatorFile: join(home, "terminator.txt"),
  };
}

function lifecycleConfig(reader: SettingReader): LifecycleConfig {
  const requiredExtensions = reader.value(extensionFields.required) ?? [];
  const idle = requiredExtensions.filter((event) => !eventsThatStop.includes(event));
  if (idle.length > 0) {
    reader.warnings.push(
      `extension.required names ${idle.join(", ")}: no lifecycle step waits for these, so their ` +
        "failure stops nothing",
    );
  }
  return {
    ports: reader.value(payloadFields.ports) ?? [],
    listenAddress: reader.value(agentFields.listenAddress),
    portCheckTimeoutMs: reader.value(agentFields.portCheckTimeout),
    awaitsArtifacts: reader.strongest(payloadFields.repoUrl) !== undefined,
    activateOnFailedCheckout: reader.value(artifactFields.activateOnFailure),
    ...defined({
      persistenceMapping: reader.value(payloadFields.persistenceMapping),
      lvsVirtualIp: reader.value(payloadFields.lvsVirtualIp),
    }),
    ...reader.value(logPublisherFields.enabled) ? { publishesLogs: true } : {},
    requiredExtensions,
    shutdownTimeoutMs: reader.value(agentFields.shutdownTimeout) * 1000,
  };
}

function extensionsConfig(reader: SettingReader): ExtensionsConfig {
  const timeoutMsByEvent: Record<string, number> = {};
  for (const [event, field] of extensionTimeoutFields) {
    const seconds = reader.value(field);
    if (seconds !== undefined) timeoutMsByEvent[event] = seconds * 1000;
  }
  return {
    timeoutMs: reader.value(extensionFields.timeout) * 1000,
    timeoutMsByEvent,
    graceMs: reader.value(extensionFields.grace) * 1000,
    allowedModules: reader.value(extensionFields.allowedModules) ?? [],
    ...defined({
      environment: reader.value(extensionFields.environment),
      lbPrivateIp: reader.value(extensionFields.lbPrivateIp),
      lbPublicIp: reader.value(extensionFields.lbPublicIp),
      applicationPath: reader.value(artifactFields.applicationPath),
      persistenceMapping: reader.value(payloadFields.persistenceMapping),
    }),
  };
}

function healthConfig(reader: SettingReader): HealthConfig {
  const seconds = reader.value(healthFields.interval);
  if (seconds > longestHealthIntervalSeconds) {
    reader.warnings.push(
      `stats.notifier.interval is ${seconds} s: the platform declares a member faulty after 60 s ` +
        `without health statistics; ${longestHealthIntervalSeconds} s or less is safe`,
    );
  }
  return {
    enabled: reader.value(healthFields.enabled),
    intervalMs: seconds * 1000,
    checkPorts: reader.value(healthFields.checkPorts),
  };
}

function statusConfig(reader: SettingReader): AgentConfig["status"] {
  const listen = reader.value(agentFields.statusListen);
  if (listen === "off") return {};
  const tokenFile = absolutePath(reader, agentFields.statusTokenFile);
  if (tokenFile === undefined && !isLoopback(listen.host)) {
    reader.missing(
      agentFields.statusTokenFile,
      "not set, but others can reach the address of status.listen",
    );
  }
  return { listen, ...defined({ tokenFile }) };
}
