import { isAbort } from "../base/errors.ts";
import { TaskGroup } from "../base/tasks.ts";
import type { ReceiverGroup as ReceiverGroupConfig } from "../config/agent_config.ts";
import { type CurrentEvents, Receiver, type ReceiverOptions } from "./receiver.ts";
import type { ReceiverSnapshot, ReceiverStatus } from "./receiver_record.ts";
import type { StreamEvent } from "./stream_definition.ts";

/** How long receivers that are being tried may hold up the end. */
const closeLimitMs = 5_000;

/**
 * Receivers of which one gets each bundle: the first that works (`failover`) or each in turn
 * (`loadBalance`).
 *
 * One that failed is tried again in the background while another works, so that it delays nothing.
 */
export class ReceiverGroup implements AsyncDisposable {
  readonly #mode: ReceiverGroupConfig["mode"];
  readonly #receivers: readonly Receiver[];
  readonly #options: ReceiverOptions;
  readonly #tasks: TaskGroup;
  readonly #reviving = new Set<Receiver>();
  #nextTurn = 0;

  constructor({ mode, receivers }: ReceiverGroupConfig, options: ReceiverOptions) {
    this.#mode = mode;
    this.#receivers = receivers.map((receiver) => new Receiver(receiver, options));
    this.#options = options;
    this.#tasks = new TaskGroup(options.log, options.clock);
  }

  /** Of each receiver, in configured order. */
  get status(): readonly ReceiverStatus[] {
    return this.#receivers.map((receiver) => receiver.status);
  }

  /** Of each receiver, in configured order, for a status display. */
  get snapshots(): readonly ReceiverSnapshot[] {
    return this.#receivers.map((receiver) => receiver.snapshot);
  }

  /**
   * Sends to one receiver, trying for as long as there is something to send; one call at a time.
   *
   * @param current Asked before each attempt, so that the newest is sent.
   * @returns What a receiver confirmed, or `undefined` when there was nothing any more.
   */
  async deliver(
    current: CurrentEvents,
    signal: AbortSignal,
  ): Promise<readonly StreamEvent[] | undefined> {
    while (true) {
      signal.throwIfAborted();
      if (!current()) return undefined;
      const receiver = this.#choose();
      if (!receiver) {
        const waits = this.#receivers.map((each) => each.waitMs);
        await this.#options.clock.sleep(Math.min(...waits), signal);
        continue;
      }
      try {
        const sent = await receiver.send(current, signal);
        this.#reviveOthers();
        return sent;
      } catch (error) {
        // Anything else the receiver has logged, and its back-off runs.
        if (isAbort(error, signal)) throw error;
      }
    }
  }

  #choose(): Receiver | undefined {
    const ready = this.#receivers.filter((each) => each.waitMs === 0);
    const promising = ready.filter((each) => each.isPromising);
    const candidates = promising.length > 0 ? promising : ready;
    if (this.#mode === "failover" || candidates.length === 0) return candidates[0];
    return candidates[this.#nextTurn++ % candidates.length];
  }

  #reviveOthers(): void {
    for (const receiver of this.#receivers) {
      if (receiver.isPromising || receiver.waitMs > 0 || this.#reviving.has(receiver)) continue;
      this.#reviving.add(receiver);
      void this.#tasks.start(`reconnecting ${receiver.name}`, async (signal) => {
        try {
          await receiver.revive(signal);
        } catch (error) {
          if (isAbort(error, signal)) throw error;
        } finally {
          this.#reviving.delete(receiver);
        }
      });
    }
  }

  /** Logs out and disconnects. Abort deliveries first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close(closeLimitMs);
    await Promise.all(this.#receivers.map((receiver) => receiver[Symbol.asyncDispose]()));
  }
}
