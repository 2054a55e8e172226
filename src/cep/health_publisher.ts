import { type Clock, withDeadline } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { reconnectPolicy, type RetryPolicy } from "../base/retry.ts";
import { TaskGroup } from "../base/tasks.ts";
import type { CepConfig, HealthConfig, IdentityConfig } from "../config/agent_config.ts";
import { launcherProbe } from "./cgroup_probe.ts";
import { type HealthReader, SystemHealthReader } from "./health_reader.ts";
import { healthEvent } from "./health_stream.ts";
import { NewestSender } from "./newest_sender.ts";
import { defaultCallLimits } from "./receiver_connection.ts";
import { ReceiverGroup } from "./receiver_group.ts";
import type { ReceiverSnapshot, ReceiverStatus } from "./receiver_record.ts";
import { handshakeLimitMs } from "./receiver_tls.ts";
import type { StreamEvent } from "./stream_definition.ts";

/** How long tasks may take to end on dispose. */
const closeLimitMs = 5_000;
/** How long reading values or probing ports may take before the sample goes without them. */
const readLimitMs = 10_000;
/** A port that seems closed is looked at again after this: the platform terminates the member at once. */
const confirmPortsMs = 1_000;

/**
 * Back-off of receivers of health statistics: an attempt that began just before a fault ended and ran out
 * of time, and the wait after it, together take no longer than an interval, where that is possible.
 */
function healthBackOff(intervalMs: number): RetryPolicy {
  const { firstMs, maxMs } = reconnectPolicy;
  const restMs = intervalMs - Math.max(defaultCallLimits.timeoutMs, handshakeLimitMs);
  return { ...reconnectPolicy, maxMs: Math.min(Math.max(restMs, firstMs), maxMs) };
}

/** What was measured at one time; a value that could not be had is absent. */
export interface HealthSample {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly memoryPercent?: number;
  readonly loadPercent?: number;
  /** Ports of the application that stopped accepting connections; empty when that is not checked. */
  readonly closedPorts: readonly number[];
}

/** What {@link HealthPublisher} needs. */
export interface HealthPublisherOptions {
  readonly cep: CepConfig;
  readonly health: HealthConfig;
  readonly identity: IdentityConfig;
  /** Absolute path of the launcher, which reads the cgroup. */
  readonly launcher: string;
  /** Those ports of the application that do not accept connections now. */
  readonly closedPorts?: (signal: AbortSignal) => Promise<readonly number[]>;
  /** Instead of this system's numbers. */
  readonly reader?: HealthReader;
  /** Told of every sample, sent or not. */
  readonly onSample?: (sample: HealthSample) => void;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
}

/**
 * Publishes health statistics: a sample at once, then one every interval, to every group of receivers.
 *
 * A member without any health event for 60 s is declared faulty, so nothing here stops publishing but
 * `stop`: values that cannot be read are left out, receivers that are away are tried again for ever.
 * Starting again after a stop is allowed.
 */
export class HealthPublisher implements AsyncDisposable {
  readonly #options: HealthPublisherOptions;
  readonly #reader: HealthReader;
  readonly #systemReader: SystemHealthReader | undefined;
  readonly #groups: readonly ReceiverGroup[];
  readonly #senders: readonly NewestSender[];
  #tasks: TaskGroup | undefined;
  #stopping: Promise<unknown> = Promise.resolve();
  #latest: HealthSample | undefined;
  #hasStarted = false;
  readonly #complaints = new Set<string>();

