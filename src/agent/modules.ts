import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { launcherProbe } from "../cep/cgroup_probe.ts";
import { type HealthReader, type HealthValues, SystemHealthReader } from "../cep/health_reader.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { extensionEvents } from "../config/extension_events.ts";
import { findModules, type ModuleSet } from "../extensions/module_catalogue.ts";
import { ModuleHost } from "../extensions/module_host.ts";
import type { ModuleMetadataPort } from "../extensions/module_metadata.ts";
import { MetadataClient } from "../metadata/metadata_client.ts";

/** Health is read every few seconds: a module must not hold up the agent's own numbers for long. */
const healthLimitMs = 5_000;
const mostFurtherValues = 20;

/**
 * The extension modules that the configuration allows.
 *
 * @throws AgentError `configuration` when `extension.modules.allow` is wrong.
 */
export function modulesOf({ extensions, paths }: AgentConfig): Promise<ModuleSet> {
  return findModules({ config: extensions, paths, events: extensionEvents });
}

/**
 * The modules, ready to be called. Says in the log which run and why others do not.
 *
 * @param random A number in [0, 1), as `Math.random()`.
 * @throws AgentError `configuration` when `extension.modules.allow` is wrong, or when a module uses the
 *   metadata service and its settings are.
 */
export async function openModules(
  config: AgentConfig,
  log: Log,
  clock: Clock,
  random: () => number,
): Promise<ModuleHost> {
  const { modules, problems } = await modulesOf(config);
  for (const { name, asks, abilities } of modules) {
    log.info(`extension module ${name} may run`, { ...asks, abilities });
  }
  for (const problem of problems) log.error(problem);
  const usesMetadata = modules.some(({ abilities }) => abilities.includes("metadata"));
  const metadata = usesMetadata ? metadataOf(config, clock, random) : undefined;
  return new ModuleHost({ modules, log, clock, ...(metadata ? { metadata } : {}) });
}

/** The metadata service as modules may use it, when there is one. */
function metadataOf(
  { metadata, identity, launchParameters }: AgentConfig,
  clock: Clock,
  random: () => number,
): ModuleMetadataPort | undefined {
  const { url, token, tls } = metadata;
  if (url === undefined) return undefined;
  const cartridgeAlias = launchParameters["CARTRIDGE_ALIAS"];
  return new MetadataClient({
    url,
    applicationId: identity.applicationId,
    ...(cartridgeAlias === undefined ? {} : { cartridgeAlias }),
    ...(token ? { token } : {}),
    tls,
    clock,
    random,
  });
}

/** The reader of health values when a module provides one: its numbers over the system's. */
export function healthReaderOf(
  { paths }: AgentConfig,
  modules: ModuleHost,
  log: Log,
  clock: Clock,
): HealthReader | undefined {
  const name = modules.provider("health")?.name;
  if (name === undefined) return undefined;
  const options = { probe: launcherProbe(paths.launcher, clock), log: log.child("cep"), clock };
  return withModule(name, new SystemHealthReader(options), modules, log.child("extensions"));
}

/**
 * Health values of a module over those of the system; when the module fails, of the system alone:
 * without any the platform would declare the member faulty.
 */
export function withModule(
  name: string,
  system: HealthReader,
  modules: Pick<ModuleHost, "call">,
  log: Log,
): HealthReader {
  const call = { message: { kind: "readHealth" }, answer: noAnswer } as const;
  let lastReason: string | undefined;
  return {
    read: async (signal): Promise<HealthValues> => {
      const [own, outcome] = await Promise.all([
        system.read(signal),
        modules.call(name, call, signal, healthLimitMs),
      ]);
      if (outcome.kind === "cancelled") return own;
      if (outcome.kind === "failed") {
        const line = `health of module ${name} is not known: ${outcome.reason}`;
        if (outcome.reason === lastReason) log.debug(line);
        else log.warning(line);
        lastReason = outcome.reason;
        return own;
      }
      lastReason = undefined;
      const { memoryPercent, loadPercent, further } = recordOf(outcome.value);
      const named = Object.entries(recordOf(further)).slice(0, mostFurtherValues)
        .filter(([key, value]) => /^\w{1,64}$/.test(key) && isMeasure(value));
      if (named.length > 0) {
        const text = named.map(([key, value]) => `${key}=${value}`).join(" ");
        log.info(`health of module ${name}: ${text}`, Object.fromEntries(named));
      }
      return {
        ...own,
        ...(isMeasure(memoryPercent) ? { memoryPercent } : {}),
        ...(isMeasure(loadPercent) ? { loadPercent } : {}),
      };
    },
  };
}

function noAnswer(): Promise<never> {
  return Promise.reject(new Error("reading health asks nothing"));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function isMeasure(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
