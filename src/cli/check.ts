import { renderCheck } from "../config/render_check.ts";
import { requireLauncher } from "../agent/launcher_file.ts";
import { modulesOf } from "../agent/modules.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { extensionListing } from "./extension_listing.ts";
import { loadFrom } from "./load.ts";

/**
 * Resolves and validates the configuration and prints it, secrets masked, and which extensions run for
 * which event. Nothing is sent anywhere.
 */
export async function checkCommand(args: string[]): Promise<number> {
  const loaded = await loadFrom(parseOptions("check", args, configurationOptions));
  await requireLauncher(loaded.config.paths.launcher);
  const { problems } = await modulesOf(loaded.config);
  console.log(renderCheck({ ...loaded, warnings: [...loaded.warnings, ...problems] }));
  for (const line of await extensionListing(loaded.config.paths)) console.log(line);
  return 0;
}
