import { type Clock, withDeadline } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { RetryPolicy } from "../base/retry.ts";
import type { Secret } from "../base/secret.ts";
import type { HostPort, ReceiverTls } from "../config/agent_config.ts";
import { SessionExpiredError, StreamUnknownError, valueOf } from "./answer_value.ts";
import { connectCall, disconnectCall } from "./data_bridge_messages.ts";
import { DefinedStreams } from "./defined_streams.ts";
import {
  type CallLimits,
  ConnectionClosedError,
  defaultCallLimits,
  ReceiverConnection,
} from "./receiver_connection.ts";
import { type PreparedBundle, preparedEvents } from "./prepared_bundle.ts";
import { ReceiverRecord, type ReceiverSnapshot, type ReceiverStatus } from "./receiver_record.ts";
import { formatHostPort } from "./receiver_tls.ts";
import type { StreamEvent } from "./stream_definition.ts";

/** A login again is due this long after the last: a session ends 30 minutes after it, used or not. */
export const sessionRenewalMs = 25 * 60_000;

/** The TLS port closes a connection after 30 s of silence; one that was silent for 25 s is not reused. */
export const idleLimitMs = 25_000;

/** How long a log-out may hold up the end. */
const logoutLimitMs = 2_000;

/** What receivers share. */
export interface ReceiverOptions {
  readonly username: string;
  readonly password: Secret;
  readonly tls: ReceiverTls;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
  readonly limits?: CallLimits;
  /** Between attempts. Default: 1 s to 30 s, for ever. */
  readonly backOff?: RetryPolicy;
}

/** What is to be sent, asked for right before each attempt; `undefined`: nothing any more. */
export type CurrentEvents = () => readonly StreamEvent[] | undefined;

/**
 * A receiver with its own connection, session, definitions and back-off.
 *
 * Sessions belong to no connection and are lost when the server restarts; both ends are normal and
 * handled quietly: connect or log in again, define the streams again, send once more.
 */
export class Receiver implements AsyncDisposable {
  /** `host:port`. */
  readonly name: string;
  readonly #receiver: HostPort;
  readonly #options: ReceiverOptions;
  #connection: ReceiverConnection | undefined;
  #session: { readonly id: string; readonly sinceMs: number } | undefined;
  readonly #defined: DefinedStreams;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #record: ReceiverRecord;

  constructor(receiver: HostPort, options: ReceiverOptions) {
    this.name = formatHostPort(receiver);
    this.#receiver = receiver;
    this.#options = options;
    this.#record = new ReceiverRecord(this.name, options);
    this.#defined = new DefinedStreams(this.name, options.clock, () => this.#saysLost());
  }

  /** State and counters. */
  get status(): ReceiverStatus {
    return this.#record.status;
  }

