import type { AgentConfig } from "../config/agent_config.ts";
import type { JobLimit } from "../status/stuck_lane.ts";

/** For what comes before and after the work itself on a busy machine. */
const slackMs = 60_000;

/**
 * How long the job of a lane may take at most, by its name. Ports may be waited for for ever: that is
 * what the phase is for.
 *
 * @param quietMsOf Milliseconds since a script or module of an event ended.
 */
export function laneLimits(
  { extensions, artifacts }: Pick<AgentConfig, "extensions" | "artifacts">,
  quietMsOf: (event: string) => number,
): JobLimit {
  const checkoutMs = Math.max(1, artifacts.cloneRetries) *
      (2 * artifacts.limits.timeoutMs + artifacts.cloneRetryIntervalMs) + slackMs;
  return (job) => {
    const [, event] = /^extension (\S+)$/.exec(job) ?? [];
    if (event !== undefined) {
      const own = Object.hasOwn(extensions.timeoutMsByEvent, event)
        ? extensions.timeoutMsByEvent[event]
        : undefined;
      return {
        limitMs: (own ?? extensions.timeoutMs) + extensions.graceMs + slackMs,
        // Each script of an event has the time for itself.
        quietMs: quietMsOf(event),
      };
    }
    if (/^(?:checkout|removal) of tenant /.test(job)) return { limitMs: checkoutMs };
    if (job.startsWith("write of ")) return { limitMs: slackMs };
    return undefined;
  };
}
