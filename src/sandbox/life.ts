import type { Clock } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import { Journal, type WaitLimits } from "./journal.ts";
import { type LifeStep, lifeSteps, type StepNeed } from "./life_steps.ts";
import type { Sighting } from "./sighting.ts";

/** How many sightings are remembered to tell what came before what. */
const memoryLimit = 10_000;

/** Which steps of a life were seen, and which are still missing. */
export class Life {
  readonly #wanted: readonly LifeStep[];
  readonly #skipped: readonly LifeStep[];
  readonly #past: Sighting[] = [];
  readonly #shown: Journal<string>;
  #refusals = 0;

  /** @param given What is there; the steps that need anything else are skipped. */
  constructor(given: ReadonlySet<StepNeed>, clock: Clock) {
    const { wanted = [], skipped = [] } = Object.groupBy(
      lifeSteps,
      ({ needs }) => needs === undefined || given.has(needs) ? "wanted" : "skipped",
    );
    this.#wanted = wanted;
    this.#skipped = skipped;
    this.#shown = new Journal(clock);
  }

  /** Takes notice of something. */
  see(sighting: Sighting): void {
    if (isRefusal(sighting)) this.#refusals++;
    for (const { name, shownBy } of this.#wanted) {
      if (!this.#has(name) && shownBy(sighting, this.#past)) this.#shown.add(name);
    }
    if (this.#past.length < memoryLimit) this.#past.push(sighting);
  }

  /** Names of the steps that cannot be seen here. */
  get skipped(): readonly string[] {
    return this.#skipped.map(({ name }) => name);
  }

  /**
   * Names of the steps that were not seen yet, in order; a refusal by a peer counts as one.
   *
   * @param way Only those of one half of the life.
   */
  missing(way?: LifeStep["way"]): readonly string[] {
    const names = this.#wanted.filter((step) => way === undefined || step.way === way)
      .map(({ name }) => name).filter((name) => !this.#has(name));
    return this.#refusals === 0 ? names : [...names, "sends nothing that a peer refuses"];
  }

  /**
   * Waits for a step.
   *
   * @returns Whether it was seen in time; a skipped one at once.
   */
  async until(name: string, limits: WaitLimits): Promise<boolean> {
    if (this.#skipped.some((step) => step.name === name)) return true;
    try {
      await this.#shown.until(name, (shown) => shown === name, limits);
      return true;
    } catch (error) {
      if (error instanceof AgentError && error.kind === "limit") return false;
      throw error;
    }
  }

  /** Waits until nothing is missing of one half of the life, or the time is over. */
  async untilWhole(way: LifeStep["way"], limits: WaitLimits): Promise<boolean> {
    const names = this.#wanted.filter((step) => step.way === way).map(({ name }) => name);
    const seen = await Promise.all(names.map((name) => this.until(name, limits)));
    return seen.every((each) => each);
  }

  #has(name: string): boolean {
    return this.#shown.entries.includes(name);
  }
}

function isRefusal(sighting: Sighting): boolean {
  return sighting.kind === "refused" ||
    sighting.kind === "platform" && sighting.entry.kind === "fault";
}
