import { Aedes, type AuthenticateError, type Client } from "aedes";
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { cannot, reasonOf } from "../base/errors.ts";
import { DrainedStream } from "./drained_stream.ts";

/** How {@link openMqttBroker} works. */
export interface MqttBrokerOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** With {@link MqttBrokerOptions.password}: the only credentials that are let in. Default: anybody. */
  readonly username?: string;
  readonly password?: string;
  /** PEM texts. `ca` set: clients must show a certificate signed by it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Called for every CONNECT, with whether it is let in. */
  readonly onConnect?: (clientId: string, accepted: boolean) => void;
  /** Filters that are refused. */
  readonly refuses?: (filter: string) => boolean;
}

/** An embedded MQTT 3.1.1 broker; sessions live as long as the object does. */
export interface MqttBroker extends AsyncDisposable {
  readonly port: number;
  /** Drops all clients without a word and stops listening; sessions are kept. */
  kill(): Promise<void>;
  /** {@link kill}, if it still listens, and listens again on the same port. */
  restart(): Promise<void>;
}

/**
 * Opens an embedded broker: persistent sessions and QoS 0 to 2, all in memory.
 *
 * Unlike mosquitto it delivers to subscriptions with wildcards at the publisher's quality of service.
 *
 * @throws AgentError of kind `unavailable` when it cannot listen.
 */
export async function openMqttBroker(options: MqttBrokerOptions = {}): Promise<MqttBroker> {
  const { host = "127.0.0.1", tls, onConnect, refuses } = options;
  const aedes = new Aedes({
    // Only MQTT 3.1 limits it, yet a member id is longer.
    maxClientsIdLength: 65_535,
    authenticate: (client: Client, username, password, done) => {
      const accepted = isLetIn(options, username, password);
      onConnect?.(client.id, accepted);
      if (accepted) return done(null, true);
      const error = new Error("wrong credentials") as AuthenticateError;
      error.returnCode = 4;
      done(error, null);
    },
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, refuses?.(subscription.topic) ? null : subscription),
  });
  await aedes.listen();
  const sockets = new Set<Socket>();
  let killed = false;
  // Also those that have not finished their TLS handshake: a server waits for them when it closes.
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (killed) socket.destroy();
  };
  const open = (port: number): Promise<Server> => {
    killed = false;
    const serve = (socket: Socket) => aedes.handle(new DrainedStream(socket));
    const server = tls
      ? createTlsServer({ ...tls, requestCert: tls.ca !== undefined }, serve)
      : createTcpServer({ noDelay: true }, serve);
    server.on("connection", track);
    return listening(server, host, port);
  };
  const closeAedes = () => new Promise<void>((resolve) => aedes.close(() => resolve()));
  let server: Server;
  try {
    server = await open(options.port ?? 0);
  } catch (error) {
    await closeAedes();
    throw error;
  }
  const { port } = server.address() as { port: number };

  const kill = async () => {
    killed = true;
    const closed = server.listening ? closing(server) : undefined;
    const gone = [...sockets].map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once("close", () => resolve());
      socket.destroy();
      return promise;
    });
    await Promise.all([closed, ...gone]);
  };
  let disposed: Promise<void> | undefined;
  return {
    port,
    kill,
    restart: async () => {
      await kill();
      server = await open(port);
    },
    [Symbol.asyncDispose]: () =>
      disposed ??= (async () => {
        await kill();
        await closeAedes();
      })(),
  };
}

function isLetIn(
  { username, password }: MqttBrokerOptions,
  givenName: string | undefined,
  givenPassword: Uint8Array | undefined,
): boolean {
  if (username === undefined) return true;
  const expected = Buffer.from(password ?? "");
  const given = Buffer.from(givenPassword ?? []);
  return givenName === username && given.length === expected.length &&
    timingSafeEqual(given, expected);
}

function listening(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.on("error", (error: Error) => {
      const options = { kind: "unavailable", cause: error } as const;
      reject(cannot("listen on", `${host}:${port}`, reasonOf(error), options));
    });
    server.listen(port, host, () => resolve(server));
  });
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
