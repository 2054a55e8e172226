import { type Clock, systemClock } from "../base/clock.ts";
import type { JobAnswer, WorkerOrder } from "./git_job.ts";
import type { MainMessage, WorkerMessage } from "./git_worker_messages.ts";
import { JobStop } from "./job_stop.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";

/** What a job may take to stop where nothing is half done: a file, an object, a request. */
const unwindingMs = 1_000;
/** Deno lets a thread that is busy go on for two seconds after its end was asked for. */
const terminationMs = 2_100;

/** With whom an order is carried out. */
export interface OrderOptions {
  readonly worker: Worker;
  /** Works for it already; absent: none does. */
  readonly second?: Worker | undefined;
  /** Starts one, at the other end of the port, when the worker wants it; may do without. */
  readonly startSecond: (port: MessagePort) => Worker | undefined;
  /** Told of how far a checkout is. */
  readonly onProgress?: ((progress: CheckoutProgress) => void) | undefined;
  /** Makes the error for a worker that broke down. */
  readonly onBroken: (reason: string) => Error;
  readonly clock?: Pick<Clock, "sleep">;
}

/** An order in the hands of a worker. */
export class GivenOrder<Result> {
  readonly #options: OrderOptions;
  readonly #stop = new JobStop();
  readonly #answered = Promise.withResolvers<JobAnswer<Result>>();
  /** Whatever came of it: the job does nothing any more. */
  readonly #ended = Promise.withResolvers<void>();
  /** Renewed when it is asked again. */
  #heard = Promise.withResolvers<void>();
  #isStopping = false;
  #second: Worker | undefined;

  constructor(options: OrderOptions) {
    const { worker, second, onBroken } = options;
    this.#options = options;
    this.#takeSecond(second);
    worker.onmessage = ({ data, ports }: MessageEvent<WorkerMessage<Result>>) =>
      this.#hear(data, ports);
    worker.onmessageerror = () => this.#break(onBroken("its answer cannot be read"));
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break(onBroken(event.message));
    };
  }

  /** The worker that works for the other one by now. */
  get second(): Worker | undefined {
    return this.#second;
  }

  /**
   * Gives it away.
   *
   * @param links For a {@link LinkService}.
   * @returns The answer; rejects when the worker broke down.
   */
  give(order: WorkerOrder, links?: MessagePort): Promise<JobAnswer<Result>> {
    this.#say({ ...order, stop: this.#stop.shared }, links ? [links] : []);
    return this.#answered.promise;
  }

  /** Ends the worker, and waits until the job does nothing: another may follow in its directories. */
  async end(): Promise<void> {
    const { worker, clock = systemClock } = this.#options;
    this.#stop.request();
    this.#say({ kind: "stop" });
    let isDone = await this.#isWithin(unwindingMs, this.#ended.promise);
    if (!isDone && this.#isStopping) {
      // It was waiting for something. Since then it cleans up, or goes on waiting and says so again.
      this.#heard = Promise.withResolvers();
      this.#say({ kind: "stop" });
      const idle = Promise.race([this.#ended.promise, this.#heard.promise]);
      isDone = await this.#isWithin(terminationMs, idle);
    }
    worker.terminate();
    this.#second?.terminate();
    if (!isDone) await clock.sleep(terminationMs);
  }

  #hear(message: WorkerMessage<Result>, [port]: readonly MessagePort[]): void {
    switch (message.kind) {
      case "progress":
        this.#options.onProgress?.(message.progress);
        break;
      case "secondWanted":
        if (port) this.#takeSecond(this.#options.startSecond(port));
        break;
      case "stopping":
        this.#isStopping = true;
        this.#heard.resolve();
        break;
      default:
        this.#ended.resolve();
        this.#answered.resolve(message);
    }
  }

  /** The job does without one that breaks down. */
  #takeSecond(second: Worker | undefined): void {
    if (second === undefined) return;
    this.#second = second;
    second.onerror = (event) => {
      event.preventDefault();
      this.#second = undefined;
      second.terminate();
      this.#say({ kind: "secondGone" });
    };
  }

  #break(error: Error): void {
    this.#ended.resolve();
    this.#answered.reject(error);
  }

  #say(message: MainMessage, transfer: Transferable[] = []): void {
    this.#options.worker.postMessage(message, transfer);
  }

  async #isWithin(ms: number, promise: Promise<void>): Promise<boolean> {
    const { clock = systemClock } = this.#options;
    const over = new AbortController();
    // Rejects only when it is no longer wanted.
    const limit = clock.sleep(ms, over.signal).then(() => false, () => false);
    try {
      return await Promise.race([promise.then(() => true), limit]);
    } finally {
      over.abort();
    }
  }
}
