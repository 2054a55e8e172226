import { join } from "node:path";
import { ArtifactSync } from "../artifacts/artifact_sync.ts";
import { type Clock, withDeadline } from "../base/clock.ts";
import { type AgentError, cannot, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Redactor } from "../base/redactor.ts";
import { TaskGroup } from "../base/tasks.ts";
import { openPorts } from "../base/tcp_probe.ts";
import { BrokerConnection } from "../broker/broker_connection.ts";
import { Outbox } from "../broker/outbox.ts";
import { HealthPublisher } from "../cep/health_publisher.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { ExtensionRunner } from "../extensions/extension_runner.ts";
import type { ModuleHost } from "../extensions/module_host.ts";
import type { Input } from "../lifecycle/input.ts";
import { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { PortProbe } from "../lifecycle/ports.ts";
import type { AgentState } from "../lifecycle/state.ts";
import { healthReaderOf, openModules } from "./modules.ts";
import { StateMemory } from "./state_memory.ts";
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
  readonly onStep?: (input: Input, state: AgentState) => void;
}

/** An agent at work. */
export interface RunningAgent {
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
  await using parts = new AsyncDisposableStack();
  const modules = parts.use(await openModules(config, log.child("extensions"), clock));
  const memory = new StateMemory(stateDir, config.identity);
  const remembered = await memory.load(log.child("lifecycle"), clock.now());

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
      onAcknowledged: (topic) => late.lifecycle?.acknowledged(topic),
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
      onConnected: ({ gap, sessionPresent }) => {
        outbox.wake();
        if (gap) late.lifecycle?.reconnected(!sessionPresent);
      },
    },
    log: log.child("broker"),
    clock,
    random,
  }));
  late.broker = broker;
  const extensions = parts.use(
    new ExtensionRunner({
      modules,
      config: config.extensions,
      paths: config.paths,
      launchParameters: config.launchParameters,
      broker: () => broker.current(),
      log: log.child("extensions"),
      clock,
    }),
  );
  const artifacts = parts.use(
    new ArtifactSync({
      config: config.artifacts,
      stateDir,
      addSecret: (secret) => redactor.add(secret),
      log: log.child("artifacts"),
      clock,
      random,
    }),
  );
  const probe = applicationPorts(config, clock);
  const health = parts.use(openHealth(config, probe, modules, environment));
  const lifecycle = new Lifecycle({
    identity: config.identity,
    lifecycle: config.lifecycle,
    world: { broker, outbox, extensions, artifacts, health, probe, memory },
    remembered,
    log: log.child("lifecycle"),
    clock,
    random,
    ...(environment.onStep ? { onStep: environment.onStep } : {}),
  });
  late.lifecycle = lifecycle;
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
    stop: () =>
      stopping ??= shutDown(config.lifecycle.shutdownTimeoutMs, clock, {
        tasks,
        lifecycle,
        outbox,
        connections: owned,
      }),
  };
}

/** What is ended when an agent ends. */
interface Endings {
  readonly tasks: TaskGroup;
  readonly lifecycle: Lifecycle;
  readonly outbox: Outbox;
  readonly connections: AsyncDisposableStack;
}

/** First the work, then what it left to be sent, then the connections. */
async function shutDown(
  limitMs: number,
  clock: Clock,
  { tasks, lifecycle, outbox, connections }: Endings,
): Promise<readonly string[]> {
  const startMs = clock.monotonicMs();
  const leftMs = () => Math.max(0, limitMs - (clock.monotonicMs() - startMs));
  const late = () => new Error("limit");
  // Work may take most of the time, but the broker must get its share for the last events; what waits
  // already is sent meanwhile.
  const workMs = limitMs * 0.7;
  const [work, watches] = await Promise.all([lifecycle.stop(workMs), tasks.close(workMs)]);
  const stragglers = [...work, ...watches];
  const flush = new AbortController();
  await withDeadline(outbox.flushed(flush.signal), leftMs() * 0.7, late, clock)
    .catch(() => void stragglers.push("status events that wait for the broker"));
  flush.abort();
  await withDeadline(connections.disposeAsync(), leftMs(), late, clock)
    .catch((error) => void stragglers.push(`closing of connections (${reasonOf(error)})`));
  return stragglers;
}

function openHealth(
  config: AgentConfig,
  probe: PortProbe,
  modules: ModuleHost,
  { log, clock, random }: AgentEnvironment,
): HealthPublisher {
  const { ports } = config.lifecycle;
  const reader = healthReaderOf(config, modules, log, clock);
  return new HealthPublisher({
    cep: config.cep,
    health: config.health,
    identity: config.identity,
    launcher: config.paths.launcher,
    ...(reader ? { reader } : {}),
    closedPorts: async (signal) => {
      const open = await probe.open(ports, signal);
      return ports.filter((port) => !open.has(port));
    },
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
