import type { LogLevel } from "../base/log.ts";
import { handlerArguments } from "./handler_arguments.ts";
import { findLevel } from "./levels.ts";
import { templateFormat } from "./line_format.ts";

/** The sections of an INI file, keys in lower case; absent when there is no `logging.ini`. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What is written where. */
export interface LogPlan {
  /** Records below it go nowhere. */
  readonly level: LogLevel;
  readonly handlers: readonly HandlerPlan[];
}

/** One place that lines go to. */
export type HandlerPlan =
  | { readonly kind: "console"; readonly level: LogLevel; readonly format: string }
  | FileHandlerPlan;

/** A file in the log directory. */
export interface FileHandlerPlan {
  readonly kind: "file";
  readonly level: LogLevel;
  readonly format: string;
  /** A plain file name. */
  readonly file: string;
  /** Size at which it is rotated, if the plan says so. */
  readonly maxBytes?: number;
  /** How many rotated files are kept, if the plan says so. */
  readonly backups?: number;
}

/** A {@link LogPlan} and what was not understood on the way. */
export interface PlannedLogs {
  readonly plan: LogPlan;
  /** One sentence each, naming section and key. */
  readonly warnings: readonly string[];
}

/** The value that stands for the environment's LOG_LEVEL. */
const levelToken = "LOG_LEVEL";
const maxBackups = 100;

/**
 * Reads what `logging.ini` says about levels, handlers, files and formats, in the notation of Python's
 * `logging.config.fileConfig`. Never fails: what is not understood is a warning, and a default takes
 * its place. Without a file the plan is that of the original's template at the given level.
 *
 * @param level LOG_LEVEL, which the token of that name stands for.
 */
export function planLogs(ini: IniSections | undefined, level: string): PlannedLogs {
  const warnings: string[] = [];
  const tokenLevel = findLevel(level);
  if (tokenLevel === undefined) warnings.push(`LOG_LEVEL is "${level}", no level; INFO is used`);
  const reader = new Reader(ini ?? new Map(), tokenLevel ?? "info", warnings);
  const plan = ini === undefined ? defaultPlan(tokenLevel ?? "info") : reader.plan();
  return { plan, warnings };
}

function defaultPlan(level: LogLevel): LogPlan {
  const format = templateFormat;
  return {
    level,
    handlers: [
      { kind: "console", level, format },
      { kind: "file", level, format, file: "agent.log" },
      { kind: "file", level: "error", format, file: "error.log" },
    ],
  };
}

class Reader {
  readonly #ini: IniSections;
  readonly #tokenLevel: LogLevel;
  readonly #warnings: string[];

  constructor(ini: IniSections, tokenLevel: LogLevel, warnings: string[]) {
    this.#ini = ini;
    this.#tokenLevel = tokenLevel;
    this.#warnings = warnings;
  }

  plan(): LogPlan {
    const root = this.#section("logger_root");
    if (root === undefined) {
      this.#warn("logger_root", undefined, "is missing; the usual logs are written");
      return defaultPlan(this.#tokenLevel);
    }
    for (
      const name of list(this.#ini.get("loggers")?.get("keys")).filter((key) => key !== "root")
    ) {
      this.#warn(`logger_${name}`, undefined, "is not read; its records go where the root's go");
    }
    const handlers = list(root.get("handlers")).flatMap((name) => this.#handler(name) ?? []);
    if (handlers.length === 0) {
      this.#warn("logger_root", "handlers", "names no handler that can be used; the usual are");
    }
    return {
      level: this.#level("logger_root", root, this.#tokenLevel),
      handlers: handlers.length > 0 ? handlers : defaultPlan(this.#tokenLevel).handlers,
    };
  }

  #handler(name: string): HandlerPlan | undefined {
    const section = `handler_${name}`;
    const keys = this.#section(section);
    if (keys === undefined) {
      this.#warn(section, undefined, `is missing, but [logger_root] handlers names "${name}"`);
      return undefined;
    }
    // As in Python: a handler without a level takes everything that the root lets through.
    const level = this.#level(section, keys, "debug");
    const format = this.#format(section, keys);
    switch (keys.get("class")?.trim().replace(/^logging\./, "")) {
      case "StreamHandler":
        if (/\bstderr\b/.test(keys.get("args") ?? "")) {
          this.#warn(section, "args", "names sys.stderr; the console is standard output here");
        }
        return { kind: "console", level, format };
      case "FileHandler":
        return { kind: "file", level, format, file: this.#file(section, keys) };
      case "handlers.RotatingFileHandler":
        return { kind: "file", level, format, ...this.#rotation(section, keys) };
      case "handlers.TimedRotatingFileHandler":
        this.#warn(section, "class", "rotates by time; the file is rotated by size instead");
        return { kind: "file", level, format, file: this.#file(section, keys) };
      default:
        this.#warn(section, "class", `is "${keys.get("class") ?? ""}", which is not known here`);
        return undefined;
    }
  }

  #file(section: string, keys: ReadonlyMap<string, string>): string {
    const given = handlerArguments(keys.get("args") ?? "")?.[0];
    const name = typeof given === "string" ? given.split("/").at(-1) : undefined;
    if (name === undefined || name === "" || name === "." || name === "..") {
      this.#warn(
        section,
        "args",
        'names no file in the form ("agent.log", "a"); agent.log is used',
      );
      return "agent.log";
    }
    if (name !== given) {
      this.#warn(
        section,
        "args",
        `names another directory; "${name}" in the log directory is used`,
      );
    }
    return name;
  }

  #rotation(section: string, keys: ReadonlyMap<string, string>) {
    const [, , maxBytes, backups] = handlerArguments(keys.get("args") ?? "") ?? [];
    return {
      file: this.#file(section, keys),
      // 0 is Python's way to say "never", which would grow without bound.
      ...typeof maxBytes === "number" && maxBytes > 0 ? { maxBytes } : {},
      ...typeof backups === "number" && backups > 0
        ? { backups: Math.min(backups, maxBackups) }
        : {},
    };
  }

  #level(section: string, keys: ReadonlyMap<string, string>, absent: LogLevel): LogLevel {
    const given = keys.get("level")?.trim() ?? "";
    if (given === "") return absent;
    if (given === levelToken) return this.#tokenLevel;
    const level = findLevel(given);
    if (level === undefined) this.#warn(section, "level", `is "${given}", no level; INFO is used`);
    return level ?? "info";
  }

  #format(section: string, keys: ReadonlyMap<string, string>): string {
    const name = keys.get("formatter")?.trim() ?? "";
    if (name === "") return templateFormat;
    const formatter = this.#section(`formatter_${name}`);
    if (formatter === undefined) {
      this.#warn(section, "formatter", `names "${name}", which has no section`);
      return templateFormat;
    }
    if (formatter.has("datefmt") && formatter.get("datefmt") !== "") {
      this.#warn(`formatter_${name}`, "datefmt", "is not read; times are written as by default");
    }
    return formatter.get("format") ?? templateFormat;
  }

  #section(name: string): ReadonlyMap<string, string> | undefined {
    return this.#ini.get(name);
  }

  #warn(section: string, key: string | undefined, problem: string): void {
    const where = `logging.ini: [${section}]${key === undefined ? "" : ` ${key}`}`;
    const warning = `${where} ${problem}`;
    if (!this.#warnings.includes(warning)) this.#warnings.push(warning);
  }
}

function list(value: string | undefined): string[] {
  return (value ?? "").split(",").map((item) => item.trim()).filter((item) => item !== "");
}
