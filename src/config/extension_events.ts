import type { ValueType } from "./value_types.ts";

/** Events that extensions can be installed for, as their scripts are named. */
export const extensionEvents = [
  "InstanceStartedEvent",
  "InstanceActivatedEvent",
  "StartServers",
  "ArtifactUpdatedEvent",
  "CopyArtifacts",
  "CompleteTopologyEvent",
  "CompleteTenantEvent",
  "MemberInitializedEvent",
  "MemberActivatedEvent",
  "MemberStartedEvent",
  "MemberSuspendedEvent",
  "MemberTerminatedEvent",
  "DomainMappingAddedEvent",
  "DomainMappingRemovedEvent",
  "ApplicationSignUpRemovedEvent",
  "TenantSubscribedEvent",
  "VolumeMount",
  "CreateLVSDummyInterface",
  "clean",
] as const;

/** One of {@link extensionEvents}. */
export type ExtensionEvent = typeof extensionEvents[number];

/** Events whose extension a step of the lifecycle waits for: only these can stop it. */
export const eventsThatStop: readonly ExtensionEvent[] = [
  "InstanceStartedEvent",
  "StartServers",
  "ArtifactUpdatedEvent",
  "VolumeMount",
  "CreateLVSDummyInterface",
  "clean",
];

/** The name of an event, in any case. */
export const extensionEvent: ValueType<ExtensionEvent> = {
  accepted: "an event that extensions are run for",
  parse: (text) => {
    const wanted = text.trim().toLowerCase();
    const event = extensionEvents.find((name) => name.toLowerCase() === wanted);
    return event === undefined
      ? { refused: "is no event that extensions are run for" }
      : { value: event };
  },
};
