import { renderCheck } from "../config/render_check.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom } from "./load.ts";

/** Resolves and validates the configuration and prints it, secrets masked. Nothing is sent anywhere. */
export async function checkCommand(args: string[]): Promise<number> {
  const loaded = await loadFrom(parseOptions("check", args, configurationOptions));
  console.log(renderCheck(loaded));
  return 0;
}
