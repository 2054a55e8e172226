import { Secret } from "../../src/base/secret.ts";
import {
  connectCall,
  type DataBridgeCall,
  defineStreamCall,
  publishCall,
} from "../../src/cep/data_bridge_messages.ts";
import type { Answer } from "../../src/cep/data_bridge_messages.ts";
import { HealthPublisher } from "../../src/cep/health_publisher.ts";
import { healthEvent, healthStream } from "../../src/cep/health_stream.ts";
import { ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import { bundleOf, streamDefinitionJson } from "../../src/cep/stream_definition.ts";
import { TaskGroup } from "../../src/base/tasks.ts";
import type { IdentityConfig, ReceiverTls } from "../../src/config/agent_config.ts";
import { openCepServer } from "../../src/sandbox/cep_server.ts";
import { cepCaFile, type CepReceiver, type CepRecord } from "../cep_receiver.ts";
import { memoryLog } from "../memory_log.ts";
import { hurriedClock } from "./hurried_clock.ts";
import { plainCall } from "./plain_bridge.ts";

/** How much faster than real the senders live; the receiver of `tests/peers` lives in real time. */
export const hurry = 8;
/** The default of `stats.notifier.interval`. */
export const intervalMs = 15_000;

/** Something at work that sends numbered values to a receiver. */
export interface RunningSender extends AsyncDisposable {
  /** The number of the newest value that was made, sent or not. */
  newest(): number;
  /** What else the agent did meanwhile and should not have left out; empty when all is well. */
  disturbed(): readonly string[];
  /** Lines of its log above debug that speak of the receiver. */
  complaints(): readonly string[];
}

/** A row of the fault matrix: who sends, and over what. */
export interface SenderKind {
  readonly name: string;
  readonly transport: "TLS" | "plain";
  /** The number in an event that arrived; `undefined` for one that is not this sender's. */
  readonly numberIn: (record: CepRecord) => number | undefined;
  readonly open: (receiver: CepReceiver) => Promise<RunningSender>;
}

const identity: IdentityConfig = {
  applicationId: "app",
  serviceName: "php",
  clusterId: "c1",
  clusterInstanceId: "ci1",
  memberId: "m1",
  networkPartitionId: "np1",
  partitionId: "p1",
  tenantId: 1,
  multiTenant: false,
};

function healthNumber({ payload }: CepRecord): number | undefined {
  const { health_description, value } = (payload ?? {}) as Record<string, unknown>;
  return health_description === "memory_consumption" ? Number(value) : undefined;
}

/** Health statistics, and beside the faulty receiver a group with a healthy one. */
export const healthSender: SenderKind = {
  name: "health",
  transport: "TLS",
  numberIn: healthNumber,
  async open(receiver) {
    await using parts = new AsyncDisposableStack();
    const elsewhere: number[] = [];
    const healthy = parts.use(
      await openCepServer({
        onEvent: ({ payload }) => {
          const number = healthNumber({ kind: "event", payload });
          if (number !== undefined) elsewhere.push(number);
        },
      }),
    );
    // Trusted both: the reference receiver by its CA, this one by itself.
    const caFile = await Deno.makeTempFile({ suffix: ".pem" });
    parts.defer(() => Deno.remove(caFile));
    await Deno.writeTextFile(caFile, await Deno.readTextFile(cepCaFile("leaf")) + healthy.caPem);
    const tls: ReceiverTls = { caFile, verify: true, verifyName: true };
    const log = memoryLog();
    let samples = 0;
    const group = (port: number) =>
      ({ mode: "failover", receivers: [{ host: "localhost", port }] }) as const;
    const publisher = parts.use(
      new HealthPublisher({
        cep: {
          groups: [group(receiver.port), group(healthy.port)],
          username: "admin",
          password: new Secret("admin"),
          tls,
        },
        health: { enabled: true, intervalMs, checkPorts: false },
        identity,
        launcher: "/nowhere/launcher",
        reader: { read: () => Promise.resolve({ memoryPercent: ++samples, loadPercent: 1 }) },
        log,
        clock: hurriedClock(hurry),
        random: () => 0.99,
      }),
    );
    publisher.start();
    const owned = parts.move();
    return {
      newest: () => samples,
      disturbed: () =>
        // The newest may be on its way.
        Array.from({ length: samples - 1 }, (_, index) => index + 1)
          .filter((number) => !elsewhere.includes(number))
          .map((number) => `value ${number} did not reach the healthy receiver`),
      complaints: () =>
        log.records.filter(({ level, message }) =>
          level !== "debug" && level !== "info" && message.includes(`localhost:${receiver.port}`)
        ).map(({ message }) => message),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/**
 * The calls that the plain port has, by a sender of the simplest kind: it logs in over TLS, and makes its
 * other calls over plain connections. The agent has none; it shows that the calls bear the faults there.
 */
export const plainSender: SenderKind = {
  name: "calls",
  transport: "plain",
  numberIn: healthNumber,
  open(receiver) {
    const clock = hurriedClock(hurry);
    const log = memoryLog();
    const tasks = new TaskGroup(log, clock);
    const limitMs = 10_000 / hurry;
    let number = 0;
    let session: string | undefined;
    const logIn = async (signal: AbortSignal) => {
      const tls = { caFile: cepCaFile("leaf"), verify: true, verifyName: true };
      const to = { host: "localhost", port: receiver.port };
      await using connection = await ReceiverConnection.open(to, tls, clock, signal);
      return answered(await connection.call(connectCall("admin", new Secret("admin")), signal));
    };
    const plain = async <T>(call: DataBridgeCall<T>) =>
      answered(await plainCall(receiver.plainPort, call, limitMs));
    const send = async (signal: AbortSignal) => {
      const isNew = session === undefined;
      session ??= await logIn(signal);
      if (isNew) await plain(defineStreamCall(session, streamDefinitionJson(healthStream)));
      const events = [healthEvent(identity, Date.now(), "memory_consumption", number)];
      await plain(publishCall({ sessionId: session, ...bundleOf(events) }));
    };
    void tasks.start("send over plain connections", async (signal) => {
      while (true) {
        number++;
        for (let attempt = 0; attempt < 2; attempt++) {
          try {
            await send(signal);
            break;
          } catch (error) {
            if (signal.aborted) throw error;
            session = undefined;
          }
        }
        await clock.sleep(intervalMs / 2, signal);
      }
    });
    return Promise.resolve({
      newest: () => number,
      disturbed: () => [],
      complaints: () => log.records.map(({ message }) => message),
      [Symbol.asyncDispose]: async () => void await tasks.close(30_000),
    });
  },
};

function answered<T>(answer: Answer<T>): T {
  if (answer.kind === "refused") throw new Error(answer.refusal);
  return answer.value;
}