  /** State for a status display. */
  get snapshot(): ReceiverSnapshot {
    const { state, events, failures, lastError } = this.#record.status;
    return {
      host: this.#receiver.host,
      port: this.#receiver.port,
      state,
      ...(this.#session
        ? { sessionAgeMs: this.#options.clock.monotonicMs() - this.#session.sinceMs }
        : {}),
      sent: events,
      failed: failures,
      ...(lastError === undefined ? {} : { lastError }),
    };
  }

  /** Whether the last attempt worked, or none was made. */
  get isPromising(): boolean {
    return this.status.state === "up" || this.status.state === "untried";
  }

  /** Milliseconds until the back-off allows the next attempt; 0 means now. */
  get waitMs(): number {
    return this.#record.waitMs;
  }

  /**
   * Sends events once; waits for an attempt in progress first.
   *
   * @returns What was sent and confirmed, or `undefined` when there was nothing any more.
   * @throws AgentError; the back-off has started then.
   */
  send(current: CurrentEvents, signal: AbortSignal): Promise<readonly StreamEvent[] | undefined> {
    return this.#sendOne(current, preparedEvents, signal);
  }

  /**
   * Sends a bundle that is encoded already; waits for an attempt in progress first.
   *
   * @throws AgentError; the back-off has started then.
   */
  async sendPrepared(bundle: PreparedBundle, signal: AbortSignal): Promise<void> {
    await this.#sendOne(() => bundle, (prepared) => prepared, signal);
  }

  /**
   * Connects and logs in without sending anything.
   *
   * @throws AgentError; the back-off has started then.
   */
  revive(signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#attempt(async () => void await this.#loggedIn(signal), signal));
  }

  #sendOne<T>(
    current: () => T | undefined,
    prepare: (events: T) => PreparedBundle,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    return this.#inTurn(() =>
      this.#attempt(async () => {
        const sent = await this.#publish(current, prepare, signal);
        if (!sent) return undefined;
        this.#record.count("bundles", 1);
        this.#record.count("events", sent.count);
        return sent.of;
      }, signal)
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  /**
   * Makes the attempt, once more for each thing that is normal: a closed connection, a lost session, lost
   * definitions.
   */
  async #attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let mayReconnect = true;
    let mayLogIn = true;
    let mayDefine = true;
    while (true) {
      try {
        const result = await work();
        this.#record.worked();
        return result;
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        if (error instanceof SessionExpiredError && mayLogIn) {
          mayLogIn = false;
          this.#options.log.debug(`receiver ${this.name}: session expired, logging in again`);
          this.#forgetSession();
        } else if (error instanceof StreamUnknownError && mayDefine) {
          mayDefine = false;
          this.#saysLost();
          this.#defined.clear();
        } else if (error instanceof ConnectionClosedError && mayReconnect) {
          mayReconnect = false;
          this.#options.log.debug(`receiver ${this.name}: ${error.message}; connecting again`);
        } else {
          await this.#disconnect();
          this.#record.failed(error);
          throw error;
        }
      }
    }
  }

  async #publish<T>(
    current: () => T | undefined,
    prepare: (events: T) => PreparedBundle,
    signal: AbortSignal,
  ): Promise<{ readonly of: T; readonly count: number } | undefined> {
    while (true) {
      const { connection, session } = await this.#loggedIn(signal);
      const of = current();
      if (of === undefined) return undefined;
      const { streams, count, call } = prepare(of);
      if (count === 0) return undefined;
      const stream = this.#defined.findDue(streams);
      if (!stream) {
        valueOf(await connection.call(call(session), signal), "publish to", this.name);
        return { of, count };
      }
      await this.#defined.ensure(stream, { connection, session }, signal);
    }
  }

  async #loggedIn(
    signal: AbortSignal,
  ): Promise<{ readonly connection: ReceiverConnection; readonly session: string }> {
    const connection = await this.#connected(signal);
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#session && nowMs - this.#session.sinceMs < sessionRenewalMs) {
      return { connection, session: this.#session.id };
    }
    this.#forgetSession();
    const { username, password } = this.#options;
    const answer = await connection.call(connectCall(username, password), signal);
    const id = valueOf(answer, "log in to the receiver", this.name);
    this.#record.count("logins", 1);
    this.#session = { id, sinceMs: nowMs };
    return { connection, session: id };
  }

  async #connected(signal: AbortSignal): Promise<ReceiverConnection> {
    if (this.#connection?.isOpen && this.#connection.idleMs < idleLimitMs) return this.#connection;
    await this.#disconnect();
    const { tls, clock, limits = defaultCallLimits } = this.#options;
    this.#connection = await ReceiverConnection.open(this.#receiver, tls, clock, signal, limits);
    this.#record.count("connections", 1);
    return this.#connection;
  }

  #saysLost(): void {
    this.#options.log.debug(`receiver ${this.name}: lost a stream, defining it again`);
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }

  #forgetSession(): void {
    this.#session = undefined;
    this.#defined.clear();
  }

  /** Logs out and disconnects; never fails. Abort what is in progress first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    const session = this.#session;
    this.#forgetSession();
    if (session && this.status.state === "up" && this.#connection?.isOpen) {
      await this.#logOut(this.#connection, session.id);
    }
    await this.#disconnect();
  }

  /** A courtesy: the session would end by itself. */
  async #logOut(connection: ReceiverConnection, sessionId: string): Promise<void> {
    const { log, clock } = this.#options;
    try {
      await withDeadline(
        connection.call(disconnectCall(sessionId), new AbortController().signal),
        logoutLimitMs,
        () => new Error(`no answer within ${logoutLimitMs / 1000} s`),
        clock,
      );
    } catch (error) {
      log.debug(`receiver ${this.name}: no log-out: ${reasonOf(error)}`);
    }
  }
}
