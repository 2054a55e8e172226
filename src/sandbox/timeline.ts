import type { PlatformEntry } from "./platform_entry.ts";
import type { Sighting, Who } from "./sighting.ts";
import type { StatusName } from "./status_rules.ts";

/** One line of the timeline before it is laid out. */
export interface TimelineLine {
  readonly who: Who;
  readonly what: string;
  /** Something went wrong. */
  readonly alarm?: boolean;
}

/** Longest text of a line, in characters: what agents send may be of any length. */
const whatLimit = 300;

const colours: Readonly<Record<Who, number>> = {
  sandbox: 90,
  broker: 90,
  platform: 34,
  agent: 32,
  receiver: 35,
  git: 33,
  server: 36,
};

const statusTexts: Readonly<Record<StatusName, string>> = {
  InstanceStartedEvent: "started",
  InstanceActivatedEvent: "activated",
  InstanceMaintenanceModeEvent: "in maintenance, cleaning up",
  InstanceReadyToShutdownEvent: "ready to shut down",
};

const requestTexts: Readonly<Record<string, string>> = {
  CompleteTopologyRequestEvent: "asks for the topology",
  CompleteTenantRequestEvent: "asks for the tenants",
};

const publishedTexts: Readonly<Record<string, string>> = {
  "topology/CompleteTopologyEvent": "sends the complete topology",
  "tenant/CompleteTenantEvent": "sends all tenants",
  "topology/MemberCreatedEvent": "member created",
  "topology/MemberInitializedEvent": "member initialized",
  "topology/MemberStartedEvent": "member is Starting",
  "topology/MemberActivatedEvent": "member is Active",
  "topology/MemberMaintenanceModeEvent": "member is in maintenance",
  "topology/MemberReadyToShutdownEvent": "member is ready to shut down",
  "topology/MemberTerminatedEvent": "member terminated",
  "instance/notifier/ArtifactUpdatedEvent": "names the repository of the artifacts",
  "instance/notifier/InstanceCleanupMemberEvent": "asks the member to clean up",
  "instance/notifier/InstanceCleanupClusterEvent": "asks the cluster to clean up",
};

const commitTexts = {
  first: "artifacts checked out",
  second: "new commit checked out",
} as const;

/** What the timeline says of a sighting; `undefined` when it is not worth a line. */
export function describe(sighting: Sighting): TimelineLine | undefined {
  switch (sighting.kind) {
    case "platform":
      return describeEntry(sighting.entry);
    case "health":
      return { who: "receiver", what: healthText(sighting.description, sighting.value) };
    case "files":
      return { who: "agent", what: `${commitTexts[sighting.commit]} (${files(sighting.files)})` };
    case "extension":
      return { who: "agent", what: `extension ${sighting.event} ran` };
    case "output":
      return { who: "agent", what: `${sighting.event}: ${sighting.line}` };
    case "portOpened":
      return { who: "server", what: `accepts connections on port ${sighting.port}` };
    case "agentEnded":
      return sighting.stragglers.length === 0
        ? { who: "agent", what: "ended in order" }
        : { who: "agent", what: `ended without ${sighting.stragglers.join(", ")}`, alarm: true };
    case "refused":
      return { who: sighting.who, what: `refuses: ${sighting.reason}`, alarm: true };
    case "agentLost":
      return { who: "agent", what: `ended unasked: ${sighting.reason}`, alarm: true };
    case "missing":
      return { who: "sandbox", what: `not seen: ${sighting.step}`, alarm: true };
    case "note":
      return { who: sighting.who, what: sighting.what };
  }
}

/**
 * Lays a line out: seconds since the start, who, what.
 *
 * @param sinceMs Milliseconds since the start.
 * @param colour Whether the terminal shows colours.
 */
export function formatLine(line: TimelineLine, sinceMs: number, colour: boolean): string {
  const time = `${(sinceMs / 1_000).toFixed(2).padStart(7)} s`;
  const who = line.who.padEnd(8);
  const what = visible(line.alarm ? `! ${line.what}` : line.what);
  if (!colour) return `${time}  ${who}  ${what}`;
  const painted = line.alarm ? paint(31, what) : what;
  return `${paint(90, time)}  ${paint(colours[line.who], who)}  ${painted}`;
}

function describeEntry(entry: PlatformEntry): TimelineLine | undefined {
  switch (entry.kind) {
    case "request":
      return { who: "agent", what: requestTexts[entry.event] ?? `sends ${entry.event}` };
    case "status":
      // A dropped one has a fault of its own, which says more.
      return entry.accepted ? { who: "agent", what: statusTexts[entry.event] } : undefined;
    case "fault":
      return { who: "platform", what: `refuses ${entry.topic}: ${entry.reason}`, alarm: true };
    case "published":
      return { who: "platform", what: publishedTexts[entry.topic] ?? `sends ${entry.topic}` };
    case "connection":
      return entry.connected
        ? { who: "platform", what: "connected to the broker" }
        : { who: "platform", what: "lost the broker", alarm: true };
  }
}

function healthText(description: string, value: number): string {
  switch (description) {
    case "memory_consumption":
      return `health: memory ${value.toFixed(1)} %`;
    case "load_average":
      return `health: load ${value.toFixed(1)} %`;
    default:
      return `health: ${description} ${value}`;
  }
}

function files(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

function paint(code: number, text: string): string {
  return `\x1b[${code}m${text}\x1b[0m`;
}

/** One bounded line without control characters: a peer must not write to the terminal. */
function visible(text: string): string {
  const cut = text.length > whatLimit ? `${text.slice(0, whatLimit)}…` : text;
  // deno-lint-ignore no-control-regex
  return cut.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "\uFFFD");
}
