import type { AgentEvent } from "../events/agent_event.ts";
import {
  artifactExtensionEnded,
  artifactsChanged,
  artifactUpdated,
  checkedOut,
} from "./artifact_steps.ts";
import { cleaned, cleanUp } from "./clean_up.ts";
import type { Effect, Step } from "./effect.ts";
import type { Input } from "./input.ts";
import { halt, stops } from "./phase_change.ts";
import { publishStatuses } from "./publish_status.ts";
import { completeTopology, memberEvent, topologyChange } from "./platform_steps.ts";
import {
  advance,
  instanceSubscribed,
  portsOpen,
  startStepEnded,
  topologySubscribed,
} from "./start_up.ts";
import type { AgentState, Settings } from "./state.ts";
import { artifactsRemoved, domainMapping, signUpEvent, tenantEvent } from "./tenant_steps.ts";

/**
 * The whole behaviour of the agent: what happened leads to a new state and to effects.
 *
 * Pure: no clock, no input or output. The rules are those of the platform's protocol.
 */
export function step(state: AgentState, input: Input, settings: Settings): Step<AgentState> {
  switch (input.kind) {
    case "boot":
      return only(state, { kind: "subscribe", group: "topology" });
    case "reconnected":
      return reconnected(state, input.isSessionLost);
    case "subscribed":
      return input.group === "topology"
        ? topologySubscribed(state, settings)
        : instanceSubscribed(state);
    case "event":
      return onEvent(state, settings, input.event);
    case "unchanged":
      return unchanged(state, settings, input.what);
    case "extensionEnded":
      return extensionEnded(state, settings, input);
    case "portsOpen":
      return portsOpen(state);
    case "checkedOut":
      return checkedOut(state, settings, input.tenantId, input.outcome);
    case "artifactsChanged":
      return artifactsChanged(state, input.tenantId);
    case "artifactsRemoved":
      return artifactsRemoved(state, settings, input.tenantId, input.outcome);
    case "readyAcknowledged":
      return only({ ...state, readyAcknowledged: true }, { kind: "forgetSession" });
    case "topologyLaneOverflowed":
      return only(state, { kind: "request", what: "topology" });
  }
}

function onEvent(state: AgentState, settings: Settings, event: AgentEvent): Step<AgentState> {
  const { identity } = settings;
  switch (event.kind) {
    case "completeTopology":
      return completeTopology(state, settings, event.topology);
    case "serviceCreated":
    case "serviceRemoved":
    case "clustersCreated":
    case "clustersRemoved":
    case "clusterInstanceChanged":
      return topologyChange(state, event);
    case "completeTenant":
    case "tenantChanged":
    case "tenantRemoved":
    case "tenantSubscribed":
    case "tenantUnsubscribed":
      return tenantEvent(state, event);
    case "signUpsKnown":
    case "signUpRemoved":
      return signUpEvent(state, settings, event);
    case "domainMappingAdded":
    case "domainMappingRemoved":
      return domainMapping(state, settings, event);
    case "artifactUpdated":
      return artifactUpdated(state, settings, event);
    case "instanceCleanupMember":
      return event.memberId === identity.memberId
        ? cleanUp(state, settings)
        : { state, effects: [] };
    case "instanceCleanupCluster":
      return event.clusterId === identity.clusterId &&
          event.clusterInstanceId === identity.clusterInstanceId
        ? cleanUp(state, settings)
        : { state, effects: [] };
    case "memberCreated":
    case "memberInitialized":
    case "memberStarted":
    case "memberActivated":
    case "memberMaintenanceMode":
    case "memberReadyToShutdown":
    case "memberSuspended":
    case "memberTerminated":
      return memberEvent(state, settings, event);
  }
}

function extensionEnded(
  state: AgentState,
  settings: Settings,
  input: Input & { kind: "extensionEnded" },
): Step<AgentState> {
  const { event, outcome, tenantId } = input;
  if (event === "ArtifactUpdatedEvent" && tenantId !== undefined) {
    return artifactExtensionEnded(state, settings, tenantId, outcome);
  }
  if (event === "clean") {
    if (state.phase.kind !== "cleaning" || outcome.kind === "cancelled") {
      return { state, effects: [] };
    }
    return stops(settings, event, outcome) ? halt(state, event) : cleaned(state);
  }
  if (event === "CreateLVSDummyInterface" && stops(settings, event, outcome)) {
    return halt(state, event);
  }
  return startStepEnded(state, settings, event, outcome);
}

function reconnected(state: AgentState, isSessionLost: boolean): Step<AgentState> {
  const effects: Effect[] = [{ kind: "request", what: "topology" }];
  if (state.tenants) effects.push({ kind: "request", what: "tenants" });
  const behind = { ...state, gap: state.topology !== undefined };
  const isWaiting = state.phase.kind === "awaitingArtifacts" && state.artifacts.size === 0;
  if (!isSessionLost || !isWaiting) return { state: behind, effects };
  // The event about artifacts is published once, in reaction to Started. Saying that again is legal.
  const again = publishStatuses(behind, ["started"]);
  return { state: again.state, effects: [...effects, ...again.effects] };
}

function unchanged(
  state: AgentState,
  settings: Settings,
  what: "topology" | "tenants",
): Step<AgentState> {
  const answered: Effect = { kind: "answered", what };
  if (what === "tenants") return only(state, answered);
  const next = advance({ ...state, gap: false }, settings);
  return { state: next.state, effects: [answered, ...next.effects] };
}

function only(state: AgentState, effect: Effect): Step<AgentState> {
  return { state, effects: [effect] };
}
