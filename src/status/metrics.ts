import type { Labels, Metric } from "./metric.ts";
import { metricTable } from "./metric_table.ts";
import type { StatusSnapshot } from "./snapshot.ts";

/**
 * A status in Prometheus' text format 0.0.4. A metric without a value is left out, and of series with
 * the same labels, which the format forbids, the first counts.
 */
export function metricsText(
  status: StatusSnapshot,
  table: readonly Metric[] = metricTable,
): string {
  return table.map((metric) => metricLines(metric, status)).join("");
}

function metricLines({ name, type, help, read }: Metric, status: StatusSnapshot): string {
  const series = new Map<string, number>();
  for (const [value, labels] of read(status)) {
    const key = `${name}${labelText(labels)}`;
    if (value !== undefined && Number.isFinite(value) && !series.has(key)) series.set(key, value);
  }
  if (series.size === 0) return "";
  const lines = [...series].map(([key, value]) => `${key} ${value}\n`).join("");
  return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${lines}`;
}

function labelText(labels: Labels | undefined): string {
  const pairs = Object.entries(labels ?? {});
  if (pairs.length === 0) return "";
  return `{${pairs.map(([name, value]) => `${name}="${escapedLabel(value)}"`).join(",")}}`;
}

function escapedHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapedLabel(text: string): string {
  return escapedHelp(text.toWellFormed()).replaceAll('"', '\\"');
}
