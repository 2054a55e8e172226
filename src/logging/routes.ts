import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log, LogLevel } from "../base/log.ts";
import { jsonLines, type LineFormat, templateFormat, textLines } from "./line_format.ts";
import { LineWriter } from "./line_writer.ts";
import type { FileHandlerPlan, HandlerPlan } from "./log_plan.ts";
import { openConsole, openRotatingFile, type Rotation } from "./logtape_sinks.ts";

/** One place that lines go to, and what it takes. */
export interface Route {
  readonly level: LogLevel;
  readonly format: LineFormat;
  readonly writer: LineWriter;
  /** @param isOutput Whether the record is output of an extension. */
  readonly takes: (isOutput: boolean) => boolean;
}

/** What routes are made of. */
export interface RouteOptions {
  readonly logDir: string;
  readonly format: "text" | "json";
  readonly clock: Clock;
  /** Writes all bytes to the console. */
  readonly console: (bytes: Uint8Array) => Promise<void>;
  readonly rotation: Rotation;
  /** Gets warnings about files that cannot be written. */
  readonly log: Log;
}

/** Routes and the writers behind them, each writer once. */
export interface Routes {
  readonly routes: readonly Route[];
  readonly files: readonly LineWriter[];
  readonly console: LineWriter;
}

const outputFile = "cartridge-agent-extensions.log";
/** The console of a container is read as it runs; files may collect longer. */
const consoleDelayMs = 50;
const fileDelayMs = 500;
const writeLength = 64 * 1024;

/**
 * The routes of a plan, plus two that no plan leaves out: the file for the output of extensions, and
 * the console in place of a file that cannot be written.
 */
export function makeRoutes(handlers: readonly HandlerPlan[], options: RouteOptions): Routes {
  const { log, clock } = options;
  const console = new LineWriter({
    open: () => openConsole(options.console),
    clock,
    delayMs: consoleDelayMs,
    writeLength,
    onTrouble: (reason) => log.warning(`Cannot write to the console: ${reason}`),
    onRecovered: (lost) => log.warning(`The console is written again; ${lost} lines are missing`),
  });
  const files = new FileWriters(options);
  const formatOf = (format: string) =>
    options.format === "json" ? jsonLines : textLines(format, Deno.pid);
  const routes = handlers.map((plan): Route => ({
    level: plan.level,
    format: formatOf(plan.format),
    writer: plan.kind === "console" ? console : files.writer(plan),
    takes: (isOutput) => plan.kind === "console" || !isOutput,
  }));
  const output: FileHandlerPlan = {
    kind: "file",
    level: "debug",
    format: templateFormat,
    file: outputFile,
  };
  routes.push({
    level: output.level,
    format: formatOf(output.format),
    writer: files.writer(output),
    takes: (isOutput) => isOutput,
  });
  if (!handlers.some((plan) => plan.kind === "console")) {
    routes.push({
      level: "info",
      format: formatOf(templateFormat),
      writer: console,
      takes: () => files.failing,
    });
  }
  return { routes, files: files.writers, console };
}

/** The writers of log files, one a path, and what is known of their trouble. */
class FileWriters {
  readonly #options: RouteOptions;
  readonly #byPath = new Map<string, LineWriter>();
  readonly #failing = new Set<string>();

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  get writers(): readonly LineWriter[] {
    return [...this.#byPath.values()];
  }

  get failing(): boolean {
    return this.#failing.size > 0;
  }

  writer(plan: FileHandlerPlan): LineWriter {
    const path = join(this.#options.logDir, plan.file);
    const known = this.#byPath.get(path);
    if (known) return known;
    const rotation = {
      maxBytes: plan.maxBytes ?? this.#options.rotation.maxBytes,
      backups: plan.backups ?? this.#options.rotation.backups,
    };
    const made = new LineWriter({
      open: () => openRotatingFile(path, rotation),
      clock: this.#options.clock,
      delayMs: fileDelayMs,
      writeLength: Math.min(writeLength, rotation.maxBytes),
      onTrouble: (reason) => this.#onTrouble(path, reason),
      onRecovered: (lost) => this.#onRecovered(path, lost),
    });
    this.#byPath.set(path, made);
    return made;
  }

  /** One warning for all files: mostly they fail together. */
  #onTrouble(path: string, reason: string): void {
    const first = !this.failing;
    this.#failing.add(path);
    if (!first) return;
    this.#options.log.warning(
      `Cannot write "${path}": ${reason}; the console goes on, log files are tried again later`,
    );
  }

  #onRecovered(path: string, lost: number): void {
    this.#failing.delete(path);
    this.#options.log.warning(`"${path}" is written again; ${lost} lines are missing`);
  }
}
