import { artifactsOf } from "./artifact_steps.ts";
import { cleanUp, ownStatus } from "./clean_up.ts";
import type { Effect, Step } from "./effect.ts";
import type { ExtensionOutcome } from "./ports.ts";
import { awaitPorts, halt, stops } from "./phase_change.ts";
import { publishStatuses } from "./publish_status.ts";
import type { AgentState, Phase, Settings } from "./state.ts";

/** The topology subscription is acknowledged: the first thing that can be asked for is. */
export function topologySubscribed(state: AgentState, settings: Settings): Step<AgentState> {
  const { lvsVirtualIp } = settings.lifecycle;
  const effects: Effect[] = [{ kind: "request", what: "topology" }];
  if (state.phase.kind !== "booting") return { state, effects };
  if (lvsVirtualIp) {
    effects.push(run("CreateLVSDummyInterface", {
      LVS_DUMMY_VIRTUAL_IP: lvsVirtualIp.ip,
      LVS_SUBNET_MASK: lvsVirtualIp.subnetMask,
    }));
  }
  if (state.remembered.published === "readyToShutdown") {
    const phase: Phase = { kind: "readyToShutdown" };
    const last: Effect[] = [{ kind: "forgetSession" }, { kind: "subscribe", group: "instance" }];
    return {
      state: { ...state, phase, readyAcknowledged: true },
      effects: [...last, ...effects],
    };
  }
  const waiting = { ...state, phase: { kind: "awaitingTopology" } as const };
  if (!state.remembered.cleanUp) return { state: waiting, effects };
  const resumed = cleanUp(waiting, settings);
  return { state: resumed.state, effects: [...effects, ...resumed.effects] };
}

/**
 * Goes on when the own member is initialized.
 *
 * A member that the platform has in maintenance or beyond cannot start again: its state was lost, and
 * what is left to do is to finish the clean-up.
 */
export function advance(state: AgentState, settings: Settings): Step<AgentState> {
  if (state.phase.kind === "awaitingTopology" && state.topology) {
    return advance({ ...state, phase: { kind: "awaitingInitialized" } }, settings);
  }
  if (state.phase.kind !== "awaitingInitialized") return { state, effects: [] };
  const status = ownStatus(state, settings);
  switch (status) {
    case "Initialized":
    case "Starting":
    case "Active":
      return beginStart(state);
    case "In_Maintenance":
    case "ReadyToShutDown": {
      const remembered = {
        ...state.remembered,
        published: "activated" as const,
        cleanUp: true,
        cleaned: status === "ReadyToShutDown",
      };
      return cleanUp({ ...state, remembered }, settings);
    }
    default:
      return state.initialized && status !== "Suspended" && status !== "Terminated"
        ? beginStart(state)
        : { state, effects: [] };
  }
}

function beginStart(state: AgentState): Step<AgentState> {
  return {
    state: { ...state, phase: { kind: "starting", step: "subscriptions" } },
    effects: [{ kind: "subscribe", group: "instance" }],
  };
}

/** All subscriptions are acknowledged: from here on nothing the platform sends is missed. */
export function instanceSubscribed(state: AgentState): Step<AgentState> {
  const requests: readonly Effect[] = state.tenants ? [] : [{ kind: "request", what: "tenants" }];
  if (state.phase.kind !== "starting" || state.phase.step !== "subscriptions") {
    return { state, effects: requests };
  }
  return {
    state: { ...state, phase: { kind: "starting", step: "InstanceStartedEvent" } },
    effects: [...requests, run("InstanceStartedEvent")],
  };
}

/** An extension of the way up has ended. */
export function startStepEnded(
  state: AgentState,
  settings: Settings,
  event: string,
  outcome: ExtensionOutcome,
): Step<AgentState> {
  if (state.phase.kind !== "starting" || state.phase.step !== event) return { state, effects: [] };
  if (outcome.kind === "cancelled") return { state, effects: [] };
  if (stops(settings, event, outcome)) return halt(state, event);
  switch (state.phase.step) {
    case "InstanceStartedEvent": {
      const started = publishStatuses(state, ["started"]);
      return {
        state: { ...started.state, phase: { kind: "starting", step: "StartServers" } },
        effects: [
          ...started.effects,
          ...settings.lifecycle.publishesLogs ? [{ kind: "startLogs" } as const] : [],
          run("StartServers"),
        ],
      };
    }
    case "StartServers":
      if (settings.lifecycle.persistenceMapping === undefined) return started(state, settings);
      return {
        state: { ...state, phase: { kind: "starting", step: "VolumeMount" } },
        effects: [run("VolumeMount", { VALUE1: settings.lifecycle.persistenceMapping })],
      };
    case "VolumeMount":
      return started(state, settings);
    case "subscriptions":
      return { state, effects: [] };
  }
}

function started(state: AgentState, settings: Settings): Step<AgentState> {
  const next = settings.lifecycle.awaitsArtifacts
    ? { state: { ...state, phase: { kind: "awaitingArtifacts" } as const }, effects: [] }
    : awaitPorts(state);
  const waiting = artifactsOf(next.state, state.waitingTenants);
  return {
    state: { ...next.state, waitingTenants: [] },
    effects: [...next.effects, ...waiting],
  };
}

/**
 * All ports accept connections: the member is active.
 *
 * Health starts before the extension runs: the platform counts a minute from activation, and an
 * extension may take longer.
 */
export function portsOpen(state: AgentState): Step<AgentState> {
  if (state.phase.kind !== "awaitingPorts") return { state, effects: [] };
  const activated = publishStatuses(state, ["activated"]);
  return {
    state: { ...activated.state, phase: { kind: "active" } },
    effects: [...activated.effects, { kind: "startHealth" }, run("InstanceActivatedEvent")],
  };
}

function run(event: string, values: Readonly<Record<string, string>> = {}): Effect {
  return { kind: "runExtension", lane: "lifecycle", event, values };
}
