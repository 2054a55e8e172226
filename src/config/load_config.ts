import { fileURLToPath } from "node:url";
import { AgentError, cannot } from "../base/errors.ts";
import { agentFields } from "./agent_fields.ts";
import type { AgentConfig } from "./agent_config.ts";
import { type CheckRow, checkRows } from "./check_rows.ts";
import { defaultLogDirectory } from "./log_directory.ts";
import { lookUp } from "./lookup.ts";
import { problemText } from "./reader.ts";
import { type Resolution, resolve } from "./resolve.ts";
import { gatherSources, type SourceOptions, type Sources } from "./sources.ts";

/** A configuration that the agent can start with. */
export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: AgentConfig;
  /** What works, but hardly as it was meant; one line each, without secrets. */
  readonly warnings: readonly string[];
  /** What was passed over on purpose; one line each, without secrets. */
  readonly debug: readonly string[];
  /** Files that were looked for, present or not: what reading them has to be granted. */
  readonly filesLookedFor: readonly string[];
  /** Every setting with its value, secrets masked, and where it is from. */
  describe(): readonly CheckRow[];
}

/**
 * Reads and resolves the configuration of a home.
 *
 * @throws AgentError `configuration`, naming every problem on a line of its own, then the warnings.
 */
export async function loadConfig(options: SourceOptions): Promise<LoadedConfig> {
  const sources = await gatherSources(options);
  const resolution = resolve(sources, await logDirectory(sources), programFiles());
  const { config, warnings, debug } = resolution;
  if (!config) throw refusal(sources.home, resolution);
  return {
    config,
    warnings,
    debug,
    filesLookedFor: sources.filesLookedFor,
    describe: () => checkRows(config, sources, resolution.computed),
  };
}

/** What the program consists of, beside what may be the home's. */
function programFiles(): readonly string[] {
  const names = ["deno.json", "deno.lock", "main.ts", "node_modules", "scripts", "src"];
  return names.map((name) => fileURLToPath(new URL(`../../${name}`, import.meta.url)));
}

/** Asks the file system only when nobody says where logs go. */
async function logDirectory(sources: Sources): Promise<string> {
  const isSet = lookUp(agentFields.logDir, sources).candidates.length > 0;
  return isSet ? "" : await defaultLogDirectory(sources.home);
}

function refusal(home: string, { problems, fileProblems, warnings }: Resolution): AgentError {
  const lines = [...fileProblems, ...problems.map(problemText)];
  const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
  const said = [...lines, ...warnings.length === 0 ? [] : ["Warnings:", ...warnings]];
  return cannot("use the configuration of", home, `${count}:\n${said.join("\n")}`, {
    kind: lines.length === 0 ? "internal" : "configuration",
    data: { problems: lines, warnings },
  });
}
