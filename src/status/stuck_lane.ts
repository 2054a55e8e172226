import type { LaneStatus } from "./snapshot.ts";

/** What runs in a lane. */
export interface LaneFacts {
  readonly name: string;
  readonly depth: number;
  readonly running?: string;
  readonly runningMs?: number;
}

/** How long the running job of a lane may take, by its name; `undefined`: any time. */
export type JobLimit = (job: string) => {
  readonly limitMs: number;
  /** Milliseconds since a part of such a job ended, where the limit is one of each part. */
  readonly quietMs?: number;
} | undefined;

/** Lanes with work, the one whose work runs longest first, and which of them are stuck. */
export function laneStatuses(
  lanes: readonly LaneFacts[],
  limitOf: JobLimit,
): readonly LaneStatus[] {
  return lanes.map(({ name, depth, running, runningMs }) => ({
    name,
    depth,
    ...(running === undefined ? {} : { running }),
    ...(runningMs === undefined ? {} : { runningMs: Math.round(runningMs) }),
    stuck: isStuck(running, runningMs, limitOf),
  })).sort((a, b) => (b.runningMs ?? 0) - (a.runningMs ?? 0));
}

function isStuck(
  running: string | undefined,
  runningMs: number | undefined,
  limitOf: JobLimit,
): boolean {
  const limit = running === undefined ? undefined : limitOf(running);
  if (!limit || runningMs === undefined) return false;
  return Math.min(runningMs, limit.quietMs ?? runningMs) > limit.limitMs;
}
