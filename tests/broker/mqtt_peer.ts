import { Buffer } from "node:buffer";
import { connectAsync, type IStore, type MqttClient } from "mqtt";
import { ForgetfulStore } from "../../src/broker/forgetful_store.ts";

/** A second client of a broker: publishes as the platform does (QoS 2) and records what it is sent. */
export interface MqttPeer extends AsyncDisposable {
  /** `topic payload` of everything received. */
  readonly received: readonly string[];
  publish(topic: string, payload: string | Uint8Array, qos?: 0 | 1 | 2): Promise<void>;
  subscribe(filter: string, qos?: 0 | 1 | 2): Promise<void>;
  /** Resolves once so many messages have been received. */
  untilReceived(count: number): Promise<void>;
}

/** Connects a {@link MqttPeer}. */
export async function openMqttPeer(
  port: number,
  options: { readonly username?: string; readonly password?: string } = {},
): Promise<MqttPeer> {
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    reconnectPeriod: 0,
    timerVariant: "native",
    // The library's own store leaves a timer behind, which a short test would be blamed for.
    outgoingStore: new ForgetfulStore() as unknown as IStore,
    ...options,
  });
  const received: string[] = [];
  let waiters: { count: number; resolve: () => void }[] = [];
  client.on("message", (topic, payload) => {
    received.push(`${topic} ${payload.toString()}`);
    waiters = waiters.filter(({ count, resolve }) => received.length < count || resolve());
  });
  return {
    received,
    publish: async (topic, payload, qos = 2) => {
      const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
      await client.publishAsync(topic, bytes, { qos });
    },
    subscribe: async (filter, qos = 1) => void await client.subscribeAsync(filter, { qos }),
    untilReceived: (count) =>
      received.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push({ count, resolve })),
    [Symbol.asyncDispose]: async () => {
      await client.endAsync(true);
    },
  };
}
