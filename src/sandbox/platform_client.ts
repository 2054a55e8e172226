import { Buffer } from "node:buffer";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { nameOf } from "../broker/link.ts";
import { prepareSocket } from "../broker/socket.ts";
import type { TlsFiles } from "../config/agent_config.ts";

/** Where a broker is and how to log in. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
}

/** A message that arrived. */
export interface ArrivedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Quality of service it was published with, as far as the own subscription lets through. */
  readonly qos: 0 | 1 | 2;
}

/** What the connection tells its owner; called in order, must not throw. */
export interface ConnectionEvents {
  readonly onMessage: (message: ArrivedMessage) => void;
  readonly onConnected: (connected: boolean) => void;
}

/** An MQTT connection with a persistent session that comes back after every loss. */
export interface PlatformConnection extends AsyncDisposable {
  /**
   * Resolves when the broker has acknowledged the subscriptions.
   *
   * Rejects with an AgentError, `unavailable` or `refused`, when it does not; the connection is closed
   * by then.
   */
  readonly ready: Promise<void>;
  /** Publishes at QoS 2, not retained, also while the broker is away; resolves when it is done. */
  publish(topic: string, payload: string | Uint8Array): Promise<void>;
}

/** How {@link publishOnce} reaches a broker. */
export interface OnceOptions {
  readonly broker: BrokerAddress;
  /** Absent: plain TCP. */
  readonly tls?: TlsFiles;
  readonly clientId: string;
  /** Longest time for all of it, in milliseconds. */
  readonly limitMs: number;
  readonly clock: Clock;
}

const connectLimitMs = 10_000;
const goodbyeLimitMs = 2_000;

/**
 * Connects as the platform does: MQTT 3.1.1, QoS 2, a persistent session, so that nothing that was
 * published while the connection was down is missed.
 *
 * @param filters What is subscribed to, at QoS 2.
 */
export function connectPlatform(
  broker: BrokerAddress,
  clientId: string,
  filters: readonly string[],
  events: ConnectionEvents,
  clock: Clock,
): PlatformConnection {
  const client = mqtt.connect(clientOptions(broker, clientId));
  let lastError: unknown;
  client.on("error", (error) => lastError = error);
  client.on("connect", () => events.onConnected(true));
  client.on("offline", () => events.onConnected(false));
  client.on("message", (topic, payload, { qos }) => {
    events.onMessage({ topic, payload: new Uint8Array(payload), qos });
  });
  const over = () => {
    const reason = lastError === undefined ? "no answer" : reasonOf(lastError);
    const subject = `${broker.host}:${broker.port}`;
    return cannot("use the message broker", subject, reason, {
      kind: "unavailable",
      cause: lastError,
    });
  };
  let closed: Promise<void> | undefined;
  const close = () => closed ??= leave(client, filters, clock);
  const subscribed = withDeadline(subscribe(client, filters), connectLimitMs, over, clock);
  return {
    ready: subscribed.catch(async (error) => {
      await close();
      throw error;
    }),
    publish: async (topic, payload) => {
      const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
      await client.publishAsync(topic, Buffer.from(bytes), { qos: 2, retain: false });
    },
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Connects, publishes one message at QoS 2, not retained, and leaves; no session stays behind.
 *
 * @returns Resolves when the broker has taken the message over.
 * @throws AgentError `unavailable`, `refused` when the broker lets nobody of that name in,
 *   `permission`, or `configuration` when a TLS file is no good.
 */
export async function publishOnce(
  topic: string,
  payload: string,
  { broker, tls, clientId, limitMs, clock }: OnceOptions,
): Promise<void> {
  const name = nameOf(broker);
  const openSocket = await prepareSocket(broker, tls);
  const client = new mqtt.MqttClient(() => openSocket(), {
    ...clientOptions(broker, clientId),
    clean: true,
    reconnectPeriod: 0,
  });
  const failure = (reason: string, kind: "unavailable" | "refused", cause?: unknown) =>
    cannot("publish to", name, reason, { kind, cause });
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  client.on("connect", () => resolve());
  // Only a refused CONNECT has a code of MQTT; what the system says has one of its own.
  client.on("error", (error) => {
    const isRefusal = typeof (error as { code?: unknown }).code === "number";
    reject(failure(reasonOf(error), isRefusal ? "refused" : "unavailable", error));
  });
  client.on("close", () => reject(failure("it closed the connection", "unavailable")));
  const talk = async () => {
    await connected;
    try {
      await client.publishAsync(topic, payload, { qos: 2, retain: false });
    } catch (error) {
      throw failure(reasonOf(error), "unavailable", error);
    }
  };
  const over = () => failure(`no answer within ${limitMs} ms`, "unavailable");
  try {
    await withDeadline(talk(), limitMs, over, clock);
    // The message is the broker's by now; one that is slow to part is left.
    await withDeadline(client.endAsync(), goodbyeLimitMs, over, clock).catch(() => {});
  } finally {
    await client.endAsync(true);
  }
}

function clientOptions(broker: BrokerAddress, clientId: string): IClientOptions {
  return {
    protocol: "mqtt",
    protocolVersion: 4,
    host: broker.host,
    port: broker.port,
    clientId,
    clean: false,
    reconnectPeriod: 100,
    connectTimeout: 5_000,
    queueQoSZero: false,
    ...(broker.username === undefined ? {} : { username: broker.username }),
    ...(broker.password === undefined ? {} : { password: broker.password.open() }),
  };
}

async function subscribe(client: MqttClient, filters: readonly string[]): Promise<void> {
  const granted = await client.subscribeAsync([...filters], { qos: 2 });
  const refused = granted.filter(({ qos }) => Number(qos) > 2).map(({ topic }) => topic);
  if (refused.length > 0) {
    throw cannot("subscribe to", refused.join(", "), "the broker refused", { kind: "refused" });
  }
}

/** Leaves nothing behind that the broker would keep for a session that never comes back. */
async function leave(
  client: MqttClient,
  filters: readonly string[],
  clock: Clock,
): Promise<void> {
  const goodbye = async () => {
    await client.unsubscribeAsync([...filters]);
    await client.endAsync();
  };
  const over = () => new Error("the broker did not answer");
  try {
    if (client.connected) await withDeadline(goodbye(), goodbyeLimitMs, over, clock);
  } catch {
    // A broker that is already gone keeps nothing; the connection is closed below either way.
  } finally {
    await client.endAsync(true);
  }
}
