import assert from "node:assert/strict";
import type { AgentConfig } from "../../src/config/agent_config.ts";
import { parseLaunchParams } from "../../src/config/launch_params.ts";
import { resolve } from "../../src/config/resolve.ts";
import { configOf, resolved, sampleSources } from "./sample_sources.ts";

const key = "0123456789abcdef";
const plain = (config: AgentConfig) => JSON.parse(JSON.stringify(config));

Deno.test("resolve: a broker and an identity are enough, the rest has the documented defaults", () => {
  const { launchParameters: _, ...config } = plain(configOf({}));
  assert.deepEqual(config, {
    paths: {
      home: "/home/agent",
      agentConf: "/home/agent/agent.conf",
      launchParams: "/home/agent/payload/launch-params",
      stateDir: "/home/agent/state",
      logDir: "/home/agent/logs",
      extensionsDir: "/home/agent/extensions",
      launcher: "/home/agent/extensions/launcher",
      terminatorFile: "/home/agent/terminator.txt",
    },
    identity: {
      applicationId: "app",
      serviceName: "php",
      clusterId: "app.php.domain",
      clusterInstanceId: "app-1",
      memberId: "app.php.domain-1",
      networkPartitionId: "np-1",
      partitionId: "p-1",
      multiTenant: false,
      tenantId: -1234,
    },
    broker: {
      urls: [{ host: "mb", port: 1883 }],
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
    extensions: { timeoutMs: 900_000, timeoutMsByEvent: {}, graceMs: 5000, allowedModules: [] },
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
      limits: { bytes: 2 * 1024 ** 3, files: 200_000, timeoutMs: 600_000 },
    },
    cep: {
      groups: [{ mode: "failover", receivers: [{ host: "mb", port: 7711 }] }],
      username: "admin",
      password: "***",
      tls: { verify: true, verifyName: true },
    },
    health: { enabled: true, intervalMs: 15_000, checkPorts: false },
    logPublisher: {
      enabled: false,
      receiver: { host: "mb", port: 7711 },
      username: "admin",
      password: "***",
      tls: { verify: true, verifyName: true },
      paths: [],
      streamAlias: "full",
    },
    metadata: { tls: { verify: true, verifyName: true } },
    logging: { level: "INFO", format: "text" },
    status: { listen: { host: "127.0.0.1", port: 9463 } },
    telemetry: {},
  });
  assert.equal(configOf({}).cep.password.open(), "admin");
  assert.equal(configOf({}).logPublisher.password.open(), "admin");
});

