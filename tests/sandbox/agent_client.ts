import { Buffer } from "node:buffer";
import mqtt from "mqtt";
import { systemClock } from "../../src/base/clock.ts";
import { Journal, type WaitLimits } from "../../src/sandbox/journal.ts";
import { type MemberIdentity, sandboxMember } from "../../src/sandbox/member.ts";
import type { StatusName } from "../../src/sandbox/status_rules.ts";

/** A message that a test's agent got. */
export interface Got {
  readonly topic: string;
  /** Of the embedded broker: the quality of service that it was published with. */
  readonly qos: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** The MQTT side of a scripted agent. */
export interface AgentClient extends AsyncDisposable {
  readonly got: readonly Got[];
  /** The first message with a topic that counts, by the end of its name. */
  until(event: string, limits?: WaitLimits & { where?: (got: Got) => boolean }): Promise<Got>;
  publish(topic: string, payload: string | Uint8Array, qos?: 0 | 1): Promise<void>;
  request(event: string): Promise<void>;
  status(event: StatusName, changes?: Record<string, unknown>): Promise<void>;
}

/** Connects and subscribes to all that an agent listens to. */
export async function openAgentClient(
  broker: { readonly host?: string; readonly port: number; username?: string; password?: string },
  member: MemberIdentity = sandboxMember,
): Promise<AgentClient> {
  const client = await mqtt.connectAsync({
    protocolVersion: 4,
    reconnectPeriod: 50,
    host: "127.0.0.1",
    ...broker,
  });
  const journal = new Journal<Got>(systemClock);
  client.on("message", (topic, payload, { qos }) => {
    journal.add({ topic, qos, body: JSON.parse(payload.toString()) });
  });
  await client.subscribeAsync(["topology/#", "tenant/#", "instance/notifier/#"], { qos: 1 });
  const publish = async (topic: string, payload: string | Uint8Array, qos: 0 | 1 = 1) => {
    await client.publishAsync(topic, Buffer.from(payload as string), { qos });
  };
  return {
    get got() {
      return journal.entries;
    },
    until: (event, limits) => {
      const where = limits?.where ?? (() => true);
      return journal.until(event, (got) => got.topic.endsWith(`/${event}`) && where(got), limits);
    },
    publish,
    request: (event) => publish(`initializer/${event}`, "{}"),
    status: (event, changes = {}) => {
      const { applicationId, ...ids } = member;
      const fields = event === "InstanceStartedEvent" ? { applicationId, ...ids } : ids;
      return publish(`instance/status/${event}`, JSON.stringify({ ...fields, ...changes }));
    },
    [Symbol.asyncDispose]: async () => {
      await client.endAsync(true);
    },
  };
}
