import type { Clock } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";
import type { HostPort } from "../config/agent_config.ts";
import type { Handler } from "./http_connection.ts";
import { HttpServer } from "./http_server.ts";

/** What {@link StatusEndpoint} needs. */
export interface StatusEndpointOptions {
  readonly listen: HostPort;
  readonly handler: Handler;
  readonly log: Log;
  readonly clock: Clock;
}

/** While another program holds the address. */
const retryMs = 30_000;
const closeLimitMs = 2_000;

/**
 * Serves the status on its address for as long as the agent runs. When it cannot listen it says so
 * once and tries again: the agent does its work without.
 */
export class StatusEndpoint implements AsyncDisposable {
  readonly #options: StatusEndpointOptions;
  readonly #tasks: TaskGroup;
  #server: HttpServer | undefined;

  constructor(options: StatusEndpointOptions) {
    this.#options = options;
    this.#tasks = new TaskGroup(options.log, options.clock);
    if (this.#tryToListen(true)) return;
    // Supervised by the group: it logs a failure and never rejects.
    void this.#tasks.start("status endpoint", async (signal) => {
      do await options.clock.sleep(retryMs, signal); while (!this.#tryToListen(false));
    });
  }

  /** Where it listens; `undefined` while it does not. */
  get address(): HostPort | undefined {
    return this.#server?.address;
  }

  /** Cuts every client and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close(closeLimitMs);
    await this.#server?.[Symbol.asyncDispose]();
  }

  #tryToListen(isFirst: boolean): boolean {
    const { listen, handler, log, clock } = this.#options;
    try {
      this.#server = new HttpServer(listen, handler, clock, log);
    } catch (error) {
      const message = `The status endpoint cannot listen on ${shown(listen)}: ${reasonOf(error)}`;
      if (isFirst) log.warning(`${message}; trying again every ${retryMs / 1000} s`);
      else log.debug(message);
      return false;
    }
    log.info(`The status is at http://${shown(this.#server.address)}/`);
    return true;
  }
}

function shown({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
