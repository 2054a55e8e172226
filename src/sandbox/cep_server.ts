import { once } from "node:events";
import type { AddressInfo } from "node:net";
import selfsigned from "selfsigned";
import { cannot } from "../base/errors.ts";
import { CepSessions, type ReceivedEvent } from "./cep_sessions.ts";
import { makeThriftServer, type ThriftServer } from "./cep_thrift_server.ts";

export type { ReceivedEvent } from "./cep_sessions.ts";

/** What {@link openCepServer} takes. */
export interface CepServerOptions {
  /** Default 0, a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Default admin. */
  readonly username?: string;
  /** Default admin. */
  readonly password?: string;
  /** Told of every event as the platform would read it. */
  readonly onEvent?: (event: ReceivedEvent) => void;
  /** Told of what went wrong: bundles that a real receiver drops without a word, unreadable calls. */
  readonly onProblem?: (problem: string) => void;
}

/** Calls that were answered, for tests and the sandbox's summary. */
export interface CepServerCounts {
  readonly connections: number;
  readonly logins: number;
  readonly definitions: number;
  readonly bundles: number;
  readonly events: number;
}

/** A receiver of the WSO2 data bridge inside this process: TLS port, sessions, streams, faults. */
export interface CepServer extends AsyncDisposable {
  readonly port: number;
  /** The certificate, for `thrift.tls.ca.file`; it is for localhost and 127.0.0.1. */
  readonly caPem: string;
  readonly counts: CepServerCounts;
  /** Ends all sessions, as 30 minutes would. */
  expireSessions(): void;
  /** Resets all connections. */
  dropConnections(): void;
  /** Stops listening, resets all connections, forgets sessions and streams. Twice is once. */
  stop(): Promise<void>;
  /** Listens again on the same port after {@link CepServer.stop}. */
  restart(): Promise<void>;
}

/**
 * Starts a receiver.
 *
 * @throws AgentError `unavailable` when the port cannot be listened on.
 */
export async function openCepServer(options: CepServerOptions = {}): Promise<CepServer> {
  const hostname = options.hostname ?? "127.0.0.1";
  const { private: key, cert } = await selfsigned.generate(
    [{ name: "commonName", value: "localhost" }],
    {
      keySize: 2048,
      algorithm: "sha256",
      extensions: [
        // Not a CA: then every TLS client takes it both as certificate and as its own issuer.
        { name: "basicConstraints", cA: false, critical: true },
        {
          name: "subjectAltName",
          altNames: [{ type: 2, value: "localhost" }, { type: 7, ip: "127.0.0.1" }],
        },
      ],
    },
  );
  const counts = { connections: 0, logins: 0, definitions: 0, bundles: 0, events: 0 };
  const sessions = new CepSessions({
    username: options.username ?? "admin",
    password: options.password ?? "admin",
    counts,
    onEvent: options.onEvent ?? (() => {}),
    onProblem: options.onProblem ?? (() => {}),
  });
  let server: ThriftServer | undefined;
  let port = options.port ?? 0;

  const listen = async () => {
    if (server) return;
    const started = makeThriftServer({
      key,
      cert,
      answer: (call) => sessions.answer(call),
      onConnection: () => counts.connections++,
      onProblem: options.onProblem ?? (() => {}),
    });
    started.listener.listen(port, hostname);
    try {
      await once(started.listener, "listening");
    } catch (error) {
      await started.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw cannot("listen on", `${hostname}:${port}`, reason, { kind: "unavailable" });
    }
    port = (started.listener.address() as AddressInfo).port;
    server = started;
  };
  const stop = async () => {
    const running = server;
    server = undefined;
    sessions.forgetAll();
    await running?.close();
  };
  await listen();
  return {
    get port() {
      return port;
    },
    caPem: cert,
    get counts() {
      return { ...counts };
    },
    expireSessions: () => sessions.expire(),
    dropConnections: () => server?.dropConnections(),
    stop,
    restart: listen,
    [Symbol.asyncDispose]: stop,
  };
}
