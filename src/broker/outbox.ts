import type { Clock } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextDelayMs, reconnectPolicy } from "../base/retry.ts";
import { TaskGroup } from "../base/tasks.ts";
import { abortable } from "./abortable.ts";
import { type LoadedOutbox, OutboxFile } from "./outbox_file.ts";
import type { OutboxMessage } from "./outbox_records.ts";
import { requireTopic } from "./topics.ts";

/** What sends: publishes once at QoS 1, resolves on acknowledgement, rejects otherwise. */
export interface Publisher {
  publish(topic: string, payload: string, signal: AbortSignal): Promise<void>;
}

/** How {@link Outbox.open} works. */
export interface OutboxOptions {
  /** The file; its directory must exist. */
  readonly path: string;
  readonly publisher: Publisher;
  /** A message that is unacknowledged for so many milliseconds is warned about, once. */
  readonly warnAfterMs: number;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
  /** Called for every acknowledged message, in order. What it throws is logged. */
  readonly onAcknowledged?: (topic: string) => void;
}

/** A member has a handful of status events in its life; more than this is a fault. */
const maxPending = 1000;
const maxPayloadChars = 1024 * 1024;
const disposeTimeoutMs = 2_000;

interface Entry extends OutboxMessage {
  readonly sinceMs: number;
  /** Writing to disk has ended, well or badly: it may be sent. */
  sendable: boolean;
  /** Resolves when it is on disk; absent when that failed. */
  stored: Promise<void> | undefined;
  /** It may have reached the platform. */
  attempted: boolean;
  warned: boolean;
}

