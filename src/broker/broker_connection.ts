import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError, cannot, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";
import type { BrokerConfig, HostPort } from "../config/agent_config.ts";
import { abortable } from "./abortable.ts";
import { type AttemptEnd, AttemptSchedule } from "./attempt_schedule.ts";
import type { BrokerHandlers } from "./broker_handlers.ts";
import { ConnectionReport } from "./connection_report.ts";
import { untilSilent } from "./keep_alive.ts";
import { type Dial, type Link, type LinkTarget, nameOf, type Subscription } from "./link.ts";
import { dialMqtt } from "./mqtt_connection.ts";
import { Subscriptions } from "./subscriptions.ts";
import { requireFilter, requireTopic } from "./topics.ts";

/** How {@link BrokerConnection.open} works. */
export interface BrokerConnectionOptions {
  readonly broker: BrokerConfig;
  /** The member id: the broker keeps the session under it. */
  readonly clientId: string;
  readonly handlers: BrokerHandlers;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
  /** Default 30. */
  readonly keepAliveSeconds?: number;
  /** From the first packet to the acknowledgement of the connection. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** How long a subscription or message may stay unacknowledged. Default 30,000. */
  readonly acknowledgeTimeoutMs?: number;
  /** How one connection is made; by the mqtt library unless a test says otherwise. */
  readonly dial?: Dial;
}

/** How long taking leave of the broker may take, in milliseconds. */
const leaveTimeoutMs = 1_500;
const disposeTimeoutMs = 2_000;

/** The reason when the agent itself ends a connection to have its session removed. */
const renewal = "the session is being removed";

/** The reason when a broker answers pings, but acknowledges nothing. */
const unresponsive = "it acknowledges nothing";
/** So many time-outs in a row end the connection, for another broker to be tried. */
const mostUnacknowledged = 2;

/**
 * The agent's connection to the platform's message broker: MQTT 3.1.1 with a persistent session, over
 * whichever broker works, for ever. See {@link AttemptSchedule} for order and back-off.
 */
export class BrokerConnection implements AsyncDisposable {
  readonly #options: BrokerConnectionOptions;
  readonly #tasks: TaskGroup;
  readonly #subscriptions: Subscriptions;
  readonly #report: ConnectionReport;
  readonly #acknowledgeTimeoutMs: number;
  #ready: { readonly link: Link; readonly broker: HostPort; readonly clean: boolean } | undefined;
  #changed = Promise.withResolvers<void>();
  /** Ends the present connection. */
  #end: ((reason: typeof renewal | typeof unresponsive) => void) | undefined;
  #unacknowledged = 0;
  #clean = false;
  #wasConnected = false;

  /** Starts connecting and returns at once; close it with `await using`. */
  static open(options: BrokerConnectionOptions): BrokerConnection {
    return new BrokerConnection(options);
  }

