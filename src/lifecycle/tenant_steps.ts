import type { DomainMapping, SignUpEvent, TenantEvent } from "../events/agent_event.ts";
import { applyTenantEvent } from "../topology/apply_tenant_event.ts";
import { artifactsKey } from "./artifact_steps.ts";
import type { Effect, Step } from "./effect.ts";
import type { RemovalOutcome } from "./ports.ts";
import type { AgentState, Settings } from "./state.ts";

/** Tenants came, changed or went. */
export function tenantEvent(state: AgentState, event: TenantEvent): Step<AgentState> {
  const tenants = applyTenantEvent(state.tenants, event);
  const next = tenants === undefined ? state : { ...state, tenants };
  switch (event.kind) {
    case "completeTenant":
      return {
        state: next,
        effects: [
          { kind: "answered", what: "tenants" },
          {
            kind: "runExtension",
            lane: "tenants",
            event: "CompleteTenantEvent",
            values: {},
            whenBusy: "keepNewest",
          },
        ],
      };
    case "tenantSubscribed":
      return {
        state: next,
        effects: [{
          kind: "runExtension",
          lane: "tenants",
          event: "TenantSubscribedEvent",
          values: {
            EVENT_SERVICE_NAME: event.serviceName,
            EVENT_TENANT_ID: String(event.tenantId),
          },
          whenBusy: "dropOldest",
        }],
      };
    case "tenantChanged":
    case "tenantRemoved":
    case "tenantUnsubscribed":
      return { state: next, effects: [] };
  }
}

/** A tenant no longer uses the application: its artifacts go. */
export function signUpEvent(
  state: AgentState,
  settings: Settings,
  event: SignUpEvent,
): Step<AgentState> {
  if (event.kind === "signUpsKnown") return { state, effects: [] };
  if (event.applicationId !== settings.identity.applicationId) return { state, effects: [] };
  const { tenantId } = event;
  const key = artifactsKey(tenantId, settings);
  const remove: Effect = { kind: "removeArtifacts", lane: `artifacts:${key}`, tenantId };
  const last = state.artifacts.get(key)?.tenantId;
  if (last !== undefined && last !== String(tenantId)) return { state, effects: [remove] };
  const artifacts = new Map(state.artifacts);
  artifacts.delete(key);
  const updatedTenants = new Set(state.updatedTenants);
  updatedTenants.delete(key);
  const waitingTenants = state.waitingTenants.filter((waiting) => waiting !== key);
  return {
    state: { ...state, artifacts, updatedTenants, waitingTenants },
    effects: [remove],
  };
}

/** A tenant's artifacts are gone, or could not be removed: the extension is told either way. */
export function artifactsRemoved(
  state: AgentState,
  settings: Settings,
  tenantId: number,
  outcome: RemovalOutcome,
): Step<AgentState> {
  if (outcome.kind === "cancelled") return { state, effects: [] };
  return {
    state,
    effects: [{
      kind: "runExtension",
      lane: "signUp",
      event: "ApplicationSignUpRemovedEvent",
      values: {
        EVENT_APPLICATION_ID: settings.identity.applicationId,
        EVENT_TENANT_ID: String(tenantId),
      },
    }],
  };
}

/** A domain leads to the own cluster from now on, or no longer. */
export function domainMapping(
  state: AgentState,
  settings: Settings,
  event: DomainMapping,
): Step<AgentState> {
  if (event.clusterId !== settings.identity.clusterId) return { state, effects: [] };
  const isAdded = event.kind === "domainMappingAdded";
  const domain = state.tenants?.find(({ tenantId }) => tenantId === event.tenantId)?.tenantDomain;
  const run: Effect = {
    kind: "runExtension",
    lane: "domainMapping",
    event: isAdded ? "DomainMappingAddedEvent" : "DomainMappingRemovedEvent",
    values: {
      SUBSCRIPTION_APPLICATION_ID: event.applicationId,
      SUBSCRIPTION_SERVICE_NAME: event.serviceName,
      SUBSCRIPTION_DOMAIN_NAME: event.domainName,
      SUBSCRIPTION_CLUSTER_ID: event.clusterId,
      SUBSCRIPTION_TENANT_ID: String(event.tenantId),
      SUBSCRIPTION_TENANT_DOMAIN: domain ?? "",
      ...(isAdded ? { SUBSCRIPTION_CONTEXT_PATH: event.contextPath } : {}),
    },
  };
  return { state, effects: [run] };
}
