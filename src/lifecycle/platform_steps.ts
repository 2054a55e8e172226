import {
  type MemberEvent,
  type MemberEventKind,
  type TopologyChange,
  wireNames,
} from "../events/agent_event.ts";
import type { Topology } from "../events/topology_document.ts";
import { missedEvents } from "../topology/missed_events.ts";
import { TopologyModel } from "../topology/topology_model.ts";
import type { Effect, Step } from "./effect.ts";
import { advance } from "./start_up.ts";
import type { AgentState, Settings } from "./state.ts";

/** Member events that only change the model. */
const silentKinds: ReadonlySet<MemberEventKind> = new Set([
  "memberCreated",
  "memberMaintenanceMode",
  "memberReadyToShutdown",
]);

/**
 * A complete topology whose bytes differ from the last one's.
 *
 * After a gap the difference to the old model holds the member events that were missed.
 */
export function completeTopology(
  state: AgentState,
  settings: Settings,
  topology: Topology,
): Step<AgentState> {
  const known = state.gap ? state.topology?.document : undefined;
  const missed = known ? missedEvents(known, topology) : [];
  const replaced: AgentState = { ...state, topology: TopologyModel.of(topology), gap: false };
  const effects: Effect[] = [
    { kind: "answered", what: "topology" },
    {
      kind: "runExtension",
      lane: "topology",
      event: "CompleteTopologyEvent",
      values: {},
      whenBusy: "keepNewest",
    },
    ...missed.flatMap((event) => memberExtension(event, { EVENT_INFERRED: "true" })),
  ];
  const next = advance(replaced, settings);
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** Services, clusters or their instances changed: the model follows, nothing is run. */
export function topologyChange(state: AgentState, change: TopologyChange): Step<AgentState> {
  if (!state.topology) return { state, effects: [] };
  return { state: { ...state, topology: state.topology.after(change) }, effects: [] };
}

/** A member of some cluster took a step; when it is the own one, so may the lifecycle. */
export function memberEvent(
  state: AgentState,
  settings: Settings,
  event: MemberEvent,
): Step<AgentState> {
  const isOwn = event.memberId === settings.identity.memberId;
  const initialized = state.initialized || (isOwn && event.kind === "memberInitialized");
  const { topology } = state;
  const isKnown = topology?.knowsCluster(event.serviceName, event.clusterId) ?? false;
  const updated: AgentState = {
    ...state,
    initialized,
    ...(topology ? { topology: topology.after(event) } : {}),
  };
  const next = advance(updated, settings);
  return {
    state: next.state,
    effects: [...(isKnown ? memberExtension(event, {}) : []), ...next.effects],
  };
}

function memberExtension(
  event: MemberEvent,
  more: Readonly<Record<string, string>>,
): readonly Effect[] {
  if (silentKinds.has(event.kind)) return [];
  return [{
    kind: "runExtension",
    lane: "topology",
    event: wireNames[event.kind],
    values: {
      EVENT_SERVICE_NAME: event.serviceName,
      EVENT_CLUSTER_ID: event.clusterId,
      EVENT_MEMBER_ID: event.memberId,
      EVENT_CLUSTER_INSTANCE_ID: event.clusterInstanceId,
      EVENT_NETWORK_PARTITION_ID: event.networkPartitionId,
      EVENT_PARTITION_ID: event.partitionId,
      ...more,
    },
    whenBusy: "dropOldest",
  }];
}
