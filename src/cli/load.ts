import { fileURLToPath } from "node:url";
import { loadConfig, type LoadedConfig } from "../config/load_config.ts";
import { environmentNames } from "../config/fields.ts";
import { readProcessEnvironment } from "../config/sources.ts";
import { type RuntimeScope, runtimeScope } from "../scope/runtime_scope.ts";
import { modulesOf } from "../agent/modules.ts";
import { type ParsedOptions, parseSettings } from "./arguments.ts";

/**
 * Loads the configuration that the options `--home` and `--set` name.
 *
 * @throws AgentError of kind `usage` or `configuration`, the latter with all problems at once.
 */
export async function loadFrom({ values }: ParsedOptions): Promise<LoadedConfig> {
  return await loadConfig({
    home: typeof values.home === "string" ? values.home : undefined,
    set: parseSettings(values.set),
    cwd: Deno.cwd(),
    readEnv: readProcessEnvironment,
  });
}

/**
 * The permissions that the agent needs with this configuration, those of its extension modules too.
 *
 * @throws AgentError of kind `configuration`.
 */
export async function scopeOf({ config, filesLookedFor }: LoadedConfig): Promise<RuntimeScope> {
  const { modules, grants } = await modulesOf(config);
  return runtimeScope(config, {
    modules: {
      ...grants,
      isUsed: modules.length > 0,
      checksOut: modules.some(({ provides }) => provides.includes("artifactCheckout")),
    },
    environmentNames,
    filesLookedFor,
    programDir: fileURLToPath(new URL("../", import.meta.url)),
  });
}
