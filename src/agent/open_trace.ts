import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { TelemetryConfig } from "../config/agent_config.ts";
import type { TracePort } from "../lifecycle/trace_port.ts";

/**
 * What follows the lifecycle for traces, when they are wanted and Deno records them; nothing of it is
 * loaded otherwise.
 */
export async function openTrace(
  { endpoint }: TelemetryConfig,
  version: string,
  log: Log,
  clock: Clock,
): Promise<TracePort | undefined> {
  if (endpoint === undefined) return undefined;
  const { LifecycleTrace, whyNotRecording } = await import("../telemetry/lifecycle_trace.ts");
  const reason = whyNotRecording();
  if (reason === undefined) {
    log.info(`Traces and metrics go to ${endpoint}`);
    return new LifecycleTrace(version, () => clock.monotonicMs());
  }
  log.warning(reason);
  return undefined;
}
