import type { ArtifactUpdated } from "../events/agent_event.ts";
import { withoutUserInfo } from "../base/url_user_info.ts";
import type { Effect, Step } from "./effect.ts";
import type { CheckoutOutcome, ExtensionOutcome } from "./ports.ts";
import { awaitPorts, halt, stops } from "./phase_change.ts";
import type { AgentState, Settings } from "./state.ts";

/** No platform has more tenants on one instance; a broker that sends more is not followed. */
const maxTenants = 10_000;

/** New artifacts for the own cluster: check out now, or once the instance is started. */
export function artifactUpdated(
  state: AgentState,
  settings: Settings,
  event: ArtifactUpdated,
): Step<AgentState> {
  if (event.clusterId !== settings.identity.clusterId || isLeaving(state)) {
    return { state, effects: [] };
  }
  const tenantId = tenantOf(event, settings);
  if (tenantId === undefined) {
    return refuse(state, `its tenant id ${JSON.stringify(event.tenantId)} is not an integer`);
  }
  if (event.repoUrl === "") return refuse(state, "it names no repository");
  const key = artifactsKey(tenantId, settings);
  if (!state.artifacts.has(key) && state.artifacts.size >= maxTenants) {
    return refuse(state, `there are ${maxTenants} tenants already`);
  }
  const artifacts = new Map(state.artifacts).set(key, { ...event, tenantId: String(tenantId) });
  const known = { ...state, artifacts };
  if (isStarted(state)) return { state: known, effects: artifactsOf(known, [key]) };
  const waitingTenants = [...new Set([...state.waitingTenants, key])];
  return { state: { ...known, waitingTenants }, effects: [] };
}

/** The checkouts of these tenants' last events. */
export function artifactsOf(state: AgentState, tenantIds: readonly number[]): readonly Effect[] {
  return tenantIds.flatMap((tenantId): Effect[] => {
    const event = state.artifacts.get(tenantId);
    if (!event) return [];
    const { repoUrl, repoUsername, repoPassword } = event;
    return [{
      kind: "checkOut",
      lane: `artifacts:${tenantId}`,
      tenantId,
      source: { tenantId: Number(event.tenantId), repoUrl, repoUsername, repoPassword },
    }];
  });
}

/** A checkout has ended: tell the extension, or go on without when that is wanted. */
export function checkedOut(
  state: AgentState,
  settings: Settings,
  tenantId: number,
  outcome: CheckoutOutcome,
): Step<AgentState> {
  if (outcome.kind === "cancelled" || isOver(state, tenantId)) return { state, effects: [] };
  if (outcome.kind === "checkedOut") {
    return { state, effects: [runArtifactUpdated(state, tenantId, {})] };
  }
  // The loop goes on trying what may yet work. It is begun again after the first success: there may
  // have been nothing to poll yet.
  const isPolled = outcome.refused || state.updatedTenants.has(tenantId);
  const poll: readonly Effect[] = isPolled ? [] : [{ kind: "startUpdates", tenantId }];
  if (state.phase.kind !== "awaitingArtifacts" || !settings.lifecycle.activateOnFailedCheckout) {
    return { state, effects: poll };
  }
  const next = awaitPorts(state);
  return { state: next.state, effects: [...next.effects, ...poll] };
}

/** The update loop changed files. */
export function artifactsChanged(state: AgentState, tenantId: number): Step<AgentState> {
  if (isOver(state, tenantId)) return { state, effects: [] };
  return {
    state,
    effects: [{
      ...runArtifactUpdated(state, tenantId, { ARTIFACT_UPDATED_SCHEDULER: "true" }),
      whenBusy: "keepNewest",
    }],
  };
}

/** The extension knows of the artifacts: activate the first time, and keep them up to date. */
export function artifactExtensionEnded(
  state: AgentState,
  settings: Settings,
  tenantId: number,
  outcome: ExtensionOutcome,
): Step<AgentState> {
  if (outcome.kind === "cancelled" || isOver(state, tenantId)) return { state, effects: [] };
  const polled = keepUpdated(state, tenantId);
  if (state.phase.kind !== "awaitingArtifacts") return polled;
  if (stops(settings, "ArtifactUpdatedEvent", outcome)) return halt(state, "ArtifactUpdatedEvent");
  const next = awaitPorts(polled.state);
  return { state: next.state, effects: [...next.effects, ...polled.effects] };
}

/** One update loop per tenant, begun once; a later event changes only what it polls. */
function keepUpdated(state: AgentState, tenantId: number): Step<AgentState> {
  if (state.updatedTenants.has(tenantId)) return { state, effects: [] };
  return {
    state: { ...state, updatedTenants: new Set([...state.updatedTenants, tenantId]) },
    effects: [{ kind: "startUpdates", tenantId }],
  };
}

function runArtifactUpdated(
  state: AgentState,
  tenantId: number,
  more: Readonly<Record<string, string>>,
): Effect & { kind: "runExtension" } {
  const event = state.artifacts.get(tenantId)!;
  return {
    kind: "runExtension",
    lane: `artifacts:${tenantId}`,
    event: "ArtifactUpdatedEvent",
    tenantId,
    values: {
      ARTIFACT_UPDATED_CLUSTER_ID: event.clusterId,
      ARTIFACT_UPDATED_TENANT_ID: event.tenantId ?? String(tenantId),
      ARTIFACT_UPDATED_REPO_URL: withoutUserInfo(event.repoUrl),
      ARTIFACT_UPDATED_REPO_USERNAME: event.repoUsername,
      ARTIFACT_UPDATED_REPO_PASSWORD: event.repoPassword,
      ARTIFACT_UPDATED_STATUS: event.status,
      ...more,
    },
  };
}

/** The tenant that an event is about; undefined when its id is no integer. */
function tenantOf(event: ArtifactUpdated, settings: Settings): number | undefined {
  if (event.tenantId === undefined) return settings.identity.tenantId;
  const tenantId = Number(event.tenantId);
  return /^-?\d{1,15}$/.test(event.tenantId) && Number.isSafeInteger(tenantId)
    ? tenantId
    : undefined;
}

/**
 * Under which number the artifacts of a tenant are kept: an instance of one tenant has one set of them,
 * whoever the platform says they are of.
 */
export function artifactsKey(tenantId: number, { identity }: Settings): number {
  return identity.multiTenant ? tenantId : identity.tenantId;
}

function isStarted(state: AgentState): boolean {
  const { kind } = state.phase;
  return kind === "awaitingArtifacts" || kind === "awaitingPorts" || kind === "active";
}

/** Nothing more is done for the tenant: the instance is leaving, or the tenant has. */
function isOver(state: AgentState, tenantId: number): boolean {
  return isLeaving(state) || !state.artifacts.has(tenantId);
}

function isLeaving(state: AgentState): boolean {
  return state.phase.kind === "cleaning" || state.phase.kind === "readyToShutdown";
}

function refuse(state: AgentState, why: string): Step<AgentState> {
  return {
    state,
    effects: [{ kind: "log", level: "error", message: `Refused ArtifactUpdatedEvent: ${why}` }],
  };
}