  constructor(options: HealthPublisherOptions) {
    const { cep, log, clock, random, launcher } = options;
    this.#options = options;
    this.#systemReader = options.reader
      ? undefined
      : new SystemHealthReader({ probe: launcherProbe(launcher, clock), log, clock });
    this.#reader = options.reader ?? this.#systemReader!;
    const { username, password, tls } = cep;
    const backOff = healthBackOff(options.health.intervalMs);
    this.#groups = cep.groups.map((group) =>
      new ReceiverGroup(group, { username, password, tls, log, clock, random, backOff })
    );
    this.#senders = this.#groups.map((group) => new NewestSender(group));
  }

  /** The last sample, absent before the first. */
  get latest(): HealthSample | undefined {
    return this.#latest;
  }

  /** Of every receiver, by group. */
  get receivers(): readonly (readonly ReceiverStatus[])[] {
    return this.#groups.map((group) => group.status);
  }

  /** Of every receiver, by group, for a status display. */
  get snapshots(): readonly (readonly ReceiverSnapshot[])[] {
    return this.#groups.map((group) => group.snapshots);
  }

  /** Bundles that were dropped because something newer was due, over all groups. */
  get dropped(): number {
    return this.#senders.reduce((sum, sender) => sum + sender.dropped, 0);
  }

  /**
   * Takes a first look at the CPU time, so that the first load value covers the time since then; best at
   * the agent's start. Optional.
   */
  async takeBaseline(signal: AbortSignal): Promise<void> {
    if (this.#options.health.enabled) await this.#systemReader?.takeBaseline(signal);
  }

  /** Publishes from now on; does nothing when it does so already or health statistics are off. */
  start(): void {
    const { health, cep, log, clock } = this.#options;
    if (this.#tasks || !health.enabled) return;
    if (!this.#hasStarted && !cep.tls.verify) {
      log.warning("certificates of receivers are not checked (thrift.tls.verify=false)");
    }
    this.#hasStarted = true;
    const before = this.#stopping;
    const tasks = new TaskGroup(log, clock);
    this.#tasks = tasks;
    for (const sender of this.#senders) {
      // Supervised by the group: it logs a failure and never rejects.
      void tasks.start("sending health statistics", async (signal) => {
        await before;
        await sender.run(signal);
      });
    }
    void tasks.start("reading health statistics", (signal) => this.#sampleForEver(signal));
  }

  /** Stops publishing; a value that is not sent yet is dropped. */
  stop(): void {
    const tasks = this.#tasks;
    if (!tasks) return;
    this.#tasks = undefined;
    this.#stopping = tasks.close(closeLimitMs);
    for (const sender of this.#senders) sender.drop();
  }

  async #sampleForEver(signal: AbortSignal): Promise<void> {
    const { clock, health, identity, onSample } = this.#options;
    while (true) {
      const dueMs = clock.monotonicMs() + health.intervalMs;
      for (const sender of this.#senders) sender.drop();
      const sample = await this.#sample(signal);
      signal.throwIfAborted();
      this.#latest = sample;
      const events = eventsOf(identity, sample);
      for (const sender of this.#senders) sender.put(events);
      this.#tell(onSample, sample);
      await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), signal);
    }
  }

  async #sample(signal: AbortSignal): Promise<HealthSample> {
    const [values, closedPorts] = await Promise.all([
      this.#within("read health values", (until) => this.#reader.read(until), signal),
      this.#within("probe the ports", (until) => this.#closedPorts(until), signal),
    ]);
    const { memoryPercent, loadPercent } = values ?? {};
    return {
      timeMs: this.#options.clock.now(),
      ...(isPercentage(memoryPercent) ? { memoryPercent } : {}),
      ...(isPercentage(loadPercent) ? { loadPercent } : {}),
      closedPorts: closedPorts ?? [],
    };
  }

  async #closedPorts(signal: AbortSignal): Promise<readonly number[]> {
    const { health, closedPorts, clock } = this.#options;
    if (!health.checkPorts || !closedPorts) return [];
    const suspected = await closedPorts(signal);
    if (suspected.length === 0) return [];
    await clock.sleep(confirmPortsMs, signal);
    const confirmed = new Set(await closedPorts(signal));
    return suspected.filter((port) => confirmed.has(port));
  }

  /** `undefined` when it fails or takes too long, with one warning per kind of failure. */
  async #within<T>(
    action: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { clock, log } = this.#options;
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    try {
      const tooLate = () => new Error(`no result within ${readLimitMs / 1000} s`);
      return await withDeadline(work(until), readLimitMs, tooLate, clock, signal);
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const message = `cannot ${action}: ${reasonOf(error)}`;
      if (this.#complaints.has(action)) log.debug(message);
      else log.warning(message);
      this.#complaints.add(action);
      return undefined;
    } finally {
      ended.abort();
    }
  }

  #tell(onSample: ((sample: HealthSample) => void) | undefined, sample: HealthSample): void {
    try {
      onSample?.(sample);
    } catch (error) {
      this.#options.log.error(`the listener for health samples failed: ${reasonOf(error)}`);
    }
  }

  /** Stops and logs out of the receivers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#stopping;
    await Promise.all(this.#groups.map((group) => group[Symbol.asyncDispose]()));
  }
}

function isPercentage(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** What the platform calls a closed port carries no measure; its own agents send 1. */
const portsNotOpenValue = 1;

function eventsOf(identity: IdentityConfig, sample: HealthSample): readonly StreamEvent[] {
  const { timeMs, memoryPercent, loadPercent, closedPorts } = sample;
  const event = (description: Parameters<typeof healthEvent>[2], value: number) =>
    healthEvent(identity, timeMs, description, value);
  return [
    ...(memoryPercent === undefined ? [] : [event("memory_consumption", memoryPercent)]),
    ...(loadPercent === undefined ? [] : [event("load_average", loadPercent)]),
    ...(closedPorts.length === 0 ? [] : [event("ports_not_open", portsNotOpenValue)]),
  ];
}
