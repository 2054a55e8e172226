import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError, cannot, isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { HostPort, ReceiverTls } from "../config/agent_config.ts";
import {
  type Answer,
  connectCall,
  defineStreamCall,
  disconnectCall,
  publishCall,
  short,
} from "./data_bridge_messages.ts";
import {
  type CallLimits,
  ConnectionClosedError,
  defaultCallLimits,
  ReceiverConnection,
} from "./receiver_connection.ts";
import { ReceiverRecord, type ReceiverStatus } from "./receiver_record.ts";
import { formatHostPort } from "./receiver_tls.ts";
import {
  bundleOf,
  streamDefinitionJson,
  type StreamEvent,
  streamIdOf,
} from "./stream_definition.ts";

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
}

/** What is to be sent, asked for right before each attempt; `undefined`: nothing any more. */
export type CurrentEvents = () => readonly StreamEvent[] | undefined;

/** The session was lost or is over, so the call has not counted. */
class SessionExpiredError extends AgentError {}

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
  #session: { readonly id: string; readonly renewAtMs: number } | undefined;
  readonly #defined = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  readonly #record: ReceiverRecord;

  constructor(receiver: HostPort, options: ReceiverOptions) {
    this.name = formatHostPort(receiver);
    this.#receiver = receiver;
    this.#options = options;
    this.#record = new ReceiverRecord(this.name, options);
  }

  /** State and counters. */
  get status(): ReceiverStatus {
    return this.#record.status;
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
    return this.#inTurn(() =>
      this.#attempt(async () => {
        const sent = await this.#publish(current, signal);
        if (!sent) return undefined;
        this.#record.count("bundles", 1);
        this.#record.count("events", sent.length);
        return sent;
      }, signal)
    );
  }

  /**
   * Connects and logs in without sending anything.
   *
   * @throws AgentError; the back-off has started then.
   */
  revive(signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#attempt(async () => void await this.#loggedIn(signal), signal));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  /** Makes the attempt, once more for each thing that is normal: a closed connection, a lost session. */
  async #attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let mayReconnect = true;
    let mayLogIn = true;
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

  async #publish(
    current: CurrentEvents,
    signal: AbortSignal,
  ): Promise<readonly StreamEvent[] | undefined> {
    while (true) {
      const { connection, session } = await this.#loggedIn(signal);
      const events = current();
      if (!events || events.length === 0) return undefined;
      const streams = events.map((event) => event.stream);
      const stream = streams.find((each) => !this.#defined.has(streamIdOf(each)));
      if (!stream) {
        const bundle = { sessionId: session, ...bundleOf(events) };
        valueOf(await connection.call(publishCall(bundle), signal), "publish to", this.name);
        return events;
      }
      const call = defineStreamCall(session, streamDefinitionJson(stream));
      valueOf(await connection.call(call, signal), "define a stream at", this.name);
      this.#defined.add(streamIdOf(stream));
    }
  }

  async #loggedIn(
    signal: AbortSignal,
  ): Promise<{ readonly connection: ReceiverConnection; readonly session: string }> {
    const connection = await this.#connected(signal);
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#session && nowMs < this.#session.renewAtMs) {
      return { connection, session: this.#session.id };
    }
    this.#forgetSession();
    const { username, password } = this.#options;
    const answer = await connection.call(connectCall(username, password), signal);
    const id = valueOf(answer, "log in to the receiver", this.name);
    this.#record.count("logins", 1);
    this.#session = { id, renewAtMs: nowMs + sessionRenewalMs };
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

function valueOf<T>(answer: Answer<T>, action: string, receiver: string): T {
  if (answer.kind === "answered") return answer.value;
  const error = cannot(action, receiver, short(answer.message) || answer.refusal, {
    kind: "refused",
    data: { refusal: answer.refusal },
    retryable: true,
  });
  if (answer.refusal !== "sessionExpired") throw error;
  throw new SessionExpiredError(error.message, {
    kind: "refused",
    data: error.data,
    retryable: true,
  });
}