Deno.test("resolve: every setting reaches its place in its unit", () => {
  const config = configOf({
    conf: `
      mb.urls = mb1:1883,[::1]:1884
      mb.username = mu
      mb.password = mp
      mb.publisher.timeout = 1
      mb.tls = TRUE
      mb.ca.file = ca.pem
      mb.cert.file = /etc/mb/cert.pem
      mb.key.file = /etc/mb/key.pem
      listen.address = 0.0.0.0
      thrift.receiver.urls = {c1:1|c2:2},c3:3
      thrift.server.admin.username = cu
      thrift.server.admin.password = cp
      thrift.tls.ca.file = cep.pem
      thrift.tls.verify = false
      thrift.tls.verify.name = false
      cep.stats.publisher.enabled = false
      stats.notifier.interval = 2
      health.ports.check = true
      lb.private.ip = 10.0.0.3
      lb.public.ip = 1.2.3.4
      enable.artifact.update = false
      auto.checkout = false
      auto.commit = true
      artifact.update.interval = 3
      artifact.clone.retries = 4
      artifact.clone.interval = 5
      enable.initial.artifact.backup = true
      super.tenant.repository.path = /s/
      tenant.repository.path = /t/
      port.check.timeout = 6
      enable.data.publisher = true
      monitoring.server.ip = mon
      monitoring.server.port = 7
      monitoring.server.secure.port = 8
      monitoring.server.admin.username = ou
      monitoring.server.admin.password = op
      log.file.paths = /var/log/a.log|logs/b.log
      APPLICATION_PATH = /var/www
      metadata.service.url = https://mds:9443/metadataservice
      metadata.tls.ca.file = mds.pem
      metadata.tls.verify = false
      metadata.tls.verify.name = false
      state.dir = /var/lib/agent
      log.dir = log
      artifact.branch = feature/x
      artifact.allowed.hosts = git.example.org, *.example.com:8443
      artifact.ca.file = git.pem
      artifact.publish = files
      artifact.engine = isomorphic
      artifact.ssh.key.file = id
      artifact.ssh.known.hosts.file = /etc/hosts.keys
      artifact.activate.on.failure = true
      artifact.limit.bytes = 9
      artifact.limit.files = 10
      artifact.limit.seconds = 11
      extension.timeout = 12
      extension.timeout.startservers = 13
      extension.grace = 14
      extension.required = StartServers, volumemount
      extension.environment = JAVA_HOME, PATH
      extension.modules.allow = a, b:net=x:1
      log.stream.alias = first
      log.format = json
      status.listen = off
      shutdown.timeout = 15
      service.manager = systemd
      otel.exporter.otlp.endpoint = http://collector:4318`.replaceAll(/\n +/g, "\n"),
    launch: {
      REPO_URL: "https://user:pw@git.example.org/r.git",
      CARTRIDGE_KEY: key,
      TOKEN: "bearer",
      PORTS: "80|443",
      INSTANCE_ID: "i-1",
      LB_CLUSTER_ID: "lb.domain",
      LVS_VIRTUAL_IP: "192.168.0.40|255.255.255.0",
      PERSISTENCE_MAPPING: "/dev/vdb|vol-1|/mnt",
      LOG_LEVEL: "DEBUG",
    },
  }, false);
  const { launchParameters: _, paths, identity, ...rest } = plain(config);
  assert.equal(paths.stateDir, "/var/lib/agent");
  assert.equal(paths.logDir, "/home/agent/log");
  assert.equal(identity.instanceId, "i-1");
  assert.equal(identity.lbClusterId, "lb.domain");
  const tls = { caFile: "/home/agent/cep.pem", verify: false, verifyName: false };
  assert.deepEqual(rest, {
    broker: {
      urls: [{ host: "mb1", port: 1883 }, { host: "::1", port: 1884 }],
      username: "mu",
      password: "***",
      tls: {
        caFile: "/home/agent/ca.pem",
        certFile: "/etc/mb/cert.pem",
        keyFile: "/etc/mb/key.pem",
      },
      maxMessageBytes: 67_108_864,
      publisherTimeoutMs: 1000,
    },
    lifecycle: {
      ports: [80, 443],
      listenAddress: "0.0.0.0",
      portCheckTimeoutMs: 6,
      awaitsArtifacts: true,
      activateOnFailedCheckout: true,
      persistenceMapping: "/dev/vdb|vol-1|/mnt",
      lvsVirtualIp: { ip: "192.168.0.40", subnetMask: "255.255.255.0" },
      publishesLogs: true,
      requiredExtensions: ["StartServers", "VolumeMount"],
      shutdownTimeoutMs: 15_000,
    },
    extensions: {
      timeoutMs: 12_000,
      timeoutMsByEvent: { StartServers: 13_000 },
      graceMs: 14_000,
      environment: ["JAVA_HOME", "PATH"],
      allowedModules: ["a", "b:net=x:1"],
      lbPrivateIp: "10.0.0.3",
      lbPublicIp: "1.2.3.4",
      applicationPath: "/var/www",
      persistenceMapping: "/dev/vdb|vol-1|/mnt",
    },
    artifacts: {
      applicationPath: "/var/www",
      multiTenant: false,
      tenantId: -1234,
      superTenantPath: "/s/",
      tenantPath: "/t/",
      cartridgeKey: "***",
      repoUrl: "https://git.example.org/r.git",
      allowedHosts: ["git.example.org", "*.example.com:8443"],
      branch: "feature/x",
      caFile: "/home/agent/git.pem",
      publish: "files",
      engine: "isomorphic",
      sshKeyFile: "/home/agent/id",
      sshKnownHostsFile: "/etc/hosts.keys",
      update: false,
      autoCheckout: false,
      autoCommit: true,
      updateIntervalMs: 3000,
      cloneRetries: 4,
      cloneRetryIntervalMs: 5000,
      backupInitial: true,
      limits: { bytes: 9, files: 10, timeoutMs: 11_000 },
    },
    cep: {
      groups: [
        { mode: "failover", receivers: [{ host: "c1", port: 1 }, { host: "c2", port: 2 }] },
        { mode: "failover", receivers: [{ host: "c3", port: 3 }] },
      ],
      username: "cu",
      password: "***",
      tls,
    },
    health: { enabled: false, intervalMs: 2000, checkPorts: true },
    logPublisher: {
      enabled: true,
      receiver: { host: "mon", port: 8 },
      username: "ou",
      password: "***",
      tls,
      paths: ["/var/log/a.log", "/home/agent/logs/b.log"],
      streamAlias: "first",
    },
    metadata: {
      url: "https://mds:9443/metadataservice",
      token: "***",
      tls: { caFile: "/home/agent/mds.pem", verify: false, verifyName: false },
    },
    logging: { level: "DEBUG", format: "json" },
    status: {},
    telemetry: { endpoint: "http://collector:4318" },
    service: { manager: "systemd" },
  });
  assert.deepEqual(
    [
      config.broker.password,
      config.cep.password,
      config.logPublisher.password,
      config.artifacts.cartridgeKey,
      config.metadata.token,
    ].map((secret) => secret?.open()),
    ["mp", "cp", "op", key, "bearer"],
  );
});

