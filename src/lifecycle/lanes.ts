import type { LaneName } from "./effect.ts";
import { Lane, type LaneJob } from "./lane.ts";

/** How many extension runs may wait in one lane before the oldest are dropped. */
const waitingLimit = 1_000;

/** What the lanes tell their owner. */
export interface LanesEvents {
  onOverflow(lane: LaneName): void;
  onDropped(lane: LaneName, count: number): void;
}

/** What a lane does now. */
export interface LaneReport {
  readonly name: LaneName;
  /** Jobs that wait or run. */
  readonly depth: number;
  /** The name of the running job, and for how long it has been running. */
  readonly running?: string;
  readonly runningMs?: number;
}

/** All lanes by name; one comes into being with its first job and goes when it is empty. */
export class Lanes {
  readonly #lanes = new Map<LaneName, Lane>();
  readonly #events: LanesEvents;
  readonly #nowMs: () => number;

  /** @param nowMs Milliseconds that never jump back. */
  constructor(events: LanesEvents, nowMs: () => number) {
    this.#events = events;
    this.#nowMs = nowMs;
  }

  /** Adds a job to a lane. */
  add(name: LaneName, job: LaneJob): void {
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = new Lane(waitingLimit, {
        onOverflow: () => this.#events.onOverflow(name),
        onEmpty: (dropped) => {
          this.#lanes.delete(name);
          if (dropped > 0) this.#events.onDropped(name, dropped);
        },
      }, this.#nowMs);
      this.#lanes.set(name, lane);
    }
    lane.add(job);
  }

  /** Cancels what can be cancelled, in all lanes. */
  cancel(reason: unknown): void {
    for (const lane of this.#lanes.values()) lane.cancel(reason);
  }

  /** Resolves when all lanes have run empty. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) {
      await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
    }
  }

  /** Names of the running jobs. */
  get running(): readonly string[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.running ?? []);
  }

  /** What each lane does now. */
  get reports(): readonly LaneReport[] {
    return [...this.#lanes].map(([name, { depth, running, runningMs }]) => ({
      name,
      depth,
      ...(running === undefined ? {} : { running }),
      ...(runningMs === undefined ? {} : { runningMs }),
    }));
  }

  /** How many jobs wait or run in each lane. */
  get depths(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#lanes].map(([name, lane]) => [name, lane.depth]));
  }
}
