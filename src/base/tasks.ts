import { type Clock, withDeadline } from "./clock.ts";
import { isAbort, reasonOf } from "./errors.ts";
import type { Log } from "./log.ts";

/**
 * Supervised background work: every task has a name, is aborted with the group, and a failure is
 * logged, never lost.
 */
export class TaskGroup {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #running = new Map<Promise<void>, string>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Fires when the group is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Names of the tasks that are still running. */
  get names(): readonly string[] {
    return [...this.#running.values()];
  }

  /**
   * Starts a task.
   *
   * @param name What it does, for the log.
   * @param work Ends when its signal fires. A failure is logged as an error.
   * @returns Settles with the task and never rejects.
   */
  start(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const task = (async () => {
      try {
        await work(this.#abort.signal);
      } catch (error) {
        if (isAbort(error, this.#abort.signal)) return;
        this.#log.error(`${name} failed: ${reasonOf(error)}`, {
          task: name,
          ...(error instanceof Error && error.stack ? { stack: error.stack } : {}),
        });
      }
    })().finally(() => this.#running.delete(task));
    this.#running.set(task, name);
    return task;
  }

  /**
   * Aborts all tasks and waits for them.
   *
   * @param limitMs How long to wait, in milliseconds.
   * @returns Names of those that had not ended by then.
   */
  async close(limitMs: number): Promise<readonly string[]> {
    this.#abort.abort();
    const all = Promise.all(this.#running.keys()).then(() => true);
    await withDeadline(all, limitMs, () => new Error("limit"), this.#clock).catch(() => false);
    return this.names;
  }
}