Deno.test("resolve: the result is frozen all the way down", () => {
  const config = configOf({ launch: { PORTS: "80", REPO_URL: "https://h/r", CARTRIDGE_KEY: key } });
  const thawed: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [name, member] of Object.entries(value)) visit(member, `${path}.${name}`);
  };
  visit(config, "config");
  assert.deepEqual(thawed, []);
  assert.throws(() => {
    Object.assign(config.broker, { urls: [] });
  }, TypeError);
});

Deno.test("resolve: two configurations share nothing", () => {
  const one = configOf({});
  const other = configOf({ launch: { PORTS: "80" } });
  assert.deepEqual(one.lifecycle.ports, []);
  assert.deepEqual(other.lifecycle.ports, [80]);
});

Deno.test("allowed hosts: are by default the host of REPO_URL, its port when it is not the usual", () => {
  const hosts = (REPO_URL: string) =>
    configOf({ launch: { REPO_URL, CARTRIDGE_KEY: key } }).artifacts.allowedHosts;
  assert.deepEqual(hosts("https://Git.Example.org/r.git"), ["git.example.org"]);
  assert.deepEqual(hosts("https://git.example.org:443/r.git"), ["git.example.org"]);
  assert.deepEqual(hosts("https://git.example.org:8443/r.git"), ["git.example.org:8443"]);
  assert.deepEqual(hosts("http://u:p@git.example.org:80/r.git"), ["git.example.org"]);
  assert.deepEqual(hosts("http://[::1]:8080/r.git"), ["[::1]:8080"]);
});

Deno.test("allowed hosts: have no default without REPO_URL or with MULTITENANT, and that is said", () => {
  const loud = (launch: Record<string, string>) => {
    const { config, warnings } = resolved({ launch });
    assert.deepEqual(config?.artifacts.allowedHosts, []);
    return warnings.filter((line) => line.includes("EVERY ARTIFACT EVENT WILL BE REFUSED"));
  };
  const [without] = loud({});
  assert.ok(without?.includes("without REPO_URL"));
  const repository = { REPO_URL: "https://h/r.git", CARTRIDGE_KEY: key };
  const [multiTenant] = loud({ ...repository, MULTITENANT: "true" });
  assert.ok(multiTenant?.includes("with MULTITENANT=true"));
  const configured = { conf: "artifact.allowed.hosts = h", launch: { MULTITENANT: "true" } };
  assert.deepEqual(configOf(configured).artifacts.allowedHosts, ["h"]);
  assert.ok(!resolved(configured).warnings.join().includes("REFUSED"));
});

