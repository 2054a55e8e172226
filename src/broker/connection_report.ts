import type { ErrorKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { HostPort } from "../config/agent_config.ts";
import { nameOf } from "./link.ts";

/** Failures that somebody has to do something about. */
const needsSomebody: readonly ErrorKind[] = ["refused", "permission", "configuration", "internal"];

/**
 * What is logged of connecting: one line per change, not one per attempt.
 *
 * In an outage every cause that somebody has to remove is an error, said once; all other causes are
 * one warning after the first round. Every attempt is a debug line. A connection ends the outage.
 */
export class ConnectionReport {
  readonly #log: Log;
  readonly #said = new Set<string>();
  /** What is not said yet of the round in progress. */
  #unsaid: string[] = [];
  #lastError: string | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Why there is no connection; `undefined` while there is one. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** The connection works. */
  connected(broker: HostPort, sessionPresent: boolean): void {
    this.#lastError = undefined;
    this.#said.clear();
    this.#unsaid = [];
    const session = sessionPresent ? "the session goes on" : "a new session";
    this.#log.info(`Connected to broker "${nameOf(broker)}", ${session}`, {
      broker: nameOf(broker),
      sessionPresent,
    });
  }

  /** A connection that worked has ended. */
  lost(broker: HostPort, reason: string): void {
    this.#lastError = reason;
    this.#log.warning(`Lost the connection to broker "${nameOf(broker)}": ${reason}`, {
      broker: nameOf(broker),
    });
  }

  /** An attempt has failed. `message` is complete, in the house form. */
  failed(broker: HostPort, kind: ErrorKind, message: string): void {
    this.#lastError = message;
    this.#log.debug(message, { broker: nameOf(broker), kind });
    if (!needsSomebody.includes(kind)) {
      this.#unsaid.push(message);
      return;
    }
    const key = `${kind} ${nameOf(broker)}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#log.error(`${message}; trying on`, { broker: nameOf(broker), kind });
  }

  /** All brokers have failed once more. */
  roundFailed(): void {
    if (this.#unsaid.length > 0 && !this.#said.has("round")) {
      this.#said.add("round");
      this.#log.warning(`No broker is reachable, trying on: ${this.#unsaid.join("; ")}`);
    }
    this.#unsaid = [];
  }
}
