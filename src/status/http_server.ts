import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { reasonOf } from "../base/errors.ts";
import type { HostPort } from "../config/agent_config.ts";
import { type Handler, HttpConnection } from "./http_connection.ts";

/** Connections at once, event streams included. */
export const mostConnections = 64;

/** After a failure to accept, too many open files for example. */
const acceptPauseMs = 1_000;

/**
 * Serves GET and HEAD on one address. Small on purpose: the server of the platform bounds neither
 * connections nor the time that a client takes.
 */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #handler: Handler;
  /** Oldest first. */
  readonly #open = new Map<HttpConnection, Promise<void>>();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  /**
   * Listens.
   *
   * @throws What `Deno.listen` throws.
   */
  constructor({ host, port }: HostPort, handler: Handler, clock: Clock, log: Log) {
    this.#listener = Deno.listen({ hostname: host, port });
    this.#clock = clock;
    this.#log = log;
    this.#handler = handler;
    this.#ended = this.#accept();
  }

  /** Where it listens. */
  get address(): HostPort {
    const { hostname, port } = this.#listener.addr;
    return { host: hostname, port };
  }

  /** Stops listening and cuts every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#listener.close();
    }
    for (const connection of this.#open.keys()) connection.close();
    await Promise.all([this.#ended, ...this.#open.values()]);
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug(`Cannot accept a connection: ${reasonOf(error)}`);
        await this.#clock.sleep(acceptPauseMs, signal).catch(() => {});
      }
    }
  }

  #serve(connection: Deno.TcpConn): void {
    if (this.#open.size >= mostConnections) {
      // Whoever asks for something goes before whoever only holds a connection.
      const idle = [...this.#open.keys()].find(({ isIdle }) => isIdle);
      if (!idle) return connection.close();
      this.#open.delete(idle);
      idle.close();
    }
    const http = new HttpConnection(connection, this.#handler, this.#clock);
    const served = http.serve().finally(() => this.#open.delete(http));
    this.#open.set(http, served);
  }
}
