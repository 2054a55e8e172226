import type { Activity, StatusSnapshot } from "../../src/status/snapshot.ts";

/** When the samples are from. */
export const sampleTime = Date.parse("2026-03-04T10:30:00.000Z");

/** A time before that of the samples. */
export function before(seconds: number): string {
  return new Date(sampleTime - seconds * 1000).toISOString();
}

/** A snapshot of an agent that has just started: nothing has happened, nothing is known. */
export function bootingSnapshot(changes: Partial<StatusSnapshot> = {}): StatusSnapshot {
  return {
    format: 1,
    at: before(0),
    agent: {
      version: "0.1.0",
      deno: "2.9.6",
      pid: 812,
      startedAt: before(2),
      applicationId: "shop",
      serviceName: "php",
      clusterId: "shop.php.domain",
      memberId: "shop.php.domain.member-7f3a",
      tenantId: 1,
      memoryBytes: 61_400_000,
    },
    readiness: { ready: false, reasons: ["not connected to a broker"] },
    lifecycle: {
      phase: "booting",
      since: before(2),
      waitsFor: "the subscription to the topology",
      published: [],
    },
    broker: { connected: false, reconnects: 0, lastError: "connection refused" },
    outbox: { waiting: 0 },
    lanes: [],
    activity: [],
    extensions: [],
    artifacts: [],
    receivers: [],
    health: { enabled: true, samples: [] },
    logs: {
      enabled: false,
      linesRead: 0,
      linesSent: 0,
      linesConfirmed: 0,
      missedFiles: 0,
      missedBytes: 0,
      followers: [],
    },
    configuration: [
      { key: "cartridge.alias", value: "php", from: "launch-params" },
      { key: "mb.password", value: "*****", from: "agent.conf" },
    ],
    permissions: {
      net: ["broker.example:1883"],
      read: ["/opt/agent"],
      write: [],
      run: [],
      sys: [],
    },
    counters: { events: {}, checkouts: {}, acknowledged: 0, healthDropped: 0 },
    ...changes,
  };
}

/** A snapshot of a member that waits for the ports of its application. */
export function waitingSnapshot(changes: Partial<StatusSnapshot> = {}): StatusSnapshot {
  return bootingSnapshot({
    readiness: { ready: true, reasons: [] },
    lifecycle: {
      phase: "awaitingPorts",
      since: before(75),
      waitsFor: "ports 8080, 8443",
      published: ["started"],
    },
    broker: { connected: true, url: "broker.example:1883", since: before(90), reconnects: 0 },
    activity: activities.slice(-5),
    ...changes,
  });
}

/** A snapshot of a member in service, with everything that can be shown. */
export function activeSnapshot(changes: Partial<StatusSnapshot> = {}): StatusSnapshot {
  const booting = bootingSnapshot();
  return {
    ...booting,
    agent: { ...booting.agent, startedAt: before(11_530) },
    readiness: { ready: true, reasons: [] },
    lifecycle: {
      phase: "active",
      since: before(11_432),
      published: ["started", "activated"],
    },
    broker: { connected: true, url: "broker.example:1883", since: before(4_210), reconnects: 1 },
    outbox: { waiting: 2, oldestMs: 3_400 },
    lanes: [
      {
        name: "artifacts 1",
        depth: 2,
        running: "checkOut",
        runningMs: 14_200,
        stuck: false,
      },
      { name: "topology", depth: 1, stuck: false },
    ],
    activity: activities,
    extensions: [
      {
        event: "CompleteTopologyEvent",
        script: "complete-topology.sh",
        at: before(41),
        status: 1,
        ms: 312,
        runs: 188,
        failures: 1,
        output: ["reading 14 members", "haproxy.cfg: no backend for cluster shop.api.domain"],
      },
      {
        event: "ArtifactUpdatedEvent",
        script: "artifact-updated.sh",
        at: before(126),
        status: 0,
        ms: 84,
        runs: 3,
        failures: 0,
        output: ["graceful reload of php-fpm"],
      },
      {
        event: "StartServers",
        script: "start-servers.sh",
        at: before(11_450),
        status: 0,
        ms: 2_210,
        runs: 1,
        failures: 0,
        output: [],
      },
    ],
    artifacts: [
      {
        tenantId: 1,
        repository: "https://git.example/shop/php.git",
        destination: "/var/www",
        state: "working",
        branch: "master",
        commit: "8f4d1c0be2a94f70a1f2",
        lastSyncAt: before(126),
        files: 1_284,
        progress: { phase: "receiving", objects: 3_120, objectsTotal: 9_876, bytes: 4_812_345 },
        conflictRefs: [],
      },
      {
        tenantId: 7,
        repository: "https://git.example/tenants/7.git",
        destination: "/var/www/repository/tenants/7",
        state: "failed",
        lastError: 'Cannot fetch "https://git.example/tenants/7.git": the server refuses (403)',
        conflictRefs: ["refs/conflicts/20260304-0912"],
      },
    ],
    receivers: [
      {
        purpose: "health",
        url: "cep-1.example:7711",
        state: "up",
        sessionAgeMs: 861_000,
        sent: 1_520,
        failed: 2,
      },
      {
        purpose: "health",
        url: "cep-2.example:7711",
        state: "unreachable",
        sent: 0,
        failed: 44,
        lastError: "connection refused",
      },
    ],
    health: { enabled: true, samples: samplesOf(3_400) },
    logs: {
      enabled: true,
      linesRead: 18_204,
      linesSent: 18_150,
      linesConfirmed: 18_100,
      missedFiles: 1,
      missedBytes: 4_096,
      followers: [
        {
          path: "/var/log/php/error.log",
          rotated: false,
          position: 812_000,
          sizeBytes: 812_000,
          lagBytes: 0,
        },
        {
          path: "/var/log/php/access.log",
          rotated: true,
          position: 4_100_000,
          sizeBytes: 4_350_000,
          lagBytes: 250_000,
        },
      ],
    },
    counters: {
      events: { completeTopology: 188, memberActivated: 4, artifactUpdated: 3 },
      checkouts: { succeeded: 3, failed: 1 },
      acknowledged: 2,
      healthDropped: 0,
    },
    ...changes,
  };
}