  private constructor(options: BrokerConnectionOptions) {
    const { clock, log, random } = options;
    this.#options = options;
    this.#acknowledgeTimeoutMs = options.acknowledgeTimeoutMs ?? 30_000;
    this.#report = new ConnectionReport(log);
    this.#tasks = new TaskGroup(log, clock);
    this.#subscriptions = new Subscriptions({
      clock,
      log,
      random,
      acknowledgeTimeoutMs: this.#acknowledgeTimeoutMs,
    });
    void this.#tasks.start("broker connection", (signal) => this.#run(signal)); // never rejects
  }

  /** The broker in use, `undefined` while there is no connection. */
  current(): HostPort | undefined {
    return this.#ready?.broker;
  }

  /** Why there is no connection, while there is none. */
  get lastError(): string | undefined {
    return this.#report.lastError;
  }

  /**
   * Subscribes and keeps subscribed over reconnects.
   *
   * A filter that the broker refuses is said once and asked for again with back-off.
   *
   * @returns Resolves when the broker has granted all filters, however long that takes.
   * @throws AgentError of kind `internal` for a filter that MQTT does not know; the signal's reason.
   */
  async subscribe(subscriptions: readonly Subscription[], signal: AbortSignal): Promise<void> {
    for (const { filter } of subscriptions) requireFilter(filter);
    await this.#untilClosed(this.#subscriptions.add(subscriptions), signal);
  }

  /**
   * Publishes once at QoS 1 and resolves when the broker has acknowledged.
   *
   * @throws AgentError, retryable, when there is no connection, it is lost first or nothing is
   *   acknowledged in time; the message may nevertheless have arrived.
   */
  async publish(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    requireTopic(topic);
    const unavailable = (reason: string) =>
      cannot("publish to", topic, reason, { kind: "unavailable", retryable: true });
    if (!this.#ready) throw unavailable("there is no connection to a broker");
    const limitMs = this.#acknowledgeTimeoutMs;
    const over = new AbortController();
    const all = AbortSignal.any([signal, this.#tasks.signal, over.signal]);
    const tooLate = () => {
      if (++this.#unacknowledged >= mostUnacknowledged) this.#end?.(unresponsive);
      return unavailable(`no acknowledgement in ${limitMs / 1000} s`);
    };
    try {
      const published = this.#ready.link.publish(topic, payload, all);
      await withDeadline(published, limitMs, tooLate, this.#options.clock);
      this.#unacknowledged = 0;
    } finally {
      over.abort();
    }
  }

  /**
   * Has the broker in use forget the persistent session; the connection goes on without one.
   *
   * Connects anew with a clean session, which is how MQTT 3.1.1 removes one.
   *
   * @returns Resolves when the new connection has its subscriptions.
   */
  async forgetSession(signal: AbortSignal): Promise<void> {
    if (this.#ready?.clean) return;
    this.#clean = true;
    this.#end?.(renewal);
    while (!this.#ready?.clean) await this.#untilClosed(this.#changed.promise, signal);
  }

  /** Takes leave of the broker and closes everything, in two seconds at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close(disposeTimeoutMs);
  }

  async #untilClosed<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    return await abortable(promise, AbortSignal.any([signal, this.#tasks.signal]));
  }

  async #run(signal: AbortSignal): Promise<never> {
    const { broker, clock, random } = this.#options;
    const schedule = new AttemptSchedule(broker.urls.length, random);
    while (true) {
      const end = await this.#attempt(broker.urls[schedule.index]!, signal);
      const delayMs = schedule.after(end);
      if (delayMs > 0) {
        this.#report.roundFailed();
        await clock.sleep(delayMs, signal);
      }
    }
  }

  async #attempt(broker: HostPort, signal: AbortSignal): Promise<AttemptEnd> {
    const { clock, connectTimeoutMs = 10_000, dial = dialMqtt } = this.#options;
    const life = new AbortController();
    const target = this.#target(broker);
    const tooLate = () =>
      cannot("connect to", nameOf(broker), `no answer in ${connectTimeoutMs / 1000} s`, {
        kind: "unavailable",
        retryable: true,
      });
    try {
      const dialed = dial(target, life.signal);
      const link = await withDeadline(dialed, connectTimeoutMs, tooLate, clock, signal);
      return await this.#use(link, target, life.signal, signal);
    } catch (error) {
      signal.throwIfAborted();
      const kind = error instanceof AgentError ? error.kind : "internal";
      this.#report.failed(broker, kind, reasonOf(error));
      return { kind: "failed", lasting: kind !== "unavailable" };
    } finally {
      // Whatever happened, no socket outlives its attempt.
      life.abort();
    }
  }

  #target(broker: HostPort): LinkTarget {
    const { broker: { username, password, tls }, clientId, keepAliveSeconds = 30 } = this.#options;
    return {
      broker,
      clientId,
      clean: this.#clean,
      keepAliveSeconds,
      maxPacketBytes: this.#options.broker.maxMessageBytes,
      onOversized: (bytes) => {
        const limit = this.#options.broker.maxMessageBytes;
        this.#options.log.warning(
          `A message of ${bytes} bytes is passed over: the limit is ${limit} (mb.limit.bytes)`,
          { bytes, limit },
        );
      },
      onMessage: (topic, payload) => {
        // What comes while the agent takes leave is for its next run.
        if (this.#tasks.signal.aborted) return false;
        const { onMessage } = this.#options.handlers;
        return this.#call("onMessage", () => onMessage(topic, payload)) !== false;
      },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    };
  }

  /** Lives with a connection until it ends. */
  async #use(
    link: Link,
    target: LinkTarget,
    life: AbortSignal,
    signal: AbortSignal,
  ): Promise<AttemptEnd> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const renewed = Promise.withResolvers<string>();
    let over = false;
    this.#unacknowledged = 0;
    this.#end = (reason) => renewed.resolve(reason);
    if (target.clean !== this.#clean) this.#end(renewal);
    const connected = () => over || this.#connected(link, target);
    const reason = await abortable(
      Promise.race([
        renewed.promise,
        link.ended,
        untilSilent(link, target.keepAliveSeconds * 1000, clock, life),
        this.#subscriptions.keep(link, connected, life),
      ]),
      signal,
    ).catch(reasonOf);
    over = true;
    this.#end = undefined;
    const wasReady = this.#ready?.link === link;
    this.#ready = undefined;
    if (signal.aborted || reason === renewal) await this.#leave(link);
    signal.throwIfAborted();
    if (wasReady) {
      if (reason !== renewal) this.#report.lost(target.broker, reason);
      this.#call("onLost", () => this.#options.handlers.onLost?.(reason));
    }
    if (reason === renewal) return { kind: "renewed" };
    if (!wasReady || reason === unresponsive) {
      const data = { kind: "unavailable", retryable: true } as const;
      throw cannot("use broker", nameOf(target.broker), reason, data);
    }
    return { kind: "lost", heldMs: clock.monotonicMs() - startedMs };
  }

  #connected(link: Link, { broker, clean }: LinkTarget): void {
    const gap = this.#wasConnected;
    this.#wasConnected = true;
    this.#ready = { link, broker, clean };
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    const { sessionPresent } = link;
    this.#report.connected(broker, sessionPresent);
    this.#call(
      "onConnected",
      () => this.#options.handlers.onConnected?.({ broker, sessionPresent, gap }),
    );
  }

  /** Says good-bye, but waits for a broker that does not listen no longer than it may. */
  async #leave(link: Link): Promise<void> {
    const tooLate = () => new Error("limit");
    await withDeadline(link.disconnect(), leaveTimeoutMs, tooLate, this.#options.clock)
      .catch((error) => this.#options.log.debug(`Left without good-bye: ${reasonOf(error)}`));
  }

  /** A handler's fault must not become the connection's. */
  #call<T>(name: string, handler: () => T): T | undefined {
    try {
      return handler();
    } catch (error) {
      this.#options.log.error(`${name} failed: ${reasonOf(error)}`, {
        ...(error instanceof Error && error.stack ? { stack: error.stack } : {}),
      });
      return undefined;
    }
  }
}
