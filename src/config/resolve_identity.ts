import type { IdentityConfig } from "./agent_config.ts";
import type { Field } from "./field.ts";
import { payloadFields as fields } from "./payload_fields.ts";
import { defined, type SettingReader } from "./reader.ts";

/** The identity section; `undefined` when a part of it is missing or refused. */
export function identityConfig(reader: SettingReader): IdentityConfig | undefined {
  const text = {
    applicationId: reader.required(fields.applicationId),
    serviceName: reader.required(fields.serviceName),
    clusterId: reader.required(fields.clusterId),
    clusterInstanceId: reader.required(fields.clusterInstanceId),
    memberId: reader.required(fields.memberId),
    networkPartitionId: reader.required(fields.networkPartitionId),
    partitionId: reader.required(fields.partitionId),
  };
  const multiTenant = reader.required(fields.multiTenant);
  const tenantId = reader.required(fields.tenantId);
  const optional = defined({
    instanceId: reader.value(fields.instanceId),
    lbClusterId: reader.value(fields.lbClusterId),
  });
  if (!isComplete(text) || multiTenant === undefined || tenantId === undefined) return undefined;
  return { ...text, multiTenant, tenantId, ...optional };
}

function isComplete<K extends string>(
  members: Record<K, string | undefined>,
): members is Record<K, string> {
  return Object.values(members).every((value) => value !== undefined);
}

/** Both spellings of a launch parameter that the platform misspells. */
const groupNames = ["SERIVCE_GROUP", "SERVICE_GROUP"] as const;

/**
 * The launch parameters as extensions get them: as read, and, where another source overrides what
 * the agent itself takes from them, that. A key or token from elsewhere is not added.
 */
export function launchParameters(reader: SettingReader): Readonly<Record<string, string>> {
  const parameters = new Map(reader.sources.launchParams?.content.parameters);
  for (const field of Object.values<Field>(fields)) {
    const candidate = field.secret ? undefined : reader.strongest(field);
    if (typeof candidate?.text === "string") parameters.set(field.key, candidate.text);
  }
  for (const [name, other] of [groupNames, groupNames.toReversed()]) {
    const value = parameters.get(name ?? "");
    if (value !== undefined && other && !parameters.has(other)) parameters.set(other, value);
  }
  return Object.fromEntries(parameters);
}
