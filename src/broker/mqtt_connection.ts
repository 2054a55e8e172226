import { type IStore, MqttClient } from "mqtt";
import { AgentError, cannot, type ErrorKind, reasonOf } from "../base/errors.ts";
import { ForgetfulStore } from "./forgetful_store.ts";
import { GuardedStream } from "./guarded_stream.ts";
import { type GrantCode, type Link, type LinkTarget, nameOf, type Subscription } from "./link.ts";
import { PacketFramer } from "./packet_framer.ts";
import { prepareSocket } from "./socket.ts";

/** What CONNACK codes mean (MQTT 3.1.1, section 3.2.2.3). */
const refusals: Readonly<Record<number, string>> = {
  1: "it does not speak MQTT 3.1.1",
  2: "it rejects the client id",
  3: "its MQTT service is unavailable",
  4: "user name or password is wrong: check mb.username and mb.password",
  5: "the client is not authorised: check mb.username, mb.password and what the broker allows",
};

/** CONNACK codes that a repetition soon after will not change. */
const lasting: readonly number[] = [1, 2, 4, 5];

/**
 * Connects once over TCP or TLS, by the mqtt library: a {@link Dial}.
 *
 * The library's own reconnecting, queueing, resubscribing, keep-alive and time limits are off: they
 * belong to who dials. The stream is ours, so that packets are bounded before they are parsed.
 */
export async function dialMqtt(target: LinkTarget, signal: AbortSignal): Promise<Link> {
  const openSocket = await prepareSocket(target.broker, target.tls);
  signal.throwIfAborted();
  const stream = new GuardedStream(
    openSocket(),
    new PacketFramer(target.maxPacketBytes, target.onOversized),
  );
  const client = new MqttClient(() => stream, {
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId: target.clientId,
    clean: target.clean,
    ...(target.username === undefined ? {} : { username: target.username }),
    keepalive: target.keepAliveSeconds,
    timerVariant: noTimer,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: 2 ** 31 - 1,
    incomingStore: asStore(new ForgetfulStore(target.onMessage)),
    outgoingStore: asStore(new ForgetfulStore()),
    log: () => {},
    ...(target.password === undefined ? {} : { password: target.password.open() }),
  });
  return await new MqttLink(client, stream, target, signal).connected();
}

/** The library's type wants streams of a package of its own; the runtime's do as well. */
const asStore = (store: ForgetfulStore) => store as unknown as IStore;

/** Keep-alive is watched by the caller, on its clock and by received bytes. */
const noTimer = { set: () => 0, clear: () => {} };

/** Why a connection ended. */
interface Failure {
  readonly reason: string;
  readonly kind: ErrorKind;
  readonly cause?: unknown;
}

type Answer<T> = (error: Error | null, value?: T) => void;

class MqttLink implements Link {
  readonly ended: Promise<string>;
  sessionPresent = false;
  readonly #client: MqttClient;
  readonly #stream: GuardedStream;
  readonly #brokerName: string;
  /** Ends every wait for an answer of the broker. */
  readonly #waiting = new Set<() => void>();
  /** The first cause; what follows is only its consequence. */
  #failure: Failure | undefined;

