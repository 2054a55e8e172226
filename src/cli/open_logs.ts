import { readIfPresent } from "../base/durable_file.ts";
import type { Redactor } from "../base/redactor.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import { parseIni } from "../config/ini.ts";
import { type LoggingOptions, type OpenedLogging, openLogging } from "../logging/open_logging.ts";

type Logged = Pick<AgentConfig, "logging" | "paths">;

/**
 * Opens the logs of an agent as its `logging.ini` says, if there is one.
 *
 * @param console Takes what goes to the console instead of standard output.
 */
export async function openLogs(
  config: Logged,
  redactor: Redactor,
  console?: (bytes: Uint8Array) => Promise<void>,
): Promise<OpenedLogging> {
  const open = await readyLogs(config, redactor, console ? { console } : {});
  return await open();
}

/**
 * Reads what says how the logs are opened, and gives what opens them, which then cannot fail.
 *
 * @throws What Deno throws when a `logging.ini` that is there cannot be read.
 */
export async function readyLogs(
  { logging, paths }: Logged,
  redactor: Redactor,
  further: Pick<LoggingOptions, "console" | "continues"> = {},
): Promise<() => Promise<OpenedLogging>> {
  const text = logging.file && await readIfPresent(logging.file);
  const ini = text === undefined || text === "" ? undefined : sectionsOf(text);
  return () =>
    openLogging({
      logDir: paths.logDir,
      level: logging.level,
      format: logging.format,
      redactor,
      ...(ini ? { ini } : {}),
      ...further,
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
