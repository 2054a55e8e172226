import type { Clock } from "../base/clock.ts";
import { type CheckoutProgress, noProgress } from "./progress_snapshot.ts";

/** Whoever looks sees no more than so many changes. */
const leastIntervalMs = 200;

/**
 * Counts what a job does and says so now and then: at each new phase, and not more than five times a
 * second in between. Called for every file and every piece of a download, so it must cost nothing.
 */
export class ProgressMeter {
  readonly #say: (progress: CheckoutProgress) => void;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #progress: CheckoutProgress = noProgress;
  #saidMs = -Infinity;

  /** @param say Told of how far the job is. */
  constructor(say: (progress: CheckoutProgress) => void, clock: Pick<Clock, "monotonicMs">) {
    this.#say = say;
    this.#clock = clock;
  }

  /** More of a pack has arrived. */
  received(bytes: number, objects: number, objectsTotal: number): void {
    this.#set({ phase: "receiving", bytes, objects, objectsTotal });
  }

  /** A pack has arrived completely, and its waiting deltas are being put together. */
  resolving(objects: number): void {
    this.#set({ phase: "resolving", objects });
  }

  /** So many files of so many are written. */
  written(files: number, filesTotal: number): void {
    this.#set({ phase: "writing", files, filesTotal });
  }

  /** All files are written. */
  publishing(): void {
    this.#set({ phase: "publishing" });
  }

  #set(change: Partial<CheckoutProgress>): void {
    const nowMs = this.#clock.monotonicMs();
    const isNewPhase = change.phase !== this.#progress.phase;
    this.#progress = { ...this.#progress, ...change };
    if (!isNewPhase && nowMs - this.#saidMs < leastIntervalMs) return;
    this.#saidMs = nowMs;
    this.#say(this.#progress);
  }
}
