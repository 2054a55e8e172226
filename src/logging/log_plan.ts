import type { LogLevel } from "../base/log.ts";
import { findLevel } from "./levels.ts";
import { templateFormat } from "./line_format.ts";
import { PlanReader } from "./plan_reader.ts";
import type { TimedRotation } from "./timed_rotation.ts";

/** The sections of an INI file, keys in lower case; absent when there is no `logging.ini`. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What is written where. */
export interface LogPlan {
  /** The root, whose name is empty, comes first; each name occurs once. */
  readonly loggers: readonly LoggerPlan[];
}

/** What becomes of the records of one part of the agent and of the parts below it. */
export interface LoggerPlan {
  /** Dotted name, `broker` or `broker.outbox`; empty for the root. */
  readonly name: string;
  /** Records below it go nowhere; absent: the level of the next logger above that has one. */
  readonly level?: LogLevel;
  readonly handlers: readonly HandlerPlan[];
  /** Whether the handlers of the loggers above get the records too. */
  readonly propagate: boolean;
}

/** One place that lines go to. */
export type HandlerPlan = ConsoleHandlerPlan | FileHandlerPlan;

/** Standard output or standard error. */
export interface ConsoleHandlerPlan {
  readonly kind: "console";
  readonly stream: "stdout" | "stderr";
  readonly level: LogLevel;
  readonly format: string;
  /** How times are written, in the notation of `strftime`; absent: as Python does by default. */
  readonly timeFormat?: string;
}

/** A file in the log directory. */
export interface FileHandlerPlan {
  readonly kind: "file";
  readonly level: LogLevel;
  readonly format: string;
  /** As at {@link ConsoleHandlerPlan}. */
  readonly timeFormat?: string;
  /** A plain file name. */
  readonly file: string;
  /** What an earlier agent wrote is moved aside at the start. */
  readonly startsAnew?: boolean;
  /** Size at which it is rotated, if the plan says so. */
  readonly maxBytes?: number;
  /** How many rotated files are kept, if the plan says so. */
  readonly backups?: number;
  /** When it is rotated beside that. */
  readonly timed?: TimedRotation;
}

/** A {@link LogPlan} and what was not understood on the way. */
export interface PlannedLogs {
  readonly plan: LogPlan;
  /** One sentence each, naming section and key. */
  readonly warnings: readonly string[];
}

/**
 * Reads what `logging.ini` says about loggers, levels, handlers, files and formats, in the notation of
 * Python's `logging.config.fileConfig`. Never fails: what is not understood is a warning, and a default
 * takes its place. Without a file the plan is that of the original's template at the given level.
 *
 * @param level LOG_LEVEL, which the token of that name stands for.
 */
export function planLogs(ini: IniSections | undefined, level: string): PlannedLogs {
  const warnings: string[] = [];
  const tokenLevel = findLevel(level);
  if (tokenLevel === undefined) warnings.push(`LOG_LEVEL is "${level}", no level; INFO is used`);
  const usual = usualPlan(tokenLevel ?? "info");
  if (ini === undefined) return { plan: usual, warnings };
  const reader = new PlanReader(ini, tokenLevel ?? "info", warnings);
  return { plan: reader.plan(usual), warnings };
}

function usualPlan(level: LogLevel): LogPlan {
  const format = templateFormat;
  const handlers: readonly HandlerPlan[] = [
    { kind: "console", stream: "stdout", level, format },
    { kind: "file", level, format, file: "agent.log" },
    { kind: "file", level: "error", format, file: "error.log" },
  ];
  return { loggers: [{ name: "", level, handlers, propagate: false }] };
}
