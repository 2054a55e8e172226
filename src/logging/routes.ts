import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log, LogLevel } from "../base/log.ts";
import {
  jsonLines,
  type LineFormat,
  templateFormat,
  type TextLayout,
  textLines,
} from "./line_format.ts";
import { LineWriter } from "./line_writer.ts";
import type { ConsoleHandlerPlan, FileHandlerPlan, HandlerPlan, LogPlan } from "./log_plan.ts";
import { openConsole, openRotatingFile, type Rotation } from "./logtape_sinks.ts";

/** One place that lines go to, and what it takes. */
export interface Route {
  readonly level: LogLevel;
  readonly format: LineFormat;
  readonly writer: LineWriter;
}

/** What routes are made of. */
export interface RouteOptions {
  readonly logDir: string;
  readonly format: "text" | "json";
  readonly clock: Clock;
  /** Write all bytes to standard output and standard error. */
  readonly streams: Readonly<Record<"stdout" | "stderr", (bytes: Uint8Array) => Promise<void>>>;
  readonly rotation: Rotation;
  /** No file is begun anew, whatever the plan says. */
  readonly continues: boolean;
  /** Gets warnings about files that cannot be written. */
  readonly log: Log;
}

/** Routes and the writers behind them, each writer once. */
export interface Routes {
  /** The route of each handler of the plan. */
  readonly of: ReadonlyMap<HandlerPlan, Route>;
  /** Where the output of extensions goes in any case. */
  readonly output: Route;
  /** Stands in for a file that cannot be written now; absent when the plan has a console. */
  readonly standIn: () => Route | undefined;
  readonly files: readonly LineWriter[];
  readonly consoles: readonly LineWriter[];
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
export function makeRoutes(plan: LogPlan, options: RouteOptions): Routes {
  const { log, clock } = options;
  const openStream = (stream: ConsoleHandlerPlan["stream"]) =>
    new LineWriter({
      open: () => openConsole(options.streams[stream]),
      clock,
      delayMs: consoleDelayMs,
      writeLength,
      onTrouble: (reason) => log.warning(`Cannot write to the console: ${reason}`),
      onRecovered: (lost) => log.warning(`The console is written again; ${lost} lines are missing`),
    });
  const consoles = { stdout: openStream("stdout"), stderr: openStream("stderr") };
  const files = new FileWriters(options);
  const formatOf = (layout: TextLayout) =>
    options.format === "json" ? jsonLines : textLines(layout, Deno.pid);
  const routeOf = (handler: HandlerPlan): Route => ({
    level: handler.level,
    format: formatOf(handler),
    writer: handler.kind === "console" ? consoles[handler.stream] : files.writer(handler),
  });
  const handlers = new Set(plan.loggers.flatMap((logger) => logger.handlers));
  const format = templateFormat;
  const standIn = routeOf({ kind: "console", stream: "stdout", level: "info", format });
  const hasConsole = [...handlers].some(({ kind }) => kind === "console");
  return {
    of: new Map([...handlers].map((handler) => [handler, routeOf(handler)])),
    output: routeOf({ kind: "file", level: "debug", format, file: outputFile }),
    standIn: () => hasConsole || !files.failing ? undefined : standIn,
    files: files.writers,
    consoles: [consoles.stdout, consoles.stderr],
  };
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
    const rotation: Rotation = {
      maxBytes: plan.maxBytes ?? this.#options.rotation.maxBytes,
      backups: plan.backups ?? this.#options.rotation.backups,
      ...plan.timed ? { timed: plan.timed } : {},
    };
    const now = () => this.#options.clock.now();
    let startsAnew = plan.startsAnew === true && !this.#options.continues;
    const made = new LineWriter({
      open: () => {
        const target = openRotatingFile(path, { rotation, startsAnew, now });
        startsAnew = false;
        return target;
      },
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
