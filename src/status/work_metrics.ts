import { byName, flag, type Metric, ratio, seconds, tenant } from "./metric.ts";

/** Metrics of what the agent works on: extensions, artifacts, receivers, health, log files. */
export const workMetrics: readonly Metric[] = [
  {
    name: "cartridge_agent_extension_runs_total",
    type: "counter",
    help: "Runs of an extension script or module",
    labels: ["event", "script"],
    read: ({ extensions }) =>
      extensions.map(({ event, script, runs }) => [runs, { event, script }]),
  },
  {
    name: "cartridge_agent_extension_failures_total",
    type: "counter",
    help: "Those of these runs that failed",
    labels: ["event", "script"],
    read: ({ extensions }) =>
      extensions.map(({ event, script, failures }) => [failures, { event, script }]),
  },
  {
    name: "cartridge_agent_extension_last_duration_seconds",
    type: "gauge",
    help: "How long the last of these runs took in seconds",
    labels: ["event", "script"],
    read: ({ extensions }) =>
      extensions.map(({ event, script, ms }) => [ms / 1000, { event, script }]),
  },
  {
    name: "cartridge_agent_checkouts_total",
    type: "counter",
    help: "Checkouts by how they ended",
    labels: ["outcome"],
    read: ({ counters }) => byName(counters.checkouts, "outcome"),
  },
  {
    name: "cartridge_agent_artifact_files",
    type: "gauge",
    help: "Files of a tenant's repository that are in place",
    labels: ["tenant"],
    read: ({ artifacts }) => artifacts.map(({ tenantId, files }) => [files, tenant(tenantId)]),
  },
  {
    name: "cartridge_agent_artifact_last_sync_time_seconds",
    type: "gauge",
    help: "When a tenant's repository was last in step since the Unix epoch in seconds",
    labels: ["tenant"],
    read: ({ artifacts }) =>
      artifacts.map(({ tenantId, lastSyncAt }) => [
        lastSyncAt === undefined ? undefined : seconds(lastSyncAt),
        tenant(tenantId),
      ]),
  },
  {
    name: "cartridge_agent_artifact_conflicts",
    type: "gauge",
    help: "Refs under which local commits are kept that conflict with the remote",
    labels: ["tenant"],
    read: ({ artifacts }) =>
      artifacts.map(({ tenantId, conflictRefs }) => [conflictRefs.length, tenant(tenantId)]),
  },
  {
    name: "cartridge_agent_receiver_up",
    type: "gauge",
    help: "Whether the last call to a receiver of health statistics or log lines worked",
    labels: ["purpose", "receiver"],
    read: ({ receivers }) =>
      receivers.map((
        { purpose, url, state },
      ) => [flag(state === "up"), { purpose, receiver: url }]),
  },
  {
    name: "cartridge_agent_receiver_session_age_seconds",
    type: "gauge",
    help: "Age of the session with a receiver in seconds",
    labels: ["purpose", "receiver"],
    read: ({ receivers }) =>
      receivers.map(({ purpose, url, sessionAgeMs }) => [
        sessionAgeMs && sessionAgeMs / 1000,
        { purpose, receiver: url },
      ]),
  },
  {
    name: "cartridge_agent_receiver_events_sent_total",
    type: "counter",
    help: "Events that a receiver confirmed",
    labels: ["purpose", "receiver"],
    read: ({ receivers }) =>
      receivers.map(({ purpose, url, sent }) => [sent, { purpose, receiver: url }]),
  },
  {
    name: "cartridge_agent_receiver_failures_total",
    type: "counter",
    help: "Attempts to reach a receiver that failed",
    labels: ["purpose", "receiver"],
    read: ({ receivers }) =>
      receivers.map(({ purpose, url, failed }) => [failed, { purpose, receiver: url }]),
  },
  {
    name: "cartridge_agent_health_bundles_dropped_total",
    type: "counter",
    help: "Bundles of health statistics that something newer took the place of",
    labels: [],
    read: ({ counters }) => [[counters.healthDropped]],
  },
  {
    name: "cartridge_agent_memory_consumption_ratio",
    type: "gauge",
    help: "Memory consumption that was last published, 1 being all",
    labels: [],
    read: ({ health }) => [[ratio(health.samples.at(-1)?.memoryPercent)]],
  },
  {
    name: "cartridge_agent_load_average_ratio",
    type: "gauge",
    help: "Load average that was last published, 1 being one busy processor for each there is",
    labels: [],
    read: ({ health }) => [[ratio(health.samples.at(-1)?.loadPercent)]],
  },
  {
    name: "cartridge_agent_log_lines_read_total",
    type: "counter",
    help: "Lines of the application's log files that were read",
    labels: [],
    read: ({ logs }) => [[logs.linesRead]],
  },
  {
    name: "cartridge_agent_log_lines_confirmed_total",
    type: "counter",
    help: "Those of these lines that the receiver confirmed",
    labels: [],
    read: ({ logs }) => [[logs.linesConfirmed]],
  },
  {
    name: "cartridge_agent_log_missed_bytes_total",
    type: "counter",
    help: "Bytes that a rotation took away before they were read",
    labels: [],
    read: ({ logs }) => [[logs.missedBytes]],
  },
  {
    name: "cartridge_agent_log_lag_bytes",
    type: "gauge",
    help: "Bytes of a followed log file that are not read yet",
    labels: ["path"],
    read: ({ logs }) =>
      logs.followers.filter(({ rotated }) => !rotated)
        .map(({ path, lagBytes }) => [lagBytes, { path }]),
  },
];