  constructor(client: MqttClient, stream: GuardedStream, target: LinkTarget, signal: AbortSignal) {
    this.#client = client;
    this.#stream = stream;
    this.#brokerName = nameOf(target.broker);
    client.handleMessage = ({ topic, payload }, done) => {
      const taken = target.onMessage(topic, viewOf(payload));
      // With an error the library goes on without acknowledging.
      done(taken ? undefined : new Error("not taken"));
    };
    client.on("packetreceive", (packet) => {
      if (packet.cmd !== "connack") return;
      this.sessionPresent = packet.sessionPresent;
      const code = packet.returnCode ?? 0;
      if (code !== 0) this.#fail(refusalOf(code));
    });
    // Whatever the error was, the library's state is of no use after it.
    client.on("error", (error) => this.#fail(failureOf(error)));
    stream.on("error", (error) => this.#fail(failureOf(error)));
    const abort = () => this.#fail(closed);
    signal.addEventListener("abort", abort, { once: true });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    stream.on("close", () => {
      signal.removeEventListener("abort", abort);
      this.#fail({ reason: "the broker closed the connection", kind: "unavailable" });
      for (const end of this.#waiting) end();
      resolve(this.#failure!.reason);
    });
  }

  get heardBytes(): number {
    return this.#stream.heardBytes;
  }

  get heardPackets(): number {
    return this.#stream.handedOn;
  }

  /** Resolves with this link once the broker has accepted the client. */
  connected(): Promise<Link> {
    return this.#answer("connect to", (done) => {
      this.#client.once("connect", () => done(null, this));
    });
  }

  ping(): void {
    if (this.#client.connected) this.#client.sendPing();
  }

  subscribe(
    subscriptions: readonly Subscription[],
    signal: AbortSignal,
  ): Promise<readonly GrantCode[]> {
    const wanted = Object.fromEntries(subscriptions.map(({ filter, qos }) => [filter, { qos }]));
    return this.#answer("subscribe at", (done) => {
      this.#client.subscribe(wanted, (error, _grants, packet) => {
        // A refusal is an error with the acknowledgement, everything else one without.
        const granted = packet?.cmd === "suback" ? packet.granted as GrantCode[] : undefined;
        if (granted?.length !== Object.keys(wanted).length) {
          return done(error ?? new Error("it acknowledges another number of subscriptions"));
        }
        const codes = new Map(Object.keys(wanted).map((filter, at) => [filter, granted[at]!]));
        done(null, subscriptions.map(({ filter }) => codes.get(filter)!));
      });
    }, signal);
  }

  publish(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    return this.#answer("publish to", (done) => {
      this.#client.publish(topic, payload, { qos: 1 }, (error) => done(error ?? null));
    }, signal);
  }

  async disconnect(): Promise<void> {
    this.#failure ??= closed;
    // The library would wait for what is unanswered before it takes leave.
    for (const id of Object.keys(this.#client.outgoing)) {
      this.#client.removeOutgoingMessage(Number(id));
    }
    this.#client.end(false);
    await this.ended;
  }

  /** Starts something and waits for its answer, the end of the connection or the signal. */
  #answer<T>(
    action: string,
    start: (done: Answer<T>) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      let id: number | undefined;
      const settle = (end: () => void) => {
        this.#waiting.delete(lost);
        signal?.removeEventListener("abort", abort);
        end();
      };
      const fail = (failure: Failure) => reject(this.#error(action, failure));
      const lost = () => settle(() => fail(this.#failure ?? closed));
      const abort = () => {
        settle(() => reject(signal!.reason));
        if (id !== undefined) this.#client.removeOutgoingMessage(id);
      };
      if (this.#stream.closed) return lost();
      this.#waiting.add(lost);
      signal?.addEventListener("abort", abort, { once: true });
      start((error, value) =>
        settle(() => error ? fail(this.#failure ?? failureOf(error)) : resolve(value as T))
      );
      if (signal) id = this.#client.getLastMessageId();
    });
  }

  /** Remembers the first cause and ends the connection. */
  #fail(failure: Failure): void {
    this.#failure ??= failure;
    this.#stream.destroy();
  }

  #error(action: string, { reason, kind, cause }: Failure): AgentError {
    return cannot(action, this.#brokerName, reason, { kind, retryable: true, cause });
  }
}

const closed: Failure = { reason: "the connection was closed", kind: "unavailable" };

function failureOf(error: Error): Failure {
  const reason = error instanceof AggregateError
    ? error.errors.map(reasonOf).join("; ")
    : reasonOf(error);
  return { reason, kind: error instanceof AgentError ? error.kind : "unavailable", cause: error };
}

function refusalOf(code: number): Failure {
  return {
    reason: refusals[code] ?? `it answers with code ${code}`,
    kind: lasting.includes(code) ? "refused" : "unavailable",
  };
}

function viewOf(payload: string | Uint8Array): Uint8Array {
  if (typeof payload === "string") return new TextEncoder().encode(payload);
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
}
