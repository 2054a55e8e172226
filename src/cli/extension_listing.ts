import { join } from "node:path";
import { reasonOf } from "../base/errors.ts";
import type { PathsConfig } from "../config/agent_config.ts";
import { closestName } from "../config/closest_name.ts";
import { extensionEvents } from "../config/extension_events.ts";
import { installedListing } from "../extensions/installed_listing.ts";
import { surveyInstalled } from "../extensions/installed_survey.ts";
import { findPythonPlugins, pluginAdvice } from "../extensions/python_plugins.ts";
import { scriptCandidates } from "../extensions/script_names.ts";

/** What runs for which event in this home, and what was meant to and does not, as lines for people. */
export async function extensionListing(
  paths: Pick<PathsConfig, "home" | "extensionsDir">,
): Promise<readonly string[]> {
  const names = new Set(
    extensionEvents.flatMap((event) =>
      scriptCandidates(event).map((path) => path.replace(/^bash\/|\.sh$/g, ""))
    ),
  );
  const lines: string[] = [];
  try {
    const survey = surveyInstalled(paths.extensionsDir, extensionEvents);
    lines.push(...installedListing(survey, (name) => closestName(name, names)));
  } catch (error) {
    lines.push("extensions", `  cannot be listed: ${reasonOf(error)}`);
  }
  return [...lines, ...(await pythonAdvice(paths)).map((line) => `  ${line}`)];
}

/** What becomes of the Python plugins that an earlier agent had in this home. Never rejects. */
export async function pythonAdvice(
  { home }: Pick<PathsConfig, "home">,
): Promise<readonly string[]> {
  try {
    return pluginAdvice(await findPythonPlugins(join(home, "plugins")), extensionEvents);
  } catch (error) {
    return [`Python plugins cannot be looked for: ${reasonOf(error)}`];
  }
}
