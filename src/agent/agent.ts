import { join } from "node:path";
import { ArtifactSync } from "../artifacts/artifact_sync.ts";
import type { Clock } from "../base/clock.ts";
import { type AgentError, cannot } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Redactor } from "../base/redactor.ts";
import { TaskGroup } from "../base/tasks.ts";
import { openPorts } from "../base/tcp_probe.ts";
import { BrokerConnection } from "../broker/broker_connection.ts";
import { Outbox } from "../broker/outbox.ts";
import { HealthPublisher } from "../cep/health_publisher.ts";
import { LogPublisher } from "../cep/log_publisher.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { ExtensionRunner } from "../extensions/extension_runner.ts";
import { LinkLauncher } from "../extensions/link_launcher.ts";
import type { ModuleHost } from "../extensions/module_host.ts";
import type { Effect } from "../lifecycle/effect.ts";
import type { Input } from "../lifecycle/input.ts";
import { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { PortProbe } from "../lifecycle/ports.ts";
import type { AgentState } from "../lifecycle/state.ts";
import type { TracePort } from "../lifecycle/trace_port.ts";
import type { StatusSnapshot } from "../status/snapshot.ts";
import { artifactMachinery } from "./artifact_modules.ts";
import { laneLimits } from "./lane_limits.ts";
import { LiveConfig } from "./live_settings.ts";
import { healthReaderOf, openModules } from "./modules.ts";
import { openService } from "./service.ts";
import { shutDown } from "./shut_down.ts";
import { StateMemory } from "./state_memory.ts";
import { openStatus, readStatusToken } from "./status.ts";
import type { AgentFacts } from "./status_snapshot.ts";
import { StatusWatch } from "./status_watch.ts";
import { systemGitOf } from "./system_git.ts";
import { untilTerminator } from "./terminator_file.ts";

/** What an agent needs from who starts it. */
export interface AgentEnvironment {
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
  /** Told of the secrets that the agent learns on its way. */
  readonly redactor: Redactor;
  /** Told of every input with the state it led to. */
  readonly onStep?: (input: Input, state: AgentState, effects: readonly Effect[]) => void;
  /** Follows what leads to what; absent: nobody. */
  readonly trace?: TracePort;
  /** For the status; absent: unknown. */
  readonly facts?: AgentFacts;
}

/** An agent at work. */
export interface RunningAgent {
  /** What a status shows, not older than 200 ms. */
  snapshot(): StatusSnapshot;
  /** Takes over the live settings of a configuration; see live_settings.ts. */
  apply(config: AgentConfig): void;
  /** Resolves when the terminator file asks the agent to end. */
  readonly terminated: Promise<void>;
  /**
   * Ends the agent in order: extensions stopped, status events flushed, connections closed, all within
   * `shutdown.timeout`. Ending twice is ending once.
   *
   * @returns Names of what had not ended by then.
   */
  stop(): Promise<readonly string[]>;
}

/** How long one port of the application may take to accept a connection. */
const probeLimitMs = 2_000;

/**
 * Starts the agent of a configuration: builds every adapter, puts them behind the lifecycle's ports
 * and begins. The home must have been claimed.
 *
 * @throws AgentError of kind `configuration`, with nothing left running.
 */
export async function startAgent(
  config: AgentConfig,
  environment: AgentEnvironment,
): Promise<RunningAgent> {
  const { log, clock, random, redactor } = environment;
  const { stateDir } = config.paths;
  const live = new LiveConfig(config);
  const liveLimits = {
    extensions: live.section("extensions", config.extensions),
    artifacts: live.section("artifacts", config.artifacts),
  };
  await using parts = new AsyncDisposableStack();
  const modules = parts.use(await openModules(config, log.child("extensions"), clock, random));
  const memory = new StateMemory(stateDir, config.identity);
  const remembered = await memory.load(log.child("lifecycle"), clock.now());
  const token = await readStatusToken(config.status);
  if (token) redactor.add(token);
  const watch = new StatusWatch(clock, (text) => redactor.redact(text), remembered);

  // These need each other: the outbox sends over the connection, which delivers to the lifecycle.
  // Nothing is awaited once the connection is opened, or what a persistent session held would be lost.
  const late: { broker?: BrokerConnection; lifecycle?: Lifecycle } = {};
  const outbox = parts.use(
    await Outbox.open({
      path: join(stateDir, "outbox.jsonl"),
      publisher: {
        publish: async (topic, payload, signal) => {
          if (!late.broker) throw notConnected(topic);
          await late.broker.publish(topic, payload, signal);
        },
      },
      warnAfterMs: config.broker.publisherTimeoutMs,
      onAcknowledged: (topic) => {
        watch.acknowledged(topic);
        late.lifecycle?.acknowledged(topic);
      },
      log: log.child("broker.outbox"),
      clock,
      random,
    }),
  );
  const broker = parts.use(BrokerConnection.open({
    broker: config.broker,
    clientId: config.identity.memberId,
    handlers: {
      onMessage: (topic, payload) => late.lifecycle?.receive(topic, payload) ?? false,
      onConnected: (connected) => {
        watch.connected(connected);
        outbox.wake();
        if (connected.gap) late.lifecycle?.reconnected(!connected.sessionPresent);
      },
      onLost: watch.lost,
    },
    log: log.child("broker"),
    clock,
    random,
  }));
  late.broker = broker;
  const extensions = parts.use(
    new ExtensionRunner({
      modules,
      config: live.section("extensions", config.extensions),
      paths: config.paths,
      launchParameters: config.launchParameters,
      broker: () => broker.current(),
      onRun: watch.ran,
      redact: (text) => redactor.redact(text),
      log: log.child("extensions"),
      clock,
    }),
  );
  const systemGit = systemGitOf(config, clock);
  const links = new LinkLauncher(config.paths.launcher, log.child("artifacts"), clock);
  const artifactLog = log.child("artifacts");
  const ofModules = artifactMachinery(config.artifacts, modules, artifactLog, systemGit?.builtIn);
  const artifacts = parts.use(
    new ArtifactSync({
      ...systemGit?.machinery,
      ...ofModules,
      config: live.section("artifacts", ofModules.config ?? config.artifacts),
      makeLinks: (directory, signal) => links.makeLinks(directory, signal),
      stateDir,
      addSecret: (secret) => redactor.add(secret),
      observer: watch.observer,
      log: artifactLog,
      clock,
      random,
    }),
  );
  const probe = applicationPorts(config, clock);
  const health = parts.use(openHealth(config, live, probe, modules, environment, watch));
  const logs = parts.use(
    new LogPublisher({
      config: config.logPublisher,
      identity: config.identity,
      checkpoint: join(stateDir, "log-positions.jsonl"),
      log: log.child("logs"),
      clock,
      random,
    }),
  );
  const service = parts.use(
    openService({
      config,
      lanes: () => late.lifecycle?.lanes ?? [],
      limits: () => laneLimits(liveLimits, (event) => watch.quietMs(event)),
      log: log.child("service"),
      clock,
    }),
  );
  const lifecycle = new Lifecycle({
    identity: config.identity,
    lifecycle: config.lifecycle,
    world: { broker, outbox, extensions, artifacts, health, logs, probe, memory },
    remembered,
    log: log.child("lifecycle"),
    clock,
    random,
    ...(environment.trace ? { trace: environment.trace } : {}),
    onStep: (input, state, effects) => {
      watch.stepped(input, state, effects, () => lifecycle.lanes);
      service?.stepped(input, state);
      environment.onStep?.(input, state, effects);
    },
  });
  late.lifecycle = lifecycle;
  const sources = { lifecycle, broker, outbox, artifacts, health, logs };
  const statusLog = log.child("status");
  const status = parts.use(
    openStatus({
      config: { ...config, ...liveLimits },
      facts: environment.facts,
      sources,
      watch,
      token,
      log: statusLog,
      clock,
      redactor,
    }),
  );
  lifecycle.start();

  // Told to end: a first look at the processor's use no longer matters, nor does the terminator file.
  const tasks = new TaskGroup(log, clock);
  void tasks.start("first health sample", (signal) => health.takeBaseline(signal));
  const terminated = Promise.withResolvers<void>();
  void tasks.start("watch for the terminator file", async (signal) => {
    await untilTerminator(config.paths.terminatorFile, log, clock, signal);
    terminated.resolve();
  });
  const owned = parts.move();
  let stopping: Promise<readonly string[]> | undefined;
  return {
    terminated: terminated.promise,
    snapshot: () => status.snapshot(),
    apply: (newer) => live.take(newer),
    stop: () =>
      stopping ??= shutDown(config.lifecycle.shutdownTimeoutMs, clock, {
        tasks,
        lifecycle,
        outbox,
        ...(service ? { service } : {}),
        connections: owned,
      }),
  };
}

function openHealth(
  config: AgentConfig,
  live: LiveConfig,
  probe: PortProbe,
  modules: ModuleHost,
  { log, clock, random }: AgentEnvironment,
  watch: StatusWatch,
): HealthPublisher {
  const { ports } = config.lifecycle;
  const reader = healthReaderOf(config, modules, log, clock);
  return new HealthPublisher({
    cep: config.cep,
    health: live.section("health", config.health),
    identity: config.identity,
    launcher: config.paths.launcher,
    ...(reader ? { reader } : {}),
    closedPorts: async (signal) => {
      const open = await probe.open(ports, signal);
      return ports.filter((port) => !open.has(port));
    },
    onSample: watch.sampled,
    log: log.child("cep"),
    clock,
    random,
  });
}

function notConnected(topic: string): AgentError {
  const options = { kind: "unavailable", retryable: true } as const;
  return cannot("publish to", topic, "there is no connection yet", options);
}

function applicationPorts(config: AgentConfig, clock: Clock): PortProbe {
  const { listenAddress } = config.lifecycle;
  return { open: (ports, signal) => openPorts(listenAddress, ports, probeLimitMs, clock, signal) };
}