Deno.test("warnings: name what hardly works as it was meant", () => {
  const launch = { REPO_URL: "https://h/r.git", CARTRIDGE_KEY: key, APPLICATION_PATH: "/var/www" };
  const warningsOf = (conf: string, more: Record<string, string> = {}) =>
    resolved({ conf, launch: { ...launch, ...more } }).warnings;
  assert.deepEqual(warningsOf(""), []);
  assert.deepEqual(warningsOf("stats.notifier.interval = 30"), []);
  const cases: readonly (readonly [string, string])[] = [
    ["stats.notifier.interval = 31", "stats.notifier.interval is 31 s: "],
    ["thrift.tls.verify = false", "thrift.tls.verify=false: any certificate is accepted"],
    ["mb.password = x", "mb.password is set without mb.username"],
    ["mb.ca.file = x", "mb.ca.file without mb.tls=true: the connection is not encrypted"],
    ["APPLICATION_PATH = www", "APPLICATION_PATH is not absolute: every checkout will be refused"],
    ["enable.data.publisher = true", "enable.data.publisher is on, but log.file.paths names no"],
  ];
  for (const [conf, start] of cases) {
    const [warning, ...others] = warningsOf(conf);
    assert.ok(warning?.startsWith(start), warning ?? "no warning");
    assert.deepEqual(others, []);
  }
  const { warnings } = resolved({ launch: { ...launch, APPLICATION_PATH: "null" } });
  assert.deepEqual(warnings, ["APPLICATION_PATH is not set: every checkout will be refused"]);
});

Deno.test("launch parameters: reach extensions as read, with both spellings of the service group", () => {
  const { launchParameters } = configOf({
    launch: { SERVICE_GROUP: "g", "X.y": " a ", Z: "null" },
  });
  assert.equal(launchParameters["SERIVCE_GROUP"], "g");
  assert.equal(launchParameters["SERVICE_GROUP"], "g");
  assert.equal(launchParameters["X.y"], " a ");
  assert.equal("Z" in launchParameters, false);
  const misspelt = configOf({ launch: { SERIVCE_GROUP: "h" } }).launchParameters;
  assert.equal(misspelt["SERVICE_GROUP"], "h");
});

Deno.test("launch parameters: a key from a file or the agent.conf is not added to them", () => {
  const config = configOf({
    env: { MB_USERNAME: "u", MB_PASSWORD: "p" },
    conf: "TOKEN = bearer",
    files: { CARTRIDGE_KEY_FILE: { path: "/run/key", value: key } },
  });
  assert.equal(config.artifacts.cartridgeKey?.open(), key);
  assert.equal(config.launchParameters["CARTRIDGE_KEY"], undefined);
  assert.equal(config.launchParameters["TOKEN"], undefined);
});

for (
  const name of ["vm-simple", "vm-odd-values", "docker-simple", "docker-full", "docker-odd-values"]
) {
  Deno.test(`resolve: is content with the platform's file ${name} and a broker`, async () => {
    const file = new URL(
      `../fixtures/vectors/launch-params/${name}.launch-params`,
      import.meta.url,
    );
    const content = parseLaunchParams(await Deno.readTextFile(file));
    const sources = sampleSources({ env: { MB_IP: "10.0.0.1", MB_PORT: "1883" } });
    const launchParams = { path: "/home/agent/payload/launch-params", content };
    const { config, problems } = resolve({ ...sources, launchParams }, "/logs");
    assert.deepEqual(problems, []);
    assert.equal(config?.identity.memberId, content.parameters.get("MEMBER_ID"));
    if (name === "docker-full") {
      assert.equal(config?.broker.urls.length, 2);
      assert.deepEqual(config?.lifecycle.ports, [8080, 8443]);
      assert.deepEqual(config?.logPublisher.paths, ["/var/log/a.log", "/var/log/b.log"]);
      assert.equal(config?.lifecycle.awaitsArtifacts, false);
    }
  });
}

Deno.test("status: an address that others reach needs a token file, a loopback one may have one", () => {
  const of = (conf: string) => configOf({ conf }).status;
  assert.deepEqual(of("status.listen = [::1]:0"), { listen: { host: "::1", port: 0 } });
  assert.deepEqual(of("status.listen = 10.0.0.1:9463\nstatus.token.file = token"), {
    listen: { host: "10.0.0.1", port: 9463 },
    tokenFile: "/home/agent/token",
  });
  assert.equal(of("status.token.file = /etc/token").tokenFile, "/etc/token");
  assert.deepEqual(of("status.listen = off\nstatus.token.file = token"), {});
  for (const listen of ["0.0.0.0:1", "[::]:1", "agent.example:1", "128.0.0.1:1"]) {
    const { config, problems } = resolved({ conf: `status.listen = ${listen}` });
    assert.equal(config, undefined);
    assert.equal(problems.length, 1, listen);
    assert.equal(problems[0]?.key, "status.token.file");
    assert.match(problems[0]?.reason ?? "", /others can reach the address/);
  }
});
