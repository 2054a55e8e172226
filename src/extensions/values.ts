import { withoutUserInfo } from "../base/url_user_info.ts";
import type { ExtensionsConfig, HostPort } from "../config/agent_config.ts";
import type { ExtensionFacts } from "./request.ts";

/** Everything that the values of a run are made of. */
export interface ValueSources {
  readonly event: string;
  /** Values of this event alone, names without `STRATOS_`. */
  readonly eventValues: Readonly<Record<string, string>>;
  readonly facts: ExtensionFacts;
  readonly launchParameters: Readonly<Record<string, string>>;
  /** The file they were read from. */
  readonly launchParamsFile?: string | undefined;
  readonly config: Pick<
    ExtensionsConfig,
    "applicationPath" | "persistenceMapping" | "lbPrivateIp" | "lbPublicIp"
  >;
  /** The broker in use now. */
  readonly broker?: HostPort | undefined;
}

/** What a run is told, by environment name (`STRATOS_…`). */
export interface ExtensionValues {
  readonly texts: ReadonlyMap<string, string>;
  /** Values to be written as JSON. */
  readonly documents: ReadonlyMap<string, unknown>;
  /** Arguments of the script, for the events that have some. */
  readonly args: readonly string[];
}

/** Longer names are nobody's; the bound keeps a hostile property from filling the environment. */
const maxNameLength = 200;

/** Events whose values are arguments of the script as well. */
const argumentNames: ReadonlyMap<string, readonly string[]> = new Map([
  ["VolumeMount", ["VALUE1"]],
  ["CopyArtifacts", ["SOURCE", "DEST"]],
]);

/**
 * The values of a run.
 *
 * On a clash, from weak to strong: what the agent knows, what the event says, launch parameters,
 * EVENT. A shell can only read names of letters, digits and `_`, and some shells drop all others:
 * any other character becomes `_`, and a name that needs no such change goes before one that does.
 */
export function buildValues(sources: ValueSources): ExtensionValues {
  const { config, facts, launchParameters, broker } = sources;
  const applicationPath = launchParameters["APPLICATION_PATH"] ?? config.applicationPath;
  const texts = new Map<string, string>();
  setAll(texts, {
    MB_IP: broker?.host,
    MB_PORT: broker?.port.toString(),
    APPLICATION_PATH: applicationPath,
    APP_PATH: applicationPath,
    PARAM_FILE_PATH: sources.launchParamsFile,
    PERSISTENCE_MAPPINGS: config.persistenceMapping,
    LB_IP: facts.lbPrivateIp ?? config.lbPrivateIp,
    LB_PUBLIC_IP: facts.lbPublicIp ?? config.lbPublicIp,
    ...(sources.event === "VolumeMount" ? { VALUE1: config.persistenceMapping } : {}),
  });
  setAll(texts, facts.serviceProperties, "SERVICE_PROPERTY_");
  setAll(texts, facts.clusterProperties, "CLUSTER_PROPERTY_");
  setAll(texts, facts.memberProperties, "MEMBER_PROPERTY_");
  setAll(texts, sources.eventValues);
  setAll(texts, launchParameters);
  // Only says that there will be a repository; its credentials are nobody's business.
  const repoUrl = launchParameters["REPO_URL"];
  if (repoUrl !== undefined) texts.set("STRATOS_REPO_URL", textOf(withoutUserInfo(repoUrl)));
  texts.set("STRATOS_EVENT", textOf(sources.event));

  const documents = new Map<string, unknown>(
    Object.entries({
      STRATOS_TOPOLOGY_JSON: facts.topology,
      STRATOS_MEMBER_LIST_JSON: facts.members,
      STRATOS_TENANT_LIST_JSON: facts.tenants,
    }).filter(([name, document]) => document !== undefined && !texts.has(name)),
  );
  const args = (argumentNames.get(sources.event) ?? [])
    .map((name) => texts.get(`STRATOS_${name}`) ?? "");
  return { texts, documents, args };
}

/** Adds a layer over what is there; inside the layer exact names go before changed ones. */
function setAll(
  texts: Map<string, string>,
  layer: Readonly<Record<string, string | undefined>>,
  prefix = "",
): void {
  const changed = new Map<string, string>();
  const exact = new Set<string>();
  for (const [key, value] of Object.entries(layer)) {
    if (value === undefined || key === "" || key.length > maxNameLength) continue;
    const name = `STRATOS_${prefix}${key.replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
    if (name === `STRATOS_${prefix}${key}`) {
      texts.set(name, textOf(value));
      exact.add(name);
    } else if (!changed.has(name)) {
      changed.set(name, textOf(value));
    }
  }
  for (const [name, value] of changed) {
    if (!exact.has(name)) texts.set(name, value);
  }
}

/** A value as an environment can hold it: no NUL, valid UTF-8. */
function textOf(value: string): string {
  return value.replaceAll("\0", "").toWellFormed();
}
