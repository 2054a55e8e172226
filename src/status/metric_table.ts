import { agentMetrics } from "./agent_metrics.ts";
import type { Metric } from "./metric.ts";
import { workMetrics } from "./work_metrics.ts";

/** Everything that `/metrics` says, in this order. */
export const metricTable: readonly Metric[] = [...agentMetrics, ...workMetrics];
