import type { ArtifactSync } from "../artifacts/artifact_sync.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerConnection } from "../broker/broker_connection.ts";
import type { Outbox } from "../broker/outbox.ts";
import type { HealthPublisher } from "../cep/health_publisher.ts";
import type { LogPublisher } from "../cep/log_publisher.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import type { Lifecycle } from "../lifecycle/lifecycle.ts";
import { readiness } from "../status/readiness.ts";
import { type Redact, shownLine } from "../status/shown_line.ts";
import type {
  LogStatus,
  PermissionStatus,
  ReceiverStatus,
  SettingStatus,
  StatusSnapshot,
} from "../status/snapshot.ts";
import { laneStatuses } from "../status/stuck_lane.ts";
import { laneLimits } from "./lane_limits.ts";
import type { StatusWatch } from "./status_watch.ts";
import { waitsFor } from "./status_words.ts";

/** What the agent is, as who starts it knows it. */
export interface AgentFacts {
  readonly version: string;
  /** Every setting, secrets masked. */
  readonly settings: () => readonly SettingStatus[];
  readonly permissions: PermissionStatus;
}

/** The parts of an agent that a status looks at. */
export interface StatusSources {
  readonly lifecycle: Lifecycle;
  readonly broker: BrokerConnection;
  readonly outbox: Outbox;
  readonly artifacts: ArtifactSync;
  readonly health: HealthPublisher;
  readonly logs: LogPublisher;
}

/** What {@link snapshotOf} needs. */
export interface SnapshotOptions {
  readonly config: AgentConfig;
  readonly facts: AgentFacts;
  readonly sources: StatusSources;
  readonly watch: StatusWatch;
  readonly clock: Clock;
  readonly redact: Redact;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
}

/** Activities of one snapshot. */
const mostActivities = 100;

/** Looks at everything once. Nothing is asked of anybody outside. */
export function snapshotOf(options: SnapshotOptions): StatusSnapshot {
  const { config, facts, sources, watch, clock, redact, startedMs } = options;
  const { lifecycle, broker, outbox, health } = sources;
  const { phase, readyAcknowledged } = lifecycle.state;
  const waits = waitsFor(phase, config.lifecycle, readyAcknowledged);
  const limits = laneLimits(config, (event) => watch.quietMs(event));
  const lanes = laneStatuses(lifecycle.lanes, limits);
  const { connection } = watch;
  const connected = connection !== undefined;
  const { lastError } = broker;
  const { identity } = config;
  return {
    format: 1,
    at: iso(clock.now()),
    agent: {
      version: facts.version,
      deno: Deno.version.deno,
      pid: Deno.pid,
      startedAt: iso(startedMs),
      applicationId: identity.applicationId,
      serviceName: identity.serviceName,
      clusterId: identity.clusterId,
      memberId: identity.memberId,
      tenantId: identity.tenantId,
      memoryBytes: Deno.memoryUsage().rss,
    },
    readiness: readiness({ connected, subscribed: watch.lifecycle.isSubscribed, lanes }),
    lifecycle: {
      phase: phase.kind,
      since: iso(watch.phaseSinceMs),
      ...(waits === undefined ? {} : { waitsFor: waits }),
      published: watch.lifecycle.published,
    },
    broker: {
      connected,
      ...(connection ? { url: connection.broker, since: iso(connection.sinceMs) } : {}),
      reconnects: watch.reconnects,
      ...(connected || lastError === undefined ? {} : { lastError: shownLine(lastError, redact) }),
    },
    outbox: {
      waiting: outbox.pending,
      ...(outbox.oldestMs === undefined ? {} : { oldestMs: Math.round(outbox.oldestMs) }),
    },
    lanes,
    activity: watch.journal.newest(mostActivities),
    extensions: watch.extensions.runs,
    artifacts: watch.artifacts.statuses((tenantId) => sources.artifacts.progress(tenantId)),
    receivers: receiversOf(sources, redact),
    health: { enabled: config.health.enabled, samples: watch.health.samples },
    logs: logsOf(config, sources.logs, redact),
    configuration: facts.settings(),
    permissions: facts.permissions,
    counters: {
      events: watch.lifecycle.events,
      checkouts: watch.lifecycle.checkouts,
      acknowledged: watch.acknowledgements,
      healthDropped: health.dropped,
    },
  };
}

function receiversOf({ health, logs }: StatusSources, redact: Redact): readonly ReceiverStatus[] {
  const ofHealth = health.snapshots.flat().map(
    ({ host, port, state, sessionAgeMs, sent, failed, lastError }): ReceiverStatus => ({
      purpose: "health",
      url: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
      state,
      ...(sessionAgeMs === undefined ? {} : { sessionAgeMs: Math.round(sessionAgeMs) }),
      sent,
      failed,
      ...(lastError === undefined ? {} : { lastError: shownLine(lastError, redact) }),
    }),
  );
  const ofLogs = logs.status.receiver;
  if (!ofLogs) return ofHealth;
  const { receiver, state, events, failures, lastError } = ofLogs;
  return [...ofHealth, {
    purpose: "logs",
    url: receiver,
    state,
    sent: events,
    failed: failures,
    ...(lastError === undefined ? {} : { lastError: shownLine(lastError, redact) }),
  }];
}

function logsOf({ logPublisher }: AgentConfig, logs: LogPublisher, redact: Redact): LogStatus {
  const { linesRead, linesSent, linesConfirmed, missedFiles, missedBytes, files } = logs.status;
  return {
    enabled: logPublisher.enabled && logPublisher.paths.length > 0,
    linesRead,
    linesSent,
    linesConfirmed,
    missedFiles,
    missedBytes,
    followers: files.map(({ path, isRotated, offset, size, lag }) => ({
      path: shownLine(path, redact),
      rotated: isRotated,
      position: offset,
      sizeBytes: size,
      lagBytes: lag,
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
