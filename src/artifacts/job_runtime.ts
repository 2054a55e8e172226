/** What a job is given by whoever runs it, beside its orders. */
import type { JobMemory } from "./job_memory.ts";
import type { BranchSource } from "./branch_source.ts";
import type { ProgressMeter } from "../git/progress_meter.ts";
import type { SecondThread } from "./second_thread.ts";

/**
 * Points between two steps of a job at which a crash leaves different things behind. Nothing happens
 * there, unless somebody wants to try what a crash does.
 */
export const faultPoints = [
  "removal finished",
  "objects fetched",
  "backup made",
  "files staged",
  "links staged",
  "publication announced",
  "obstacles removed",
  "files published",
  "links published",
  "old files removed",
  "tree in place",
  "destination emptied",
  "link switched",
  "record written",
  "commit remembered",
  "trees pruned",
  "removal announced",
  "link removed",
  "tree turned into the destination",
  "published files removed",
  "backup returned",
  "record forgotten",
] as const;

/** One of {@link faultPoints}. */
export type FaultPoint = typeof faultPoints[number];

/** Everything may be left out. */
export interface JobRuntime {
  /**
   * Makes symbolic links, which a job has no permission for: those that `links.list` in the directory
   * names, below `links` in the directory. Never rejects.
   *
   * @returns Why links are missing; `undefined` when none is.
   */
  readonly makeLinks?: (directory: string) => Promise<string | undefined>;
  /** Where a checkout gets its branch from, for who has begun to ask. */
  readonly remote?: BranchSource;
  /** Begins to start a thread that writes files, too, unless there is one. */
  readonly startSecond?: () => SecondThread;
  /** That thread, if there is one already. */
  readonly second?: SecondThread;
  /** Told of how far the job is. */
  readonly progress?: ProgressMeter;
  /** Of the jobs before; absent: nothing is remembered. */
  readonly memory?: JobMemory;
  /** Fires when the job is not wanted any more, and ends requests. */
  readonly signal?: AbortSignal;
  /** Throws then; for what takes long and lets nobody else have a turn. */
  readonly assertWanted?: () => void;
  /** Called at each point that is passed. */
  readonly faultPoint?: (point: FaultPoint) => void;
}
