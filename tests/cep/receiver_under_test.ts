import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import type { ReceiverOptions } from "../../src/cep/receiver.ts";
import type { ReceiverTls } from "../../src/config/agent_config.ts";
import { openCepServer } from "../../src/sandbox/cep_server.ts";
import { startCepReceiver } from "../cep_receiver.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { peerTest } from "../system_peers.ts";
import { Inbox } from "./inbox.ts";

/** An event as a receiver read it; only what every receiver can tell. */
export interface SeenEvent {
  readonly streamId: string;
  readonly timestampMs: bigint;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A receiver of either make, with the faults that both have. */
export interface ReceiverUnderTest extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly events: Inbox<SeenEvent>;
  /** Logins it has seen. */
  logins(): Promise<number>;
  expireSessions(): Promise<void>;
  dropConnections(): Promise<void>;
  /** Connections, sessions and streams are gone; back on the same port. */
  restart(): Promise<void>;
  /** Not listening until {@link ReceiverUnderTest.comeBack}. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

async function embedded(): Promise<ReceiverUnderTest> {
  const events = new Inbox<SeenEvent>();
  const problems: string[] = [];
  const server = await openCepServer({
    onEvent: events.push,
    onProblem: (problem) => problems.push(problem),
  });
  return {
    host: "localhost",
    port: server.port,
    events,
    logins: () => Promise.resolve(server.counts.logins),
    expireSessions: () => Promise.resolve(server.expireSessions()),
    dropConnections: () => Promise.resolve(server.dropConnections()),
    restart: async () => {
      await server.stop();
      await server.restart();
    },
    goAway: () => server.stop(),
    comeBack: () => server.restart(),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      assert.deepEqual(problems, []);
    },
  };
}

async function reference(): Promise<ReceiverUnderTest> {
  const receiver = await startCepReceiver({ args: ["--strict"] });
  const events = new Inbox<SeenEvent>();
  receiver.onRecord = (record) => {
    if (record.kind !== "event") return;
    events.push({
      streamId: record.streamId as string,
      timestampMs: BigInt(record.timeStamp as number),
      payload: record.payload as SeenEvent["payload"],
    });
  };
  return {
    host: "localhost",
    port: receiver.port,
    events,
    logins: async () => Number((await receiver.stats()).connects),
    expireSessions: () => receiver.post("expire"),
    dropConnections: () => receiver.post("drop"),
    restart: () => receiver.post("restart", { down: 0 }),
    goAway: async () => {
      await receiver.post("faults", { refuse: true });
      await receiver.post("expire");
    },
    comeBack: () => receiver.post("faults", { refuse: false }),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

/** One test for each make of receiver. */
export function receiverTest(
  name: string,
  test: (receiver: ReceiverUnderTest) => Promise<void>,
): void {
  Deno.test(`${name} (embedded receiver)`, async () => {
    await using receiver = await embedded();
    await test(receiver);
  });
  peerTest(`${name} (reference receiver)`, ["cep-receiver"], async () => {
    await using receiver = await reference();
    await test(receiver);
  });
}

/** Any certificate. */
export const unverified: ReceiverTls = { verify: false, verifyName: false };

/** Options with a clock that stands still, a log to read, and the longest back-off. */
export function testOptions(changes: Partial<ReceiverOptions> = {}) {
  const clock = new FakeClock();
  const log = memoryLog();
  const options: ReceiverOptions = {
    username: "admin",
    password: new Secret("admin"),
    tls: unverified,
    log,
    clock,
    random: () => 0.999,
    ...changes,
  };
  return { clock, log, options };
}