/** A snapshot of a member that is being cleaned up. */
export function cleaningSnapshot(): StatusSnapshot {
  return activeSnapshot({
    lifecycle: {
      phase: "cleaning",
      since: before(4),
      waitsFor: "the extension clean",
      published: ["started", "activated", "maintenance"],
    },
  });
}

/** Newest first. */
const activities: readonly Activity[] = [
  {
    id: 9,
    at: before(14),
    kind: "event",
    title: "ArtifactUpdatedEvent tenant 1",
    effects: ["checkOut https://git.example/shop/php.git [artifacts 1]"],
  },
  {
    id: 8,
    at: before(41),
    kind: "event",
    title: "CompleteTopologyEvent",
    effects: ["extension CompleteTopologyEvent [topology]"],
    outcome: "failed",
    ms: 318,
    detail:
      "exit status 1\nreading 14 members\nhaproxy.cfg: no backend for cluster shop.api.domain",
  },
  {
    id: 7,
    at: before(95),
    kind: "event",
    title: "MemberActivatedEvent shop.api.domain.member-2",
    effects: ["extension MemberActivatedEvent [topology]"],
    outcome: "succeeded",
    ms: 91,
  },
  {
    id: 6,
    at: before(126),
    kind: "artifacts",
    title: "Checkout of tenant 1 ended: checkedOut",
    effects: ["extension ArtifactUpdatedEvent [artifacts 1]"],
    outcome: "succeeded",
    ms: 84,
    detail: "graceful reload of php-fpm",
  },
  {
    id: 5,
    at: before(4_210),
    kind: "connection",
    title: "Reconnected",
    effects: ["request topology", "request tenants"],
  },
  {
    id: 4,
    at: before(4_214),
    kind: "connection",
    title: "Connection to the broker lost",
    effects: [],
    outcome: "failed",
    detail: "connection reset by peer",
  },
  {
    id: 3,
    at: before(11_432),
    kind: "phase",
    title: "Phase awaitingPorts → active",
    effects: [],
  },
  {
    id: 2,
    at: before(11_450),
    kind: "status",
    title: "InstanceStartedEvent acknowledged by the broker",
    effects: [],
    outcome: "succeeded",
  },
  {
    id: 1,
    at: before(11_530),
    kind: "phase",
    title: "The agent starts",
    effects: ["subscribe topology"],
  },
];

/** A measurement every fifteen seconds, with a gap of seven minutes. */
function samplesOf(seconds: number) {
  return Array.from({ length: seconds / 15 }, (_, i) => seconds - i * 15)
    .filter((ago) => ago < 1_500 || ago > 1_920)
    .map((ago) => ({
      at: before(ago),
      memoryPercent: 41 + 6 * Math.sin(ago / 500) + (ago < 1_500 ? 8 : 0),
      loadPercent: 22 + 14 * Math.sin(ago / 210) + 5 * Math.sin(ago / 37),
    }));
}
