/** One piece of work of a lane. */
export interface LaneJob {
  /** What it does, for logs and for naming stragglers. */
  readonly name: string;
  /** Does the work; must not reject. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Work that a clean-up or a shutdown must not skip, such as writing a status event. */
  readonly mustRun?: boolean;
  /** A waiting job of the same key is replaced by this one. */
  readonly key?: string;
  /** May be dropped, oldest first, when too many wait. */
  readonly droppable?: boolean;
}

/** What a lane tells its owner. */
export interface LaneEvents {
  /** The lane is full for the first time since it was last empty. */
  onOverflow(): void;
  /** The lane is empty again; `dropped` jobs were dropped since it was last empty. */
  onEmpty(dropped: number): void;
}

/**
 * Runs jobs one at a time, in order.
 *
 * Never waits for the one who adds a job, and never grows without bound: jobs with a key keep the
 * newest, droppable ones are dropped oldest first beyond the limit.
 */
export class Lane {
  readonly #limit: number;
  readonly #events: LaneEvents;
  readonly #nowMs: () => number;
  #waiting: LaneJob[] = [];
  #running:
    | { readonly job: LaneJob; readonly abort: AbortController; readonly sinceMs: number }
    | undefined;
  #ended: Promise<void> = Promise.resolve();
  #dropped = 0;
  /** How many of the waiting jobs are droppable. */
  #droppable = 0;

  /**
   * @param limit How many droppable jobs may wait.
   * @param nowMs Milliseconds that never jump back.
   */
  constructor(limit: number, events: LaneEvents, nowMs: () => number = () => 0) {
    this.#limit = limit;
    this.#events = events;
    this.#nowMs = nowMs;
  }

  /** How many jobs wait or run. */
  get depth(): number {
    return this.#waiting.length + (this.#running ? 1 : 0);
  }

  /** The name of the running job. */
  get running(): string | undefined {
    return this.#running?.job.name;
  }

  /** For how many milliseconds it has been running. */
  get runningMs(): number | undefined {
    return this.#running && this.#nowMs() - this.#running.sinceMs;
  }

  /** Adds a job at the end. */
  add(job: LaneJob): void {
    if (job.key !== undefined) this.#keep((waiting) => waiting.key !== job.key);
    this.#waiting.push(job);
    if (job.droppable && ++this.#droppable > this.#limit) this.#dropOldest();
    if (!this.#running) this.#ended = this.#drain();
  }

  /** Aborts the running job and drops the waiting ones, but for those that must run. */
  cancel(reason: unknown): void {
    this.#keep((job) => job.mustRun === true);
    if (this.#running && !this.#running.job.mustRun) this.#running.abort.abort(reason);
  }

  /** Resolves when the lane has run empty. */
  idle(): Promise<void> {
    return this.#ended;
  }

  async #drain(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      if (job.droppable) this.#droppable--;
      const abort = new AbortController();
      this.#running = { job, abort, sinceMs: this.#nowMs() };
      await job.run(abort.signal);
      this.#running = undefined;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#events.onEmpty(dropped);
  }

  #keep(wanted: (job: LaneJob) => boolean): void {
    this.#waiting = this.#waiting.filter(wanted);
    this.#droppable = this.#waiting.filter((job) => job.droppable).length;
  }

  #dropOldest(): void {
    this.#waiting.splice(this.#waiting.findIndex((job) => job.droppable), 1);
    this.#droppable--;
    if (this.#dropped++ === 0) this.#events.onOverflow();
  }
}
