import type { LaneStatus, ReadinessStatus } from "./snapshot.ts";

/** What readiness is made of. */
export interface ReadinessFacts {
  readonly connected: boolean;
  /** The broker has granted the first subscriptions since the start. */
  readonly subscribed: boolean;
  readonly lanes: readonly LaneStatus[];
}

/** Whether the agent can do its work now, and if not, why. */
export function readiness({ connected, subscribed, lanes }: ReadinessFacts): ReadinessStatus {
  const reasons = [
    ...connected ? [] : ["not connected to a broker"],
    ...connected && !subscribed ? ["not subscribed yet"] : [],
    ...lanes.filter(({ stuck }) => stuck).map(({ name, running, runningMs = 0 }) =>
      `lane ${name} is stuck: ${running} runs for ${Math.round(runningMs / 1000)} s`
    ),
  ];
  return { ready: reasons.length === 0, reasons };
}
