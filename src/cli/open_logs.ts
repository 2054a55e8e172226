import { readIfPresent } from "../base/durable_file.ts";
import type { Redactor } from "../base/redactor.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { parseIni } from "../config/ini.ts";
import { type OpenedLogging, openLogging } from "../logging/open_logging.ts";

/**
 * Opens the logs of an agent as its `logging.ini` says, if there is one.
 *
 * @param console Takes what goes to the console instead of standard output.
 */
export async function openLogs(
  { logging, paths }: Pick<AgentConfig, "logging" | "paths">,
  redactor: Redactor,
  console?: (bytes: Uint8Array) => Promise<void>,
): Promise<OpenedLogging> {
  const text = logging.file && await readIfPresent(logging.file);
  const ini = text === undefined || text === "" ? undefined : sectionsOf(text);
  return await openLogging({
    logDir: paths.logDir,
    level: logging.level,
    format: logging.format,
    redactor,
    ...(ini ? { ini } : {}),
    ...(console ? { console } : {}),
  });
}

function sectionsOf(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const { sections } = parseIni(text);
  return new Map(
    [...sections].map(([section, entries]) => [
      section,
      new Map([...entries].map(([key, { value }]) => [key, value])),
    ]),
  );
}