/**
 * Status events on their way to the platform: written to disk before they are sent, sent in order, one
 * at a time, removed on acknowledgement, resumed after a crash. None is ever dropped, some may be sent
 * twice, which the platform tolerates.
 *
 * An event that equals the last waiting one is not added again, unless that one may be on its way
 * already; so an outage cannot pile up repetitions.
 */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #file: OutboxFile;
  readonly #tasks: TaskGroup;
  readonly #queue: Entry[];
  #nextSequence: number;
  /** The last of the writes to the file; they happen one after the other. Never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #changed = Promise.withResolvers<void>();
  #awake = Promise.withResolvers<void>();
  #disposed: Promise<void> | undefined;

  /**
   * Opens the outbox and starts sending what an earlier run left.
   *
   * A damaged file is said as an error, set aside and never stops the agent.
   */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { path } = options;
    const file = new OutboxFile(path);
    const loaded = await file.load(options.clock.now());
    if (loaded.fault) options.log.error(`Cannot read "${path}": ${loaded.fault}`, { path });
    return new Outbox(options, file, loaded);
  }

  private constructor(options: OutboxOptions, file: OutboxFile, loaded: LoadedOutbox) {
    this.#options = options;
    this.#file = file;
    this.#nextSequence = loaded.nextSequence;
    const sinceMs = options.clock.monotonicMs();
    const stored = Promise.resolve();
    const state = { sinceMs, stored, sendable: true, attempted: false, warned: false };
    this.#queue = loaded.pending.map((message) => ({ ...message, ...state }));
    if (this.#queue.length > 0) {
      const topics = this.#queue.map(({ topic }) => topic);
      options.log.info(`Sending status events of an earlier run: ${topics.length}`, { topics });
    }
    this.#tasks = new TaskGroup(options.log, options.clock);
    void this.#tasks.start("outbox", (signal) => this.#send(signal)); // never rejects
    void this.#tasks.start("outbox watch", (signal) => this.#watch(signal)); // never rejects
  }

  /** How many messages wait for their acknowledgement. */
  get pending(): number {
    return this.#queue.length;
  }

  /** For how many milliseconds the oldest of them has been waiting in this run of the agent. */
  get oldestMs(): number | undefined {
    const [oldest] = this.#queue;
    return oldest && this.#options.clock.monotonicMs() - oldest.sinceMs;
  }

  /**
   * Adds a message; it is sent afterwards.
   *
   * @returns Resolves when it is on disk.
   * @throws AgentError: `unavailable`, retryable, when it cannot be written: it is nevertheless sent,
   *   and lost only if the agent ends before; calling again tries to write it again. `limit` when there
   *   are 1000 messages already or this one is over 1 MiB: it is not accepted.
   */
  async append(topic: string, payload: string): Promise<void> {
    requireTopic(topic);
    const entry = this.#findRepeated(topic, payload) ?? this.#add(topic, payload);
    entry.stored ??= this.#write(() => this.#file.add(entry, this.#queue));
    try {
      await entry.stored;
    } catch (error) {
      entry.stored = undefined;
      throw cannot("store", topic, reasonOf(error), {
        kind: "unavailable",
        retryable: true,
        cause: error,
      });
    } finally {
      entry.sendable = true;
      this.#notify();
    }
  }

  /** Resolves when everything appended so far was acknowledged. */
  async flushed(signal: AbortSignal): Promise<void> {
    const last = this.#nextSequence - 1;
    const either = AbortSignal.any([signal, this.#tasks.signal]);
    while (this.#queue[0] && this.#queue[0].sequence <= last) {
      await abortable(this.#changed.promise, either);
    }
  }

  /** Ends a back-off in progress: call it when there is a connection again. */
  wake(): void {
    this.#awake.resolve();
  }

  /** Stops sending; what waits is sent by the next run. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    await this.#tasks.close(disposeTimeoutMs);
    await this.#writing;
    const unwritten = this.#queue.filter(({ stored }) => !stored).map(({ topic }) => topic);
    if (unwritten.length === 0) return;
    try {
      await this.#file.rewrite(this.#queue);
    } catch (error) {
      this.#options.log.error(
        `Cannot store "${unwritten.join(", ")}": ${reasonOf(error)}; these status events are lost`,
        { topics: unwritten },
      );
    }
  }

  #findRepeated(topic: string, payload: string): Entry | undefined {
    const last = this.#queue.at(-1);
    return last && !last.attempted && last.topic === topic && last.payload === payload
      ? last
      : undefined;
  }

  #add(topic: string, payload: string): Entry {
    if (this.#queue.length >= maxPending || payload.length > maxPayloadChars) {
      const reason = payload.length > maxPayloadChars ? "it is too long" : "the outbox is full";
      throw cannot("store", topic, reason, { kind: "limit" });
    }
    const entry: Entry = {
      sequence: this.#nextSequence++,
      topic,
      payload,
      sinceMs: this.#options.clock.monotonicMs(),
      sendable: false,
      stored: undefined,
      attempted: false,
      warned: false,
    };
    this.#queue.push(entry);
    this.#notify();
    return entry;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #write(work: () => Promise<void>): Promise<void> {
    const written = this.#writing.then(work);
    this.#writing = written.catch(() => {});
    return written;
  }

  async #send(signal: AbortSignal): Promise<never> {
    for (let failures = 0;;) {
      const entry = this.#queue[0];
      if (!entry?.sendable) {
        await abortable(this.#changed.promise, signal);
        continue;
      }
      entry.attempted = true;
      this.#awake = Promise.withResolvers();
      try {
        await this.#options.publisher.publish(entry.topic, entry.payload, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#options.log.debug(`Cannot send "${entry.topic}" yet: ${reasonOf(error)}`);
        await this.#backOff(++failures, signal);
        continue;
      }
      failures = 0;
      await this.#acknowledged(entry);
    }
  }

  async #acknowledged({ sequence, topic }: Entry): Promise<void> {
    const { log, onAcknowledged } = this.#options;
    this.#queue.shift();
    try {
      await this.#write(() => this.#file.acknowledge(sequence, this.#queue));
    } catch (error) {
      log.warning(`Cannot note the acknowledgement of "${topic}": ${reasonOf(error)}`, { topic });
    }
    this.#notify();
    try {
      onAcknowledged?.(topic);
    } catch (error) {
      log.error(`onAcknowledged failed: ${reasonOf(error)}`, { topic });
    }
  }

  async #backOff(failures: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const { clock, random } = this.#options;
    const delayMs = nextDelayMs(reconnectPolicy, failures, random()) ?? reconnectPolicy.maxMs;
    const delay = clock.sleep(delayMs, AbortSignal.any([signal, over.signal]));
    try {
      await Promise.race([this.#awake.promise, delay]);
    } finally {
      over.abort();
    }
  }

  /** Warns once about each message that waits for too long. */
  async #watch(signal: AbortSignal): Promise<never> {
    const { clock, log, warnAfterMs } = this.#options;
    while (true) {
      const entry = this.#queue.find(({ warned }) => !warned);
      if (!entry) {
        await abortable(this.#changed.promise, signal);
        continue;
      }
      const waitMs = entry.sinceMs + warnAfterMs - clock.monotonicMs();
      if (waitMs > 0) {
        await clock.sleep(waitMs, signal);
        continue;
      }
      entry.warned = true;
      const { topic } = entry;
      log.warning(
        `Status event "${topic}" is unacknowledged for ${warnAfterMs / 1000} s; trying on`,
        { topic },
      );
    }
  }
}
