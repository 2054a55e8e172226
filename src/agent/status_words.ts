import { type AgentEvent, wireNames } from "../events/agent_event.ts";
import type { LifecycleConfig } from "../config/agent_config.ts";
import type { Phase, StartStep } from "../lifecycle/state.ts";

const otherNames = {
  completeTopology: "CompleteTopologyEvent",
  serviceCreated: "ServiceCreatedEvent",
  serviceRemoved: "ServiceRemovedEvent",
  clustersCreated: "ApplicationClustersCreatedEvent",
  clustersRemoved: "ApplicationClustersRemovedEvent",
  clusterInstanceChanged: "ClusterInstanceEvent",
  completeTenant: "CompleteTenantEvent",
  tenantChanged: "TenantChangedEvent",
  tenantRemoved: "TenantRemovedEvent",
  tenantSubscribed: "TenantSubscribedEvent",
  tenantUnsubscribed: "TenantUnSubscribedEvent",
  artifactUpdated: "ArtifactUpdatedEvent",
  instanceCleanupMember: "InstanceCleanupMemberEvent",
  instanceCleanupCluster: "InstanceCleanupClusterEvent",
  signUpsKnown: "ApplicationSignUpAddedEvent",
  signUpRemoved: "ApplicationSignUpRemovedEvent",
  domainMappingAdded: "DomainMappingAddedEvent",
  domainMappingRemoved: "DomainMappingRemovedEvent",
} as const satisfies Record<Exclude<AgentEvent["kind"], keyof typeof wireNames>, string>;

const names: Readonly<Record<AgentEvent["kind"], string>> = { ...wireNames, ...otherNames };

/** An event with what it is about, on one line. */
export function eventTitle(event: AgentEvent): string {
  const name = names[event.kind];
  if ("memberId" in event && event.memberId !== "") return `${name} ${event.memberId}`;
  if ("tenantId" in event && event.tenantId !== undefined) {
    return `${name} tenant ${event.tenantId}`;
  }
  return name;
}

const startSteps: Readonly<Record<StartStep, string>> = {
  subscriptions: "the subscription to the events of the instance",
  InstanceStartedEvent: "the extension InstanceStartedEvent",
  StartServers: "the extension StartServers",
  VolumeMount: "the extension VolumeMount",
};

/** What a phase waits for, in words; `undefined` when it waits for nothing. */
export function waitsFor(
  phase: Phase,
  { ports }: Pick<LifecycleConfig, "ports">,
  readyAcknowledged: boolean,
): string | undefined {
  switch (phase.kind) {
    case "booting":
      return "the subscription to the topology";
    case "awaitingTopology":
      return "the complete topology";
    case "awaitingInitialized":
      return "this member to be initialized";
    case "starting":
      return startSteps[phase.step];
    case "awaitingArtifacts":
      return "the first artifacts";
    case "awaitingPorts":
      return `ports ${ports.join(", ")}`;
    case "active":
      return undefined;
    case "halted":
      return `a restart: the required extension ${phase.event} failed`;
    case "cleaning":
      return "the extension clean";
    case "readyToShutdown":
      return readyAcknowledged ? undefined : "the broker to acknowledge ReadyToShutdown";
  }
}
