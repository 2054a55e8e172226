import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import type { Input } from "../lifecycle/input.ts";
import type { LaneReport } from "../lifecycle/lanes.ts";
import type { AgentState } from "../lifecycle/state.ts";
import { readiness } from "../status/readiness.ts";
import { type JobLimit, laneStatuses } from "../status/stuck_lane.ts";
import { ServiceLauncher } from "./service_launcher.ts";
import { ServiceNotifier } from "./service_notifier.ts";
import { waitsFor } from "./status_words.ts";

/** What {@link openService} needs. */
export interface ServiceOptions {
  readonly config: Pick<AgentConfig, "service" | "lifecycle" | "paths">;
  readonly lanes: () => readonly LaneReport[];
  /** How long the jobs of a lane may take. */
  readonly limits: () => JobLimit;
  readonly log: Log;
  readonly clock: Clock;
}

/** An agent that a service manager watches. */
export interface WatchedService extends AsyncDisposable {
  /** The lifecycle has taken a step. */
  stepped(input: Input, state: AgentState): void;
  /** The agent begins to end; settles within some milliseconds. */
  ending(limitMs: number): Promise<void>;
}

const artifactInputs: readonly Input["kind"][] = ["checkedOut", "artifactsRemoved"];

/** Begins to tell the service manager of the agent; nobody, unless `service.manager` says so. */
export function openService(options: ServiceOptions): WatchedService | undefined {
  const { config, lanes, limits, log, clock } = options;
  if (config.service?.manager !== "systemd") return undefined;
  let artifactsMs = clock.monotonicMs();
  const notifier = new ServiceNotifier({
    manager: new ServiceLauncher(config.paths.launcher, log, clock),
    stuck: () =>
      stuckReasons(lanes(), limitsInTurn(limits(), () => clock.monotonicMs() - artifactsMs)),
    log,
    clock,
  });
  let shown: string | undefined;
  return {
    stepped: (input, { phase, readyAcknowledged }) => {
      if (artifactInputs.includes(input.kind)) artifactsMs = clock.monotonicMs();
      if (input.kind === "subscribed" && input.group === "topology") notifier.ready();
      const waits = waitsFor(phase, config.lifecycle, readyAcknowledged);
      const words = waits === undefined ? phase.kind : `${phase.kind}: waits for ${waits}`;
      if (words === shown) return;
      shown = words;
      notifier.status(words);
    },
    ending: (limitMs) => notifier.ending(limitMs),
    [Symbol.asyncDispose]: () => notifier[Symbol.asyncDispose](),
  };
}

/** Which lanes stand still, in words. */
export function stuckReasons(lanes: readonly LaneReport[], limits: JobLimit): readonly string[] {
  // Without a broker there is nothing to do, which is no lack of progress.
  return readiness({ connected: true, subscribed: true, lanes: laneStatuses(lanes, limits) })
    .reasons;
}

/**
 * Checkouts of many tenants take turns, so one of them may wait for much longer than it works: they
 * stand still only when none has ended for so long.
 */
export function limitsInTurn(limits: JobLimit, artifactsQuietMs: () => number): JobLimit {
  return (job) => {
    const limit = limits(job);
    const takesTurns = /^(?:checkout|removal) of tenant /.test(job);
    return limit && takesTurns ? { ...limit, quietMs: artifactsQuietMs() } : limit;
  };
}
