import type { Effect, LaneEffect } from "./effect.ts";
import type { Input } from "./input.ts";

/**
 * Follows what the agent does from input to effect, for traces. A port: it changes nothing and must not
 * throw.
 */
export interface TracePort {
  /** An input led to effects, which are carried out next; what `ended` is called after belongs to it. */
  step(input: Input, effects: readonly Effect[]): StepTrace;
}

/** One input that is being carried out. */
export interface StepTrace {
  /** Does the work of an effect when its lane has come to it. */
  work(effect: LaneEffect, run: () => Promise<void>): Promise<void>;
  /** All effects are under way. */
  ended(): void;
}
