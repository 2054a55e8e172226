/** Severity, ascending; the names of the original's `logging.ini`. */
export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

/** Facts beside a message, JSON-serialisable. */
export type LogFacts = Readonly<Record<string, unknown>>;

/**
 * Where a part of the agent writes what it does. A port: rooms get a `Log`, never a global.
 *
 * Messages are plain text for people; what machines want goes into `facts`. Secrets are taken out by
 * the adapter, yet nobody puts one in.
 */
export interface Log {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warning(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** A log for a part of this part; its name is joined with a dot. */
  child(name: string): Log;
}

/** Writes one record; what {@link makeLog} needs from an adapter. */
export type WriteLog = (record: LogRecord) => void;

/** One line of a log. */
export interface LogRecord {
  readonly level: LogLevel;
  /** Dotted name of the part, e.g. `broker.outbox`. */
  readonly name: string;
  readonly message: string;
  readonly facts: LogFacts;
}

/** A {@link Log} over a function that writes records. */
export function makeLog(write: WriteLog, name: string): Log {
  const at = (level: LogLevel) => (message: string, facts: LogFacts = {}) =>
    write({ level, name, message, facts });
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    child: (part) => makeLog(write, name === "" ? part : `${name}.${part}`),
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = makeLog(() => {}, "");
