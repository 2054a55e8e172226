/**
 * What the agent shows of itself: one value, plain data, made on request. Everything that shows a
 * status (endpoint, page, metrics, terminal, support bundle) reads this and nothing else.
 *
 * Times are ISO 8601 in UTC, durations milliseconds, sizes bytes. No secret is ever in it: texts that
 * come from outside go through the redactor before they get here.
 */
export interface StatusSnapshot {
  /** Grows when a field changes its meaning. */
  readonly format: 1;
  readonly at: string;
  readonly agent: AgentStatus;
  /** Whether the agent can do its work now: what `/readyz` says. */
  readonly readiness: ReadinessStatus;
  readonly lifecycle: LifecycleStatus;
  readonly broker: BrokerStatus;
  readonly outbox: OutboxStatus;
  /** Lanes with work, first the one whose work waits longest. */
  readonly lanes: readonly LaneStatus[];
  /** What happened last, newest first, at most 100; the stream `/events` goes back to the last 500. */
  readonly activity: readonly Activity[];
  /** The last run of each extension script and module, newest first. */
  readonly extensions: readonly ExtensionStatus[];
  /** By tenant. */
  readonly artifacts: readonly ArtifactStatus[];
  readonly receivers: readonly ReceiverStatus[];
  readonly health: HealthStatus;
  readonly logs: LogStatus;
  readonly configuration: readonly SettingStatus[];
  readonly permissions: PermissionStatus;
  /** Counted since the start of the agent. */
  readonly counters: CounterStatus;
}

/** Who this is and since when it runs. */
export interface AgentStatus {
  readonly version: string;
  readonly deno: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly applicationId: string;
  readonly serviceName: string;
  readonly clusterId: string;
  readonly memberId: string;
  readonly tenantId: number;
  /** Resident memory of the process. */
  readonly memoryBytes: number;
}

/** Subscribed, and no lane stuck. */
export interface ReadinessStatus {
  readonly ready: boolean;
  /** Why it is not ready, one sentence each; empty when it is. */
  readonly reasons: readonly string[];
}

/** The present step of the member's life. */
export interface LifecycleStatus {
  /** A phase of the lifecycle, `awaitingPorts` for example. */
  readonly phase: string;
  readonly since: string;
  /** What it waits for, in words: `ports 8080, 8443`; absent when it waits for nothing. */
  readonly waitsFor?: string;
  /** What was published of the own life, in order. */
  readonly published: readonly string[];
}

/** The connection to the message broker. */
export interface BrokerStatus {
  readonly connected: boolean;
  /** `host:port`. */
  readonly url?: string;
  readonly since?: string;
  readonly reconnects: number;
  readonly lastError?: string;
}

/** Status events that the broker has not acknowledged. */
export interface OutboxStatus {
  readonly waiting: number;
  readonly oldestMs?: number;
}

/** Work of one lane. */
export interface LaneStatus {
  readonly name: string;
  /** Jobs that wait or run. */
  readonly depth: number;
  readonly running?: string;
  readonly runningMs?: number;
  /** Its running job takes longer than any time limit allows. */
  readonly stuck: boolean;
}

/** Something that happened, and what it led to. */
export interface Activity {
  /** Ascending; the same activity keeps its number when its outcome is known. */
  readonly id: number;
  readonly at: string;
  readonly kind: "event" | "phase" | "extension" | "artifacts" | "connection" | "status";
  /** `MemberActivatedEvent`, `Phase awaitingPorts → active` and the like. */
  readonly title: string;
  /** What the agent does about it, one line each. */
  readonly effects: readonly string[];
  readonly outcome?: "succeeded" | "failed" | "cancelled" | "none";
  readonly ms?: number;
  /** Reason of a failure, last lines of output. */
  readonly detail?: string;
}

/** The last run of a script or module. */
export interface ExtensionStatus {
  readonly event: string;
  readonly script: string;
  readonly at: string;
  /** Exit status, `timed-out`, `cancelled` or `refused`. */
  readonly status: number | string;
  readonly ms: number;
  /** Runs since the start of the agent, and those of them that failed. */
  readonly runs: number;
  readonly failures: number;
  /** The last lines of output. */
  readonly output: readonly string[];
}

/** The artifacts of one tenant. */
export interface ArtifactStatus {
  readonly tenantId: number;
  /** Without user information. */
  readonly repository?: string;
  readonly destination: string;
  readonly state: "none" | "working" | "inStep" | "failed" | "removed";
  readonly branch?: string;
  readonly commit?: string;
  readonly lastSyncAt?: string;
  readonly files?: number;
  readonly lastError?: string;
  /** Work in progress. */
  readonly progress?: {
    readonly phase: string;
    readonly objects?: number;
    readonly objectsTotal?: number;
    readonly bytes?: number;
    readonly files?: number;
    readonly filesTotal?: number;
  };
  /** Refs under which local commits are kept that conflict with the remote. */
  readonly conflictRefs: readonly string[];
}

/** One receiver of health statistics or log lines. */
export interface ReceiverStatus {
  readonly purpose: "health" | "logs";
  /** `host:port`. */
  readonly url: string;
  readonly state: string;
  readonly sessionAgeMs?: number;
  readonly sent: number;
  readonly failed: number;
  readonly lastError?: string;
}

/** Health values of the last hour, oldest first. */
export interface HealthStatus {
  readonly enabled: boolean;
  readonly samples: readonly {
    readonly at: string;
    readonly memoryPercent?: number;
    readonly loadPercent?: number;
  }[];
}

/** The lines of the application's log files; the counts are of all files together. */
export interface LogStatus {
  readonly enabled: boolean;
  readonly linesRead: number;
  readonly linesSent: number;
  readonly linesConfirmed: number;
  /** Lost to a rotation before they were read. */
  readonly missedFiles: number;
  readonly missedBytes: number;
  readonly followers: readonly LogFollowerStatus[];
}

/** One followed log file. */
export interface LogFollowerStatus {
  readonly path: string;
  /** It was renamed by a rotation and is read to its end. */
  readonly rotated: boolean;
  /** Bytes that were read, of so many. */
  readonly position: number;
  readonly sizeBytes: number;
  /** Bytes that are in the file and not read. */
  readonly lagBytes: number;
}

/** One setting with its source; secrets masked. */
export interface SettingStatus {
  readonly key: string;
  readonly value: string;
  readonly from: string;
}

/** What the agent may do, as values of Deno's permission flags. */
export interface PermissionStatus {
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly run: readonly string[];
  readonly sys: readonly string[];
}

/** What happened how often. */
export interface CounterStatus {
  /** Events of the platform, by kind, `memberActivated` for example. */
  readonly events: Readonly<Record<string, number>>;
  /** Checkouts, by how they ended: `succeeded`, `failed`, `cancelled`. */
  readonly checkouts: Readonly<Record<string, number>>;
  /** Status events that the broker has acknowledged. */
  readonly acknowledged: number;
  /** Health bundles that were dropped because something newer was due. */
  readonly healthDropped: number;
}
