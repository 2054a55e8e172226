import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import type { Launcher } from "./launcher.ts";

/** How many pipes one guard can hold: a portable shell knows the descriptors 3 to 9. */
const pipesPerGuard = 7;
/** A guard that was told the end of its work is waited for. */
const endLimitMs = 5_000;

const encoder = new TextEncoder();

interface Guard {
  readonly process: Deno.ChildProcess;
  readonly orders: WritableStreamDefaultWriter<Uint8Array>;
  /** Process ids of the scripts whose output it holds. */
  readonly held: Set<number>;
  /** Orders that can wait for the next one: waking the guard costs more than holding on. */
  waiting: string;
}

/**
 * Sees to it that no background process dies, or stands still, because the agent no longer reads what
 * it writes, whether the agent chose to or was killed.
 *
 * A guard is a small process that holds the outputs of scripts open and outlives the agent for as
 * long as somebody writes there. One for seven scripts at a time, started when needed.
 */
export class OutputGuards implements AsyncDisposable {
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  readonly #guards = new Set<Guard>();

  constructor(launcher: Launcher, clock: Clock) {
    this.#launcher = launcher;
    this.#clock = clock;
  }

  /**
   * Holds the output of a script that has just been started. Where no guard can be started, the
   * script runs without: what keeps guards from starting keeps scripts too, and is told there.
   */
  hold(pid: number): void {
    const guard = [...this.#guards].find(({ held }) => held.size < pipesPerGuard) ??
      this.#startGuard();
    if (!guard) return;
    guard.held.add(pid);
    this.#order(guard, `hold ${pid}`);
  }

  /** The script has ended and somebody else still writes: makes sure that the output is held. */
  seek(pid: number): void {
    const guard = this.#holderOf(pid);
    if (guard) this.#order(guard, `seek ${pid}`);
  }

  /** Nobody writes to the output of the script any more. */
  free(pid: number): void {
    const guard = this.#holderOf(pid);
    if (!guard?.held.delete(pid)) return;
    guard.waiting += `free ${pid}\n`;
  }

  /** The agent reads no more of the output of the script: the guard does from now on. */
  drain(pid: number): void {
    const guard = this.#holderOf(pid);
    if (!guard?.held.delete(pid)) return;
    this.#order(guard, `drain ${pid}`);
  }

  /** Has the guards read whatever is still written, and waits until they have taken it on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#guards].map(async ({ process, orders }) => {
      await orders.close().catch(() => {}); // it is gone
      const late = () => new Error("limit");
      await withDeadline(process.status, endLimitMs, late, this.#clock)
        .catch(() => process.unref()); // late: it takes them on all the same
    }));
  }

  #startGuard(): Guard | undefined {
    let process: Deno.ChildProcess;
    try {
      process = this.#launcher.startGuard();
    } catch (error) {
      if (error instanceof AgentError) return undefined;
      throw error;
    }
    const guard = {
      process,
      orders: process.stdin.getWriter(),
      held: new Set<number>(),
      waiting: "",
    };
    this.#guards.add(guard);
    // One that somebody killed holds nothing; the next script gets a new one.
    void process.status.then(() => this.#guards.delete(guard));
    return guard;
  }

  #holderOf(pid: number): Guard | undefined {
    return [...this.#guards].find(({ held }) => held.has(pid));
  }

  /** In order and without waiting; a guard that is gone is noticed by its end. */
  #order(guard: Guard, order: string): void {
    const text = `${guard.waiting}${order}\n`;
    guard.waiting = "";
    void guard.orders.write(encoder.encode(text)).catch(() => {});
  }
}
