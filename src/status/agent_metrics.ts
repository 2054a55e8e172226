import { byName, flag, type Metric, seconds } from "./metric.ts";

/** Phases of a member's life, for a series each. */
export const phases = [
  "booting",
  "awaitingTopology",
  "awaitingInitialized",
  "starting",
  "awaitingArtifacts",
  "awaitingPorts",
  "active",
  "halted",
  "cleaning",
  "readyToShutdown",
] as const;

/** Metrics of the agent itself: process, life, broker, outbox, lanes. */
export const agentMetrics: readonly Metric[] = [
  {
    name: "cartridge_agent_info",
    type: "gauge",
    help: "1, with the versions as labels",
    labels: ["version", "deno", "member"],
    read: ({ agent }) => [[1, {
      version: agent.version,
      deno: agent.deno,
      member: agent.memberId,
    }]],
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "Start of the agent since the Unix epoch in seconds",
    labels: [],
    read: ({ agent }) => [[seconds(agent.startedAt)]],
  },
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory of the agent in bytes",
    labels: [],
    read: ({ agent }) => [[agent.memoryBytes]],
  },
  {
    name: "cartridge_agent_ready",
    type: "gauge",
    help: "Whether the agent is subscribed and no lane is stuck",
    labels: [],
    read: ({ readiness }) => [[flag(readiness.ready)]],
  },
  {
    name: "cartridge_agent_phase",
    type: "gauge",
    help: "1 for the present phase of the member's life, 0 for the others",
    labels: ["phase"],
    read: ({ lifecycle }) => phases.map((phase) => [flag(lifecycle.phase === phase), { phase }]),
  },
  {
    name: "cartridge_agent_phase_start_time_seconds",
    type: "gauge",
    help: "Start of the present phase since the Unix epoch in seconds",
    labels: [],
    read: ({ lifecycle }) => [[seconds(lifecycle.since)]],
  },
  {
    name: "cartridge_agent_events_received_total",
    type: "counter",
    help: "Events of the platform by kind",
    labels: ["event"],
    read: ({ counters }) => byName(counters.events, "event"),
  },
  {
    name: "cartridge_agent_broker_connected",
    type: "gauge",
    help: "Whether there is a connection to a broker",
    labels: [],
    read: ({ broker }) => [[flag(broker.connected)]],
  },
  {
    name: "cartridge_agent_broker_reconnects_total",
    type: "counter",
    help: "Connections to a broker after the first one",
    labels: [],
    read: ({ broker }) => [[broker.reconnects]],
  },
  {
    name: "cartridge_agent_outbox_events",
    type: "gauge",
    help: "Status events that the broker has not acknowledged",
    labels: [],
    read: ({ outbox }) => [[outbox.waiting]],
  },
  {
    name: "cartridge_agent_outbox_oldest_age_seconds",
    type: "gauge",
    help: "Age of the oldest of these status events in seconds, 0 when there is none",
    labels: [],
    read: ({ outbox }) => [[(outbox.oldestMs ?? 0) / 1000]],
  },
  {
    name: "cartridge_agent_status_events_acknowledged_total",
    type: "counter",
    help: "Status events that the broker has acknowledged",
    labels: [],
    read: ({ counters }) => [[counters.acknowledged]],
  },
  {
    name: "cartridge_agent_lane_jobs",
    type: "gauge",
    help: "Jobs that wait or run in a lane; lanes without work are not there",
    labels: ["lane"],
    read: ({ lanes }) => lanes.map(({ name, depth }) => [depth, { lane: name }]),
  },
  {
    name: "cartridge_agent_lane_running_seconds",
    type: "gauge",
    help: "How long the job of a lane has been running in seconds",
    labels: ["lane"],
    read: ({ lanes }) =>
      lanes.map(({ name, runningMs }) => [runningMs && runningMs / 1000, { lane: name }]),
  },
  {
    name: "cartridge_agent_lane_stuck",
    type: "gauge",
    help: "Whether the job of a lane runs longer than any time limit allows",
    labels: ["lane"],
    read: ({ lanes }) => lanes.map(({ name, stuck }) => [flag(stuck), { lane: name }]),
  },
];
