import { type Clock, systemClock } from "../base/clock.ts";
import { type Log, type LogRecord, makeLog } from "../base/log.ts";
import type { Redactor } from "../base/redactor.ts";
import { passes } from "./levels.ts";
import type { LineFormat, PlainRecord } from "./line_format.ts";
import { type IniSections, type LogPlan, planLogs } from "./log_plan.ts";
import { isBelow, reachOf } from "./logger_tree.ts";
import type { Rotation } from "./logtape_sinks.ts";
import { plainFacts } from "./plain_facts.ts";
import { makeRoutes, type Route, type Routes } from "./routes.ts";
import { redactedText } from "./visible_text.ts";

/** What the logs of one agent are made of. */
export interface LoggingOptions {
  /** Absolute path; made when it is missing. */
  readonly logDir: string;
  /** LOG_LEVEL. */
  readonly level: string;
  readonly format: "text" | "json";
  /** The sections of `logging.ini`, keys in lower case; absent when there is none. */
  readonly ini?: IniSections;
  /** Applied to every message and fact before it goes anywhere. */
  readonly redactor: Redactor;
  /** Writes all bytes to the console. Default: standard output. */
  readonly console?: (bytes: Uint8Array) => Promise<void>;
  /** Writes all bytes to what `sys.stderr` names. Default: standard error. */
  readonly errorConsole?: (bytes: Uint8Array) => Promise<void>;
  readonly clock?: Clock;
  /** The same agent had them open before: no file is begun anew. */
  readonly continues?: boolean;
  /** Bounds of files that `logging.ini` sets none for. Default: 10 MiB, 5 earlier files. */
  readonly rotation?: Rotation;
  /** How long closing may take, in milliseconds; then what is not written is given up. Default: 1 s. */
  readonly closeLimitMs?: number;
}

/** Open logs; disposing writes what is waiting and closes the files. */
export interface OpenedLogging extends AsyncDisposable {
  /** The root; parts take a child of it. */
  readonly log: Log;
  /** What was not understood in `logging.ini`; each is in the log already. */
  readonly warnings: readonly string[];
}

/** Logs of this name and below hold the output of extensions. */
const outputName = "extensions.output";
const defaultRotation: Rotation = { maxBytes: 10 * 1024 * 1024, backups: 5 };
const defaultCloseLimitMs = 1_000;

/**
 * Opens the agent's logs: console, `agent.log`, `error.log` as `logging.ini` (or its template) says,
 * and `cartridge-agent-extensions.log` for the output of extensions, which otherwise goes to the
 * console only: a talkative script must not push the agent's own lines out of its files.
 *
 * Never fails: a directory that cannot be written costs the files, one warning, and the console goes
 * on; writing is tried again from time to time. Two open logs share nothing but the files of a common
 * directory, which two agents should not have.
 */
export async function openLogging(options: LoggingOptions): Promise<OpenedLogging> {
  const { plan, warnings } = planLogs(options.ini, options.level);
  const clock = options.clock ?? systemClock;
  const redact = (text: string) => options.redactor.redact(text);
  // They write warnings of their own to this log.
  const late: { routes?: Routes } = {};
  const log = makeLog((record) => {
    const isOutput = isBelow(record.name, outputName);
    const takers = late.routes ? takersOf(record, isOutput, plan, late.routes) : [];
    if (takers.length === 0) return;
    // What ends a program mostly comes after an error, so errors do not wait to be written.
    send(plainRecord(record, redact, clock), takers, passes(record.level, "error") && !isOutput);
  }, "");
  const made = makeRoutes(plan, {
    logDir: options.logDir,
    format: options.format,
    clock,
    streams: {
      stdout: options.console ?? writeTo(Deno.stdout),
      stderr: options.errorConsole ?? writeTo(Deno.stderr),
    },
    rotation: options.rotation ?? defaultRotation,
    continues: options.continues ?? false,
    log: log.child("logging"),
  });
  late.routes = made;
  await makeDirectory(options.logDir);
  for (const writer of made.files) writer.open();
  for (const warning of warnings) log.child("logging").warning(warning);
  return {
    log,
    warnings,
    [Symbol.asyncDispose]: async () => {
      const limitMs = options.closeLimitMs ?? defaultCloseLimitMs;
      const files = Promise.all(made.files.map((writer) => writer.close(limitMs)));
      // The console to the end: it tells of trouble with the files.
      const consoles = made.consoles.map((writer) => writer.close(limitMs, files));
      await Promise.all([files, ...consoles]);
    },
  };
}

/** Where a record goes: what its loggers say, and for the output of extensions the file of its own. */
function takersOf(
  { name, level }: LogRecord,
  isOutput: boolean,
  plan: LogPlan,
  routes: Routes,
): readonly Route[] {
  const reach = reachOf(plan, name);
  if (!passes(level, reach.level)) return [];
  const planned = reach.handlers
    // A talkative script must not push the agent's own lines out of its files.
    .filter(({ handler, logger }) =>
      !isOutput || handler.kind === "console" || isBelow(logger, outputName)
    )
    .flatMap(({ handler }) => routes.of.get(handler) ?? []);
  const further = [isOutput ? routes.output : undefined, routes.standIn()];
  return [...planned, ...further].filter((route) => route !== undefined)
    .filter((route) => passes(level, route.level));
}

function plainRecord(
  { level, name, message, facts }: LogRecord,
  redact: (text: string) => string,
  clock: Clock,
): PlainRecord {
  return {
    level,
    name: name === "" ? "agent" : redactedText(name, redact),
    message: redactedText(message, redact),
    facts: plainFacts(facts, redact),
    timeMs: clock.now(),
  };
}

function send(record: PlainRecord, routes: readonly Route[], urgent: boolean): void {
  const lines = new Map<LineFormat, string>();
  for (const { format, writer } of routes) {
    const line = lines.get(format) ?? format(record);
    lines.set(format, line);
    writer.write(line, urgent);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o750 });
  } catch {
    // Shows, with its reason, when the files are opened.
  }
}

function writeTo(stream: typeof Deno.stdout): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => {
    for (let written = 0; written < bytes.length;) {
      written += await stream.write(bytes.subarray(written));
    }
  };
}
