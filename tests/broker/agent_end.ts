import type { Clock } from "../../src/base/clock.ts";
import { systemClock } from "../../src/base/clock.ts";
import {
  BrokerConnection,
  type BrokerConnectionOptions,
} from "../../src/broker/broker_connection.ts";
import type { Connected } from "../../src/broker/broker_handlers.ts";
import type { BrokerConfig } from "../../src/config/agent_config.ts";
import { type MemoryLog, memoryLog } from "../memory_log.ts";

/** A {@link BrokerConnection} that records everything that happens to it. */
export interface AgentEnd extends AsyncDisposable {
  readonly connection: BrokerConnection;
  readonly log: MemoryLog;
  /** `topic payload` of every message. */
  readonly messages: readonly string[];
  readonly connected: readonly Connected[];
  readonly lost: readonly string[];
  /** Resolves when the condition holds; looked at whenever something happens. */
  until(condition: () => boolean): Promise<void>;
}

/** What a test may set. */
export interface AgentEndOptions extends Partial<Omit<BrokerConnectionOptions, "broker">> {
  readonly broker?: Partial<BrokerConfig>;
  readonly clock?: Clock;
}

/** Opens a {@link BrokerConnection} to brokers on these ports of this machine. */
export function openAgentEnd(ports: readonly number[], options: AgentEndOptions = {}): AgentEnd {
  const messages: string[] = [];
  const connected: Connected[] = [];
  const lost: string[] = [];
  let waiters: { condition: () => boolean; resolve: () => void }[] = [];
  const look = () =>
    waiters = waiters.filter(({ condition, resolve }) => !condition() || resolve());
  const memory = memoryLog();
  const watched: MemoryLog = {
    ...memory,
    debug: (...line) => (memory.debug(...line), look()),
    info: (...line) => (memory.info(...line), look()),
    warning: (...line) => (memory.warning(...line), look()),
    error: (...line) => (memory.error(...line), look()),
  };
  const { broker, handlers, ...rest } = options;
  const connection = BrokerConnection.open({
    clientId: "member-1",
    log: watched,
    clock: systemClock,
    random: () => 0,
    ...rest,
    broker: {
      urls: ports.map((port) => ({ host: "127.0.0.1", port })),
      maxMessageBytes: 67_108_864,
      publisherTimeoutMs: 900_000,
      ...broker,
    },
    handlers: {
      onMessage: (topic, payload) => {
        messages.push(`${topic} ${new TextDecoder().decode(payload)}`);
        look();
        return handlers?.onMessage(topic, payload);
      },
      onConnected: (facts) => {
        connected.push(facts);
        look();
        handlers?.onConnected?.(facts);
      },
      onLost: (reason) => {
        lost.push(reason);
        look();
        handlers?.onLost?.(reason);
      },
    },
  });
  return {
    connection,
    log: watched,
    messages,
    connected,
    lost,
    until: (condition) =>
      condition() ? Promise.resolve() : new Promise((resolve) => {
        waiters.push({ condition, resolve });
      }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** A signal that never fires. */
export const never: AbortSignal = new AbortController().signal;
