import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { TenantRepository } from "./artifact_event.ts";
import type { PortMapping } from "./member.ts";
import type { NewMember } from "./member_registry.ts";
import type { BrokerAddress } from "./platform_client.ts";
import type { PlatformEntry } from "./platform_entry.ts";
import type { PlatformTenant, ServiceFacts } from "./platform_events.ts";

/** How a platform is made up. */
export interface PlatformOptions {
  readonly broker: BrokerAddress;
  /** The own member: the one whose agent is looked at. */
  readonly member: NewMember;
  /** Whether the own member is there from the start. Default `true`. */
  readonly memberExists?: boolean;
  /** Further members of the same cluster; their agents, if any, are judged too. */
  readonly otherMembers?: readonly NewMember[];
  /** Default `false`. */
  readonly multiTenant?: boolean;
  /** Default: port 8080 behind 80. */
  readonly portMappings?: readonly PortMapping[];
  readonly serviceProperties?: Readonly<Record<string, string>>;
  readonly clusterProperties?: Readonly<Record<string, string>>;
  /** Whole services as the platform writes them, by name, e.g. a load balancer's. */
  readonly otherServices?: Readonly<Record<string, unknown>>;
  /** Default: the super tenant alone. */
  readonly tenants?: readonly PlatformTenant[];
  /** One ArtifactUpdatedEvent each per accepted InstanceStartedEvent. Default none. */
  readonly repositories?: readonly TenantRepository[];
  /** Encrypts the passwords of repositories. */
  readonly cartridgeKey?: Secret;
  /** `false`: as 4.1.0 to 4.1.4, which never answered. Default `true`. */
  readonly answersRequests?: boolean;
  /** Complete topology and tenants are also published this often, in milliseconds. Default never. */
  readonly completeIntervalMs?: number;
  /** The member clean-up is repeated this often until ReadyToShutdown, in milliseconds. */
  readonly cleanupRepeatMs?: number;
  /** Told of every entry of the journal as it is made; must not throw. */
  readonly onEntry?: (entry: PlatformEntry) => void;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Keep it to take the session of an earlier platform over. Default: a new one. */
  readonly clientId?: string;
}

/** What all members of the platform have in common, defaults filled in. */
export function serviceFactsOf(options: PlatformOptions): ServiceFacts {
  const { multiTenant, portMappings, serviceProperties, clusterProperties, otherServices } =
    options;
  return {
    multiTenant: multiTenant ?? false,
    portMappings: portMappings ?? [{ protocol: "http", port: 8080, proxyPort: 80 }],
    serviceProperties: serviceProperties ?? {},
    ...(clusterProperties ? { clusterProperties } : {}),
    otherServices: otherServices ?? {},
  };
}
