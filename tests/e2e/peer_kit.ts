import { Secret } from "../../src/base/secret.ts";
import { openCepServer } from "../../src/sandbox/cep_server.ts";
import type { HomeReceiver } from "../../src/sandbox/home.ts";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { cepCaFile, type CepRecord, startCepReceiver } from "../cep_receiver.ts";
import { openMosquitto } from "../mosquitto.ts";
import type { SystemPeer } from "../system_peers.ts";

/** A broker that only lets the right credentials in. */
export interface BrokerUnderTest extends AsyncDisposable {
  readonly port: number;
  /** Ends it and starts it again on the same port. */
  restart(): Promise<void>;
  /** Ends it; {@link restart} starts it again. */
  stop(): Promise<void>;
}

/** A receiver of health statistics. */
export interface ReceiverUnderTest extends AsyncDisposable {
  /** What a home needs to find it. */
  readonly home: HomeReceiver;
  /** Called with each health value, by name. */
  onHealth: (name: string, value: number) => void;
  /** All sessions are unknown from now on. */
  expireSessions(): Promise<void>;
  /** Ends it; {@link start} starts it again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** One kind of peers; every scenario runs with each. */
export interface PeerKit {
  readonly name: string;
  readonly needs: readonly SystemPeer[];
  openBroker(username: string, password: string): Promise<BrokerUnderTest>;
  openReceiver(): Promise<ReceiverUnderTest>;
}

/** Peers in the process of the tests. */
export const embeddedPeers: PeerKit = {
  name: "embedded peers",
  needs: [],
  openBroker: async (username, password) => {
    const broker = await openMqttBroker({ username, password });
    return {
      port: broker.port,
      restart: () => broker.restart(),
      stop: () => broker.kill(),
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    };
  },
  openReceiver: async () => {
    const [username, password] = ["health", "health-password"];
    const server = await openCepServer({
      hostname: "127.0.0.1",
      username,
      password,
      onEvent: ({ payload }) => tell(receiver, payload),
    });
    const receiver: ReceiverUnderTest = {
      home: {
        host: "127.0.0.1",
        port: server.port,
        caPem: server.caPem,
        username,
        password: new Secret(password),
      },
      onHealth: () => {},
      expireSessions: () => Promise.resolve(server.expireSessions()),
      stop: () => server.stop(),
      start: () => server.restart(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
    return receiver;
  },
};

/** Debian's mosquitto and the reference receiver in Python. */
export const systemPeers: PeerKit = {
  name: "mosquitto and the reference receiver",
  needs: ["mosquitto", "cep-receiver"],
  openBroker: (username, password) => openMosquitto({ username, password }),
  openReceiver: async () => {
    const python = await startCepReceiver();
    const receiver: ReceiverUnderTest = {
      home: {
        host: "localhost",
        port: python.port,
        caPem: await Deno.readTextFile(cepCaFile("leaf")),
      },
      onHealth: () => {},
      expireSessions: () => python.post("expire"),
      stop: async () => {
        await python.post("faults", { refuse: true });
        await python.post("drop");
      },
      start: () => python.post("faults", { refuse: false }),
      [Symbol.asyncDispose]: () => python[Symbol.asyncDispose](),
    };
    python.onRecord = (record) => {
      if (record.kind === "event") tell(receiver, (record as PythonEvent).payload);
    };
    return receiver;
  },
};

interface PythonEvent extends CepRecord {
  readonly payload: Readonly<Record<string, unknown>>;
}

function tell(receiver: ReceiverUnderTest, payload: Readonly<Record<string, unknown>>): void {
  receiver.onHealth(String(payload.health_description), Number(payload.value));
}
