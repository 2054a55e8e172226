import type { LogLevel } from "../base/log.ts";
import { type FileArguments, sizedFile, timedFile, wantedFile } from "./file_arguments.ts";
import { handlerArguments } from "./handler_arguments.ts";
import { findLevel } from "./levels.ts";
import { templateFormat } from "./line_format.ts";
import type { HandlerPlan, IniSections, LoggerPlan, LogPlan } from "./log_plan.ts";

type Keys = ReadonlyMap<string, string>;

/** The value that stands for the environment's LOG_LEVEL. */
const levelToken = "LOG_LEVEL";
const knownKeys: readonly (readonly [RegExp, readonly string[]])[] = [
  // "formatter" in a logger means nothing; the original's template has it.
  [/^logger_/, ["level", "handlers", "propagate", "qualname", "formatter"]],
  [/^handler_/, ["class", "level", "formatter", "args"]],
  [/^formatter_/, ["format", "datefmt", "class"]],
];

/** Makes a plan of the sections of a `logging.ini`; whatever is not understood becomes a warning. */
export class PlanReader {
  readonly #ini: IniSections;
  readonly #tokenLevel: LogLevel;
  readonly #warnings: string[];
  readonly #handlers = new Map<string, HandlerPlan | undefined>();

  /** @param warnings Gets one sentence for each thing, naming section and key. */
  constructor(ini: IniSections, tokenLevel: LogLevel, warnings: string[]) {
    this.#ini = ini;
    this.#tokenLevel = tokenLevel;
    this.#warnings = warnings;
  }

  /** @param usual Stands in for what is missing. */
  plan(usual: LogPlan): LogPlan {
    const [usualRoot] = usual.loggers;
    const root = this.#section("logger_root");
    if (root === undefined || usualRoot === undefined) {
      this.#warn("logger_root", undefined, "is missing; the usual logs are written");
      return usual;
    }
    const handlers = this.#handlersOf(root);
    if (handlers.length === 0) {
      this.#warn("logger_root", "handlers", "names no handler that can be used; the usual are");
    }
    const loggers = new Map<string, LoggerPlan>([["", {
      name: "",
      level: this.#level("logger_root", root) ?? this.#tokenLevel,
      handlers: handlers.length > 0 ? handlers : usualRoot.handlers,
      propagate: false,
    }]]);
    for (const key of list(this.#ini.get("loggers")?.get("keys"))) {
      if (key === "root") continue;
      const logger = this.#logger(`logger_${key}`);
      if (logger === undefined) continue;
      if (loggers.has(logger.name)) {
        this.#warn(
          `logger_${key}`,
          "qualname",
          `is "${logger.name}" once more; the last one counts`,
        );
      }
      loggers.set(logger.name, logger);
    }
    return { loggers: [...loggers.values()] };
  }

  #logger(section: string): LoggerPlan | undefined {
    const keys = this.#section(section);
    if (keys === undefined) {
      this.#warn(section, undefined, "is missing, but [loggers] keys names it");
      return undefined;
    }
    const name = keys.get("qualname")?.trim() ?? "";
    if (name === "") {
      this.#warn(section, "qualname", "is missing; the logger is not used");
      return undefined;
    }
    const level = this.#level(section, keys);
    return {
      name,
      ...level === undefined ? {} : { level },
      handlers: this.#handlersOf(keys),
      propagate: this.#propagate(section, keys),
    };
  }

  #propagate(section: string, keys: Keys): boolean {
    const given = keys.get("propagate")?.trim().toLowerCase() ?? "";
    if (["0", "false", "no", "off"].includes(given)) return false;
    if (!["", "1", "true", "yes", "on"].includes(given)) {
      this.#warn(section, "propagate", `is "${given}", neither 0 nor 1; 1 is used`);
    }
    return true;
  }

  #handlersOf(logger: Keys): readonly HandlerPlan[] {
    const found = list(logger.get("handlers")).flatMap((name) => this.#handler(name) ?? []);
    return [...new Set(found)];
  }

  /** Each handler is one, whoever names it. */
  #handler(name: string): HandlerPlan | undefined {
    if (!this.#handlers.has(name)) this.#handlers.set(name, this.#readHandler(name));
    return this.#handlers.get(name);
  }

  #readHandler(name: string): HandlerPlan | undefined {
    const section = `handler_${name}`;
    const keys = this.#section(section);
    if (keys === undefined) {
      this.#warn(section, undefined, `is missing, but a logger's handlers name "${name}"`);
      return undefined;
    }
    const how = {
      // As in Python: a handler without a level takes everything that the loggers let through.
      level: this.#level(section, keys) ?? "debug",
      ...this.#format(section, keys),
    } as const;
    const text = keys.get("args") ?? "";
    const given = handlerArguments(text) ?? [];
    const warn = (problem: string) => this.#warn(section, "args", problem);
    const file = (read: FileArguments) => ({ kind: "file", ...how, ...read(given, warn) }) as const;
    switch (keys.get("class")?.trim().replace(/^logging\./, "")) {
      case "StreamHandler":
        return { kind: "console", stream: /\bstderr\b/.test(text) ? "stderr" : "stdout", ...how };
      case "FileHandler":
        return file(wantedFile);
      case "handlers.RotatingFileHandler":
        return file(sizedFile);
      case "handlers.TimedRotatingFileHandler":
        return file(timedFile);
      default:
        this.#warn(section, "class", `is "${keys.get("class") ?? ""}", which is not known here`);
        return undefined;
    }
  }

  #level(section: string, keys: Keys): LogLevel | undefined {
    const given = keys.get("level")?.trim() ?? "";
    if (given === "") return undefined;
    if (given === levelToken) return this.#tokenLevel;
    const level = findLevel(given);
    if (level === undefined) this.#warn(section, "level", `is "${given}", no level; INFO is used`);
    return level ?? "info";
  }

  #format(section: string, keys: Keys): { readonly format: string; readonly timeFormat?: string } {
    const name = keys.get("formatter")?.trim() ?? "";
    if (name === "") return { format: templateFormat };
    const formatter = this.#section(`formatter_${name}`);
    if (formatter === undefined) {
      this.#warn(section, "formatter", `names "${name}", which has no section`);
      return { format: templateFormat };
    }
    const timeFormat = formatter.get("datefmt")?.trim() ?? "";
    return {
      format: formatter.get("format") ?? templateFormat,
      ...timeFormat === "" ? {} : { timeFormat },
    };
  }

  /** A section, after a warning for each key in it that means nothing. */
  #section(name: string): Keys | undefined {
    const keys = this.#ini.get(name);
    const known = knownKeys.find(([pattern]) => pattern.test(name))?.[1] ?? [];
    for (const key of keys?.keys() ?? []) {
      if (!known.includes(key)) this.#warn(name, key, "is not known here; it is left out");
    }
    return keys;
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
