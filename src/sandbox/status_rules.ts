import type { MemberIdentity, MemberState } from "./member.ts";

/** The four status events of an instance. */
export type StatusName =
  | "InstanceStartedEvent"
  | "InstanceActivatedEvent"
  | "InstanceMaintenanceModeEvent"
  | "InstanceReadyToShutdownEvent";

/** What the cloud controller does with one status event. */
export interface StatusRule {
  /** The event is dropped in every other state. */
  readonly acceptedIn: readonly MemberState[];
  /** What the member becomes. */
  readonly becomes: MemberState;
  /** Fields that must be there as strings that are not empty. */
  readonly fields: readonly (keyof MemberIdentity)[];
}

const fieldsOfAll = [
  "serviceName",
  "clusterId",
  "clusterInstanceId",
  "memberId",
  "networkPartitionId",
  "partitionId",
] as const satisfies readonly (keyof MemberIdentity)[];

/** The cloud controller's table: order is everything, and nothing is acknowledged. */
export const statusRules: Readonly<Record<StatusName, StatusRule>> = {
  InstanceStartedEvent: {
    acceptedIn: ["Initialized", "Starting", "Active"],
    becomes: "Starting",
    fields: ["applicationId", ...fieldsOfAll],
  },
  InstanceActivatedEvent: {
    acceptedIn: ["Starting", "Active"],
    becomes: "Active",
    fields: fieldsOfAll,
  },
  InstanceMaintenanceModeEvent: {
    acceptedIn: ["Active", "In_Maintenance"],
    becomes: "In_Maintenance",
    fields: fieldsOfAll,
  },
  InstanceReadyToShutdownEvent: {
    acceptedIn: ["In_Maintenance", "ReadyToShutDown"],
    becomes: "ReadyToShutDown",
    fields: fieldsOfAll,
  },
};

/** Whether a text names a status event. */
export function isStatusName(name: string): name is StatusName {
  return Object.hasOwn(statusRules, name);
}

/**
 * Why a status event must be dropped in a member's state.
 *
 * @returns The reason, or `undefined` when the event is accepted.
 */
export function refusalInState(name: StatusName, state: MemberState): string | undefined {
  const { acceptedIn } = statusRules[name];
  if (acceptedIn.includes(state)) return undefined;
  return `the member is ${state}, and ${name} is accepted only in ${acceptedIn.join(", ")}`;
}

/** A status event or a reason why it is none. */
export type ReadStatus =
  | { readonly kind: "status"; readonly name: StatusName; readonly memberId: string }
  | { readonly kind: "fault"; readonly reason: string };

/** Longer payloads are refused unread; a real one has about 500 bytes. */
export const payloadLimitBytes = 65_536;

/**
 * Reads a status event as strictly as the worst platform would: ASCII bytes, one JSON object, every
 * required field a string that is not empty, all of them those of the member it speaks for.
 *
 * @param name Last part of the topic.
 * @param find The member with an id, if the platform has one.
 */
export function readStatus(
  name: string,
  payload: Uint8Array,
  find: (memberId: string) => MemberIdentity | undefined,
): ReadStatus {
  const fault = (reason: string): ReadStatus => ({ kind: "fault", reason });
  if (!isStatusName(name)) return fault("there is no such status event");
  const object = readObject(payload);
  if (typeof object === "string") return fault(object);
  for (const field of statusRules[name].fields) {
    const value = object[field];
    if (typeof value !== "string" || value === "") {
      return fault(`the field ${field} must be a string that is not empty`);
    }
  }
  if ("instanceId" in object && typeof object.instanceId !== "string") {
    return fault("the field instanceId must be a string or absent");
  }
  const memberId = String(object.memberId);
  const member = find(memberId);
  if (!member) return fault(`there is no member ${memberId}`);
  for (const field of statusRules[name].fields) {
    if (object[field] !== member[field]) {
      return fault(`the field ${field} is ${object[field]}, but the member's is ${member[field]}`);
    }
  }
  return { kind: "status", name, memberId };
}

/** What is wrong with the payload of a request, or `undefined`: it must be an empty JSON object. */
export function refusalOfRequest(payload: Uint8Array): string | undefined {
  const object = readObject(payload);
  if (typeof object === "string") return object;
  const names = Object.keys(object);
  return names.length === 0 ? undefined : `the payload must be {}, but has ${names.join(", ")}`;
}

/** A JSON object from bytes that may only be ASCII, or what is wrong with them. */
function readObject(payload: Uint8Array): Record<string, unknown> | string {
  if (payload.length === 0) return "the payload is empty";
  if (payload.length > payloadLimitBytes) return `the payload has ${payload.length} bytes`;
  // The platform decodes with its machine's default charset: only ASCII means the same everywhere.
  if (payload.some((byte) => byte > 0x7f)) return "the payload has bytes that are not ASCII";
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return "the payload is not JSON";
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return "the payload is not a JSON object";
  }
  return value as Record<string, unknown>;
}
