import type { LogLevel } from "../base/log.ts";

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 10,
  info: 20,
  warning: 30,
  error: 40,
  critical: 50,
};

/** Names of `logging.ini`; NOTSET lets everything through. */
const names: Readonly<Record<string, LogLevel>> = {
  NOTSET: "debug",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warning",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "critical",
  FATAL: "critical",
};

/** The level of a name, any case; undefined for what is none. */
export function findLevel(name: string): LogLevel | undefined {
  const upper = name.trim().toUpperCase();
  return Object.hasOwn(names, upper) ? names[upper] : undefined;
}

/** Whether a record of this level passes a threshold. */
export function passes(level: LogLevel, threshold: LogLevel): boolean {
  return ranks[level] >= ranks[threshold];
}

/** The level as lines spell it: `WARNING`. */
export function spelled(level: LogLevel): string {
  return level.toUpperCase();
}
