import type { MemberIdentity, MemberState } from "./member.ts";
import { readStatus, refusalInState, refusalOfRequest, type StatusName } from "./status_rules.ts";

/** A message of an agent, as it arrived. */
export interface AgentMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
}

/** What the platform knows of the member that a message speaks for. */
export interface KnownMember {
  readonly identity: MemberIdentity;
  readonly state: MemberState;
}

/** What the platform thinks of a message. */
export type Judgement =
  | { readonly kind: "request"; readonly event: string }
  | { readonly kind: "accepted"; readonly event: StatusName; readonly memberId: string }
  | {
    readonly kind: "dropped";
    readonly event: StatusName;
    readonly memberId: string;
    readonly reason: string;
  }
  | { readonly kind: "fault"; readonly reason: string };

const requestNames: readonly string[] = [
  "CompleteTopologyRequestEvent",
  "CompleteTenantRequestEvent",
  "CompleteApplicationsRequestEvent",
  "CompleteApplicationSignUpsRequestEvent",
];

/**
 * Judges one message by the platform's rules.
 *
 * @param find The member with an id, as it is at this moment.
 */
export function judge(
  { topic, payload, qos }: AgentMessage,
  find: (memberId: string) => KnownMember | undefined,
): Judgement {
  const fault = (reason: string): Judgement => ({ kind: "fault", reason });
  const [family, name = "", ...rest] = splitTopic(topic);
  if (rest.length > 0) return fault("the topic is not that of an event");
  if (family === "initializer") {
    if (!requestNames.includes(name)) return fault("there is no such request");
    const refusal = refusalOfRequest(payload);
    return refusal === undefined ? { kind: "request", event: name } : fault(refusal);
  }
  // Nobody repeats a status event for the agent: at QoS 0 it may be lost without a trace.
  if (qos === 0) return fault("a status event must not be published at QoS 0");
  const read = readStatus(name, payload, (memberId) => find(memberId)?.identity);
  if (read.kind === "fault") return read;
  const { name: event, memberId } = read;
  const reason = refusalInState(event, find(memberId)?.state ?? "Terminated");
  return reason === undefined
    ? { kind: "accepted", event, memberId }
    : { kind: "dropped", event, memberId, reason };
}

/** Family, event name and whatever else is there too much. */
function splitTopic(topic: string): string[] {
  const family = ["initializer", "instance/status"].find((known) => topic.startsWith(`${known}/`));
  if (family === undefined) return [topic, "", "unknown family"];
  return [family, ...topic.slice(family.length + 1).split("/")];
}
