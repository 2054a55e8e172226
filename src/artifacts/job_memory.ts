/** What a worker that stays warm keeps from one job for the next one of the same directories. */
import type { JobPlaces } from "./git_job.ts";
import { PlanMemory } from "../git/plan_memory.ts";
import { RecordMemory } from "./record_memory.ts";

/** The parts of it; each counts only as far as it can still be true. */
export interface RememberedPlaces {
  readonly plan: PlanMemory;
  readonly record: RecordMemory;
}

/** Remembers the directories of one job, the last. */
export class JobMemory {
  #key: string | undefined;
  #remembered: RememberedPlaces | undefined;

  /** What is remembered of a job's directories; nothing yet, if the last job had others. */
  of({ gitDirectory, destination }: JobPlaces): RememberedPlaces {
    const key = JSON.stringify([gitDirectory, destination]);
    if (key !== this.#key || this.#remembered === undefined) {
      this.#key = key;
      this.#remembered = { plan: new PlanMemory(), record: new RecordMemory() };
    }
    return this.#remembered;
  }
}
