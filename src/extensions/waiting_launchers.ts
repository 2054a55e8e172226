import { type Clock, withDeadline } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import { killQuietly, type Launcher } from "./launcher.ts";

/**
 * How many wait. One, which takes 0.3 MB: it is replaced as soon as it has its order, and to be told
 * while it still gets ready costs no more than to be started.
 */
const kept = 1;
/** A launcher whose input has ended is gone within. */
const limitMs = 5_000;
/** When so many in a row ended while they waited, waiting does not work here. */
const maxLost = 3;

interface Waiting {
  readonly process: Deno.ChildProcess;
  readonly orders: WritableStreamDefaultWriter<Uint8Array>;
}

/**
 * Launchers that were started ahead of need, so that a run has one program to wait for instead of
 * three. Each becomes one script. They end with the agent, however it ends: by the end of their input.
 *
 * Only about speed: whoever gets none starts a launcher as usual.
 */
export class WaitingLaunchers implements AsyncDisposable {
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  /** The oldest first: it is the most likely to be ready. */
  readonly #waiting = new Set<Waiting>();
  #lost = 0;
  #closed = false;

  constructor(launcher: Launcher, clock: Clock) {
    this.#launcher = launcher;
    this.#clock = clock;
  }

  /** Starts what is missing. */
  refill(): void {
    if (this.#closed || this.#lost >= maxLost || this.#waiting.size >= kept) return;
    let process: Deno.ChildProcess;
    try {
      process = this.#launcher.startWaiting();
    } catch (error) {
      // The next script meets the same obstacle, and it is told there.
      if (error instanceof AgentError) return;
      throw error;
    }
    const launcher = { process, orders: process.stdin.getWriter() };
    this.#waiting.add(launcher);
    // Nobody waits for this; letting go does not reject.
    void process.status.then(() => {
      if (!this.#waiting.delete(launcher)) return;
      this.#lost++;
      return letGo(launcher);
    });
  }

  /**
   * Gives an order to a launcher that waits, without waiting for anything: a launcher that has ended,
   * or stands still, looks like any that ends, or takes long, before it takes its order.
   *
   * @returns The process that becomes the script, its outputs untouched, unless it ends without
   *   having said that the order is taken: see {@link tell}. Undefined when none waits.
   */
  give(order: Uint8Array): Deno.ChildProcess | undefined {
    const [launcher] = this.#waiting;
    if (!launcher) return undefined;
    this.#waiting.delete(launcher);
    const { process, orders } = launcher;
    // It is the process that says whether this arrived.
    void orders.write(order).then(() => orders.close()).catch(() => {});
    return process;
  }

  /** Takes note whether an order that was given was taken. */
  tell(taken: boolean): void {
    this.#lost = taken ? 0 : this.#lost + 1;
  }

  /** Ends those that wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    await Promise.all(waiting.map((launcher) => this.#end(launcher)));
  }

  async #end(launcher: Waiting): Promise<void> {
    const released = letGo(launcher);
    const late = () => new Error("limit");
    await withDeadline(launcher.process.status, limitMs, late, this.#clock)
      .catch(() => killQuietly(launcher.process, "SIGKILL"));
    await released;
  }
}

/** Closes all ends that the agent has of a launcher. */
async function letGo({ process, orders }: Waiting): Promise<void> {
  await Promise.all([
    orders.abort().catch(() => {}),
    process.stdout.cancel().catch(() => {}),
    process.stderr.cancel().catch(() => {}),
  ]);
}
