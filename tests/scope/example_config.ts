import { Secret } from "../../src/base/secret.ts";
import type { AgentConfig } from "../../src/config/agent_config.ts";

/** Sections of a configuration that a test changes. */
export type Changes = { readonly [Section in keyof AgentConfig]?: Partial<AgentConfig[Section]> };

/** The smallest configuration: one broker, nothing else switched on. */
export function exampleConfig(changes: Changes = {}): AgentConfig {
  const tls = { verify: true, verifyName: true };
  const receiver = { host: "cep.example.com", port: 7711 };
  const smallest: AgentConfig = {
    paths: {
      home: "/agent",
      stateDir: "/agent/state",
      logDir: "/agent/logs",
      extensionsDir: "/agent/extensions",
      launcher: "/agent/extensions/launcher",
      terminatorFile: "/agent/terminator.txt",
    },
    identity: {
      applicationId: "app",
      serviceName: "service",
      clusterId: "cluster",
      clusterInstanceId: "instance",
      memberId: "member",
      networkPartitionId: "network",
      partitionId: "partition",
      tenantId: -1234,
      multiTenant: false,
    },
    launchParameters: {},
    broker: {
      urls: [{ host: "broker.example.com", port: 1883 }],
      maxMessageBytes: 67_108_864,
      publisherTimeoutMs: 900_000,
    },
    lifecycle: {
      ports: [],
      listenAddress: "localhost",
      portCheckTimeoutMs: 600_000,
      awaitsArtifacts: false,
      activateOnFailedCheckout: false,
      requiredExtensions: [],
      shutdownTimeoutMs: 10_000,
    },
    extensions: { timeoutMs: 900_000, timeoutMsByEvent: {}, graceMs: 5_000, allowedModules: [] },
    artifacts: {
      multiTenant: false,
      tenantId: -1234,
      superTenantPath: "/repository/deployment/server/",
      tenantPath: "/repository/tenants/",
      allowedHosts: [],
      publish: "files",
      engine: "isomorphic",
      update: true,
      autoCheckout: true,
      autoCommit: false,
      updateIntervalMs: 15_000,
      cloneRetries: 5,
      cloneRetryIntervalMs: 10_000,
      backupInitial: false,
      limits: { bytes: 2 ** 31, files: 200_000, timeoutMs: 600_000 },
    },
    cep: {
      groups: [{ mode: "failover", receivers: [receiver] }],
      username: "admin",
      password: new Secret("admin"),
      tls,
    },
    health: { enabled: false, intervalMs: 15_000, checkPorts: false },
    logPublisher: {
      enabled: false,
      receiver: { host: "monitoring.example.com", port: 7711 },
      username: "admin",
      password: new Secret("admin"),
      tls,
      paths: ["/var/log/app.log"],
      streamAlias: "full",
    },
    metadata: { tls },
    logging: { level: "INFO", format: "text" },
    status: {},
    telemetry: {},
  };
  const changed = Object.entries(changes).map(([section, values]) => [
    section,
    { ...smallest[section as keyof AgentConfig], ...values },
  ]);
  return { ...smallest, ...Object.fromEntries(changed) };
}
