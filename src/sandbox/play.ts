import type { Clock } from "../base/clock.ts";
import { stepNames } from "./life_steps.ts";
import { sandboxCommits } from "./sandbox_commits.ts";
import type { Stage } from "./stage.ts";

/** How long the play waits. */
export interface Pace {
  readonly clock: Clock;
  /** Between Started and the opening of the port, in milliseconds. */
  readonly portDelayMs: number;
  /** Longest wait for one step, in milliseconds; one that does not come is reported, not awaited. */
  readonly stepLimitMs: number;
  /** When all waits are over, in the clock's monotonic milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** From the boot until the instance works: the platform initializes the member, the port opens. */
export async function playTheWayUp({ life, peers, openPort }: Stage, pace: Pace): Promise<void> {
  await life.until(stepNames.topology, limits(pace));
  await peers.platform.initializeMember();
  await life.until(stepNames.started, limits(pace));
  await pace.clock.sleep(pace.portDelayMs, pace.signal);
  openPort();
  await life.untilWhole("up", limits(pace));
}

/** From a new commit until the member is terminated. */
export async function playTheWayDown({ life, peers, see }: Stage, pace: Pace): Promise<void> {
  const { platform, artifacts } = peers;
  if (artifacts) {
    see({ kind: "note", who: "git", what: "a new commit arrives" });
    await artifacts.remote.commit(artifacts.name, sandboxCommits.second, "Second version");
    await life.until(stepNames.newCommit, limits(pace));
  }
  await platform.sendCleanupMember();
  await life.until(stepNames.readyToShutdown, limits(pace));
  await platform.terminateMember();
}

function limits({ clock, stepLimitMs, deadlineMs, signal }: Pace) {
  const leftMs = Math.max(0, deadlineMs - clock.monotonicMs());
  return { timeoutMs: Math.min(stepLimitMs, leftMs), signal };
}
