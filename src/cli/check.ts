import { renderCheck } from "../config/render_check.ts";
import { requireLauncher } from "../agent/launcher_file.ts";
import { modulesOf } from "../agent/modules.ts";
import { isOwnLauncher } from "../agent/new_home.ts";
import type { PathsConfig } from "../config/agent_config.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { extensionListing } from "./extension_listing.ts";
import { loadFrom } from "./load.ts";
import { hardeningConflicts } from "./unit_hardening.ts";

/**
 * Resolves and validates the configuration and prints it, secrets masked, and which extensions run for
 * which event. Nothing is sent anywhere.
 */
export async function checkCommand(args: string[]): Promise<number> {
  const options = parseOptions("check", args, {
    ...configurationOptions,
    hardened: { type: "boolean" },
  });
  const loaded = await loadFrom(options);
  await requireLauncher(loaded.config.paths.launcher);
  const { problems } = await modulesOf(loaded.config);
  const warnings = [
    ...loaded.warnings,
    ...problems,
    ...await launcherWarning(loaded.config.paths),
    ...options.values.hardened === true ? hardeningConflicts(loaded.config) : [],
  ];
  console.log(renderCheck({ ...loaded, warnings }));
  for (const line of await extensionListing(loaded.config.paths)) console.log(line);
  return 0;
}

/** A launcher that an earlier version of the agent left knows less than this one asks of it. */
async function launcherWarning(
  { home, launcher }: Pick<PathsConfig, "home" | "launcher">,
): Promise<readonly string[]> {
  if (await isOwnLauncher(launcher) !== false) return [];
  return [
    `${launcher} is not the launcher of this version: "init --launcher ${home}" replaces it`,
  ];
}
