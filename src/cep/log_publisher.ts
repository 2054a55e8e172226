import { type Clock, withDeadline } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";
import type { IdentityConfig, LogPublisherConfig } from "../config/agent_config.ts";
import { LogBundle } from "./log_bundle.ts";
import { LogCheckpoint } from "../followers/log_checkpoint.ts";
import { type FollowedFile, LogFollower } from "../followers/log_follower.ts";
import { startPattern } from "../followers/log_start_pattern.ts";
import { logSender } from "./log_stream.ts";
import { Receiver } from "./receiver.ts";
import type { ReceiverStatus } from "./receiver_record.ts";

/** How often the files are looked at. */
const pollMs = 250;
/** Lines wait this long for others at most. */
const gatherMs = 1_000;
/** So many bytes wait for nothing: about a bundle. */
const gatherBytes = 16 * 1024;
/** What the end may take for lines that wait and for the answer to what was sent. */
const endLimitMs = 3_000;
/** After an unexpected failure, e.g. a full disk. */
const restartMs = 10_000;

/** What {@link LogPublisher} needs. */
export interface LogPublisherOptions {
  readonly config: LogPublisherConfig;
  readonly identity: IdentityConfig;
  /** File of the positions; its directory must exist. */
  readonly checkpoint: string;
  readonly log: Log;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()`. */
  readonly random: () => number;
}

/** What the publisher has done since the start, and how far it is. */
export interface LogPublisherStatus {
  readonly running: boolean;
  readonly linesRead: number;
  /** Handed to the connection; those of a bundle that is sent again count once. */
  readonly linesSent: number;
  readonly linesConfirmed: number;
  /** Longer than 64 KiB. */
  readonly linesCut: number;
  /** Lost to a rotation before they were read. */
  readonly missedFiles: number;
  readonly missedBytes: number;
  readonly files: readonly FollowedFile[];
  /** Of the monitoring server; absent before the first start. */
  readonly receiver?: ReceiverStatus;
}

/**
 * Publishes the lines that are appended to log files.
 *
 * One bundle is on its way at a time, and a position is on disk before the next is sent: a crash sends
 * at most one bundle again. Nothing is read ahead: while the server is away the lines wait in the files.
 */
export class LogPublisher implements AsyncDisposable {
  readonly #options: LogPublisherOptions;
  #tasks: TaskGroup | undefined;
  #run: Promise<void> = Promise.resolve();
  /** Fires when the end was asked for; what is on its way is still waited for. */
  #ending = new AbortController();
  #follower: LogFollower | undefined;
  #receiver: Receiver | undefined;
  #sent = 0;
  #confirmed = 0;
  #before = { read: 0, cut: 0, files: 0, bytes: 0 };

  constructor(options: LogPublisherOptions) {
    this.#options = options;
  }

  /** A snapshot. */
  get status(): LogPublisherStatus {
    const totals = this.#totals();
    const receiver = this.#receiver?.status;
    return {
      running: this.#tasks !== undefined,
      linesRead: totals.read,
      linesSent: this.#sent,
      linesConfirmed: this.#confirmed,
      linesCut: totals.cut,
      missedFiles: totals.files,
      missedBytes: totals.bytes,
      files: this.#follower?.files ?? [],
      ...(receiver ? { receiver } : {}),
    };
  }

  #totals() {
    const { counts, missed } = this.#follower ?? {};
    const before = this.#before;
    return {
      read: before.read + (counts?.read ?? 0),
      cut: before.cut + (counts?.cut ?? 0),
      files: before.files + (missed?.files ?? 0),
      bytes: before.bytes + (missed?.bytes ?? 0),
    };
  }

  /** Publishes from now on; does nothing when it does so already or there is nothing to publish. */
  start(): void {
    const { config, log, clock } = this.#options;
    if (this.#tasks || !config.enabled || config.paths.length === 0) return;
    const tasks = new TaskGroup(log, clock);
    const before = this.#run;
    this.#tasks = tasks;
    this.#ending = new AbortController();
    this.#run = tasks.start("publishing log lines", async (signal) => {
      await before;
      log.info(`publishing the lines of ${config.paths.length} log files or patterns`);
      await this.#publishForEver(signal);
    });
  }

  /**
   * Ends publishing: what is on its way is confirmed and what waits is sent, as far as that is possible
   * within 3 s. The rest is published after the next start.
   */
  async stop(): Promise<void> {
    const tasks = this.#tasks;
    if (!tasks) return await this.#run;
    this.#tasks = undefined;
    this.#ending.abort(new DOMException("publishing ends", "AbortError"));
    const { clock } = this.#options;
    const late = () => new Error("limit");
    await withDeadline(this.#run, endLimitMs, late, clock).catch(() => {});
    await tasks.close(endLimitMs);
  }

  /** A failure that nobody expects, such as a full disk, ends neither the publishing nor the agent. */
  async #publishForEver(signal: AbortSignal): Promise<void> {
    const { config: { receiver, username, password, tls }, log, clock, random } = this.#options;
    await using server = new Receiver(receiver, { username, password, tls, log, clock, random });
    this.#receiver = server;
    let complaint = "";
    while (!this.#ending.signal.aborted) {
      try {
        await this.#publish(server, signal);
      } catch (error) {
        if (isAbort(error, signal) || isAbort(error, this.#ending.signal)) return;
        const message = `cannot publish log lines: ${reasonOf(error)}`;
        if (message !== complaint) log.error(`${message}; trying again`);
        complaint = message;
        await clock.sleep(restartMs, AbortSignal.any([signal, this.#ending.signal]));
      }
    }
  }

  async #publish(server: Receiver, signal: AbortSignal): Promise<void> {
    const { config, identity, checkpoint: path, log, clock } = this.#options;
    await using checkpoint = new LogCheckpoint(path, clock, log);
    const bundle = new LogBundle(logSender(identity, config.streamAlias));
    using follower = new LogFollower({
      patterns: config.paths,
      remembered: await checkpoint.load(),
      startsMessage: startPattern(config.multilineStart, log, clock),
      log,
    });
    this.#follower = follower;
    const turn: Turn = { server, follower, checkpoint, bundle, polledAtMs: -Infinity };
    try {
      let newsSinceMs: number | undefined;
      while (true) {
        const ends = this.#ending.signal.aborted;
        await this.#poll(turn);
        await commit(turn);
        const nowMs = clock.monotonicMs();
        const bytes = follower.waiting(nowMs);
        newsSinceMs = bytes === 0 ? undefined : newsSinceMs ?? nowMs;
        const isOld = newsSinceMs !== undefined && nowMs + pollMs - newsSinceMs >= gatherMs;
        if (ends ? server.isPromising && bytes > 0 : isOld || bytes >= gatherBytes) {
          newsSinceMs = undefined;
          await this.#drain(turn, signal);
        }
        if (ends) return;
        await clock.sleep(pollMs, AbortSignal.any([signal, this.#ending.signal]))
          .catch((error) => {
            if (!this.#ending.signal.aborted || signal.aborted) throw error;
          });
      }
    } finally {
      this.#before = this.#totals();
      this.#follower = undefined;
    }
  }

  /** Sends all that waits. */
  async #drain(turn: Turn, signal: AbortSignal): Promise<void> {
    const { follower, bundle } = turn;
    const { clock } = this.#options;
    while (true) {
      signal.throwIfAborted();
      bundle.begin(clock.now());
      await follower.fill(bundle, clock.monotonicMs());
      if (bundle.count > 0) {
        this.#sent += bundle.count;
        await this.#deliver(turn, signal);
        this.#confirmed += bundle.count;
      }
      await commit(turn);
      if (bundle.count === 0) return;
      if (clock.monotonicMs() - turn.polledAtMs >= pollMs) await this.#poll(turn);
    }
  }

  /** Sends a bundle until the server has it; rotations are noticed meanwhile. */
  async #deliver(turn: Turn, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const sent = this.#send(turn, signal).finally(() => done.abort());
    const noticing = this.#notice(turn, AbortSignal.any([done.signal, signal]));
    try {
      await sent;
    } finally {
      await noticing;
    }
  }

  async #send({ server, bundle }: Turn, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const prepared = {
      streams: [bundle.stream],
      count: bundle.count,
      call: (sessionId: string) => bundle.call(sessionId),
    };
    while (true) {
      const waitMs = server.waitMs;
      // Ends a wait, but not what is under way: its answer decides whether it is sent again.
      if (waitMs > 0) await clock.sleep(waitMs, AbortSignal.any([signal, this.#ending.signal]));
      try {
        return await server.sendPrepared(prepared, signal);
      } catch (error) {
        // Anything else the receiver has logged, and its back-off runs.
        if (isAbort(error, signal)) throw error;
      }
    }
  }

  async #notice(turn: Turn, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (true) {
      try {
        await clock.sleep(pollMs, signal);
      } catch {
        // Sent, or the end.
        return;
      }
      await this.#poll(turn);
    }
  }

  async #poll(turn: Turn): Promise<void> {
    turn.polledAtMs = this.#options.clock.monotonicMs();
    await turn.follower.poll(turn.polledAtMs);
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What one run works with. */
interface Turn {
  readonly server: Receiver;
  readonly follower: LogFollower;
  readonly checkpoint: LogCheckpoint;
  readonly bundle: LogBundle;
  polledAtMs: number;
}

/** Only while no bundle is on its way: what is read of the files is what is confirmed then. */
async function commit({ checkpoint, follower }: Turn): Promise<void> {
  await checkpoint.append(follower.takeChanged(), () => follower.remembered);
}
