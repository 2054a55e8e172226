import type { Tenant, TenantEvent } from "../events/agent_event.ts";

/**
 * The tenants after an event about them; before the first complete list nothing is known, and one
 * tenant would not be all.
 */
export function applyTenantEvent(
  tenants: readonly Tenant[] | undefined,
  event: TenantEvent,
): readonly Tenant[] | undefined {
  switch (event.kind) {
    case "completeTenant":
      return event.tenants;
    case "tenantChanged": {
      if (!tenants) return undefined;
      const others = tenants.filter(({ tenantId }) => tenantId !== event.tenant.tenantId);
      return [...others, event.tenant];
    }
    case "tenantRemoved":
      return tenants?.filter(({ tenantId }) => tenantId !== event.tenantId);
    case "tenantSubscribed":
    case "tenantUnsubscribed":
      return tenants;
  }
}
