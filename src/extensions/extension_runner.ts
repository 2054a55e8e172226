import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { AgentError, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ExtensionsConfig, HostPort, PathsConfig } from "../config/agent_config.ts";
import { findInstalled, type Installed } from "./catalogue.ts";
import { namesToUnset } from "./environment.ts";
import { Launcher } from "./launcher.ts";
import { eventCall } from "./module_event_call.ts";
import type { ModuleHost } from "./module_host.ts";
import type { ExtensionOutcome, ExtensionRequest } from "./request.ts";
import { type EndedRun, RunReport } from "./run_report.ts";
import { type ScriptEnd, ScriptRunner } from "./script_runner.ts";
import { ValueFiles } from "./value_files.ts";
import { buildValues, type ExtensionValues } from "./values.ts";

/** What an {@link ExtensionRunner} is made of. */
export interface ExtensionRunnerOptions {
  readonly config: ExtensionsConfig;
  readonly paths: Pick<PathsConfig, "extensionsDir" | "launcher" | "launchParams" | "stateDir">;
  readonly launchParameters: Readonly<Record<string, string>>;
  /** The broker in use now; asked at the start of each run. */
  readonly broker: () => HostPort | undefined;
  /** Modules run after the scripts of an event. */
  readonly modules?: ModuleHost;
  /** Told of every run of a script or module. */
  readonly onRun?: (run: EndedRun) => void;
  /** Takes secrets out of output that is cut short. */
  readonly redact?: (text: string) => string;
  /** Output of extensions goes to its child `output`. */
  readonly log: Log;
  readonly clock: Clock;
}

interface ScriptRun {
  readonly event: string;
  readonly script: string;
  readonly values: ExtensionValues;
  /** Bound for all values together; absent: the usual one. */
  readonly valuesBytes: number | undefined;
  readonly onLine: (line: string, pid: number) => void;
}

/** Lines of output that a failure shows. */
const lastLines = 10;
/** The second try when the system finds an environment too large: its limits are below Linux' own. */
const smallValuesBytes = 64 * 1024;

/**
 * Runs what is installed for an event. Runs are independent of each other; who needs an order waits.
 *
 * Dispose it at the end: from then on nobody reads what background processes of scripts write.
 */
export class ExtensionRunner implements AsyncDisposable {
  readonly #options: ExtensionRunnerOptions;
  readonly #outputLog: Log;
  readonly #launcher: Launcher;
  readonly #scripts: ScriptRunner;
  readonly #files: ValueFiles;
  readonly #report: RunReport;
  readonly #warnedOf = new Set<string>();

  constructor(options: ExtensionRunnerOptions) {
    this.#options = options;
    this.#outputLog = options.log.child("output");
    this.#report = new RunReport(options.log, options.onRun, options.redact);
    this.#launcher = new Launcher(options.paths.launcher, options.log, options.clock);
    this.#scripts = new ScriptRunner(this.#launcher, options.clock, options.redact);
    this.#files = new ValueFiles(
      join(options.paths.stateDir, "extensions"),
      (fault) => options.log.warning(fault),
    );
  }

  /**
   * Runs everything that is installed for the event, one after the other, whether or not the one
   * before failed; one failure makes the whole a failure.
   *
   * @returns Never rejects. When it is cancelled, the process group of the run is gone.
   */
  async run(request: ExtensionRequest, signal: AbortSignal): Promise<ExtensionOutcome> {
    const modules = this.#options.modules?.subscribers(request.event) ?? [];
    return await this.#run(request, modules, signal);
  }

  async #run(
    request: ExtensionRequest,
    modules: readonly string[],
    signal: AbortSignal,
  ): Promise<ExtensionOutcome> {
    const { log } = this.#options;
    const { event } = request;
    try {
      const installed = this.#toRun(event);
      if (signal.aborted) return { kind: "cancelled" };
      if (installed.length + modules.length === 0) {
        log.debug(`no extension for ${event}`, { event });
        return { kind: "none" };
      }
      const values = this.#valuesOf(request);
      const failures: string[] = [];
      for (const item of installed) {
        if (item.kind === "script") this.#warnOfHidden(item.script, item.hides);
        const outcome = item.kind === "script"
          ? await this.#runScript(event, item.script, values, signal)
          : this.#report.ended(event, item.script, "refused", 0, item.reason);
        if (outcome.kind === "cancelled") return outcome;
        if (outcome.kind === "failed") failures.push(outcome.reason);
      }
      for (const module of modules) {
        const outcome = await this.#runModule(module, request, values, signal);
        if (outcome.kind === "cancelled") return outcome;
        if (outcome.kind === "failed") failures.push(outcome.reason);
      }
      if (failures.length > 0) return { kind: "failed", reason: failures.join("; ") };
      return { kind: "succeeded" };
    } catch (error) {
      const reason = reasonOf(error);
      log.error(`extension ${event} failed: ${reason}`, { event });
      return { kind: "failed", reason };
    }
  }

  /** What is installed for an event, without what only lies there. */
  #toRun(event: string): readonly Exclude<Installed, { kind: "passedOver" }>[] {
    return findInstalled(event, this.#options.paths.extensionsDir).flatMap((item) => {
      if (item.kind !== "passedOver") return [item];
      const { script, reason } = item;
      this.#options.log.debug(`${script} is no extension: ${reason}`, { event, script, reason });
      return [];
    });
  }

  /** Stops reading what background processes write. Runs in progress are the callers' to abort. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scripts[Symbol.asyncDispose]();
  }

  /** Once each: a cartridge that brings scripts under older names should not wonder for long. */
  #warnOfHidden(script: string, hidden: readonly string[]): void {
    for (const other of hidden) {
      if (this.#warnedOf.has(other)) continue;
      this.#warnedOf.add(other);
      this.#options.log.warning(`extension ${other} does not run because there is ${script}`, {
        script,
        hidden: other,
      });
    }
  }

  #valuesOf(request: ExtensionRequest): ExtensionValues {
    const { config, paths, launchParameters, broker } = this.#options;
    return buildValues({
      event: request.event,
      eventValues: request.values,
      facts: request.facts(),
      launchParameters,
      launchParamsFile: paths.launchParams,
      config,
      broker: broker(),
    });
  }

  async #runModule(
    name: string,
    request: ExtensionRequest,
    values: ExtensionValues,
    signal: AbortSignal,
  ): Promise<ExtensionOutcome> {
    const { modules, clock } = this.#options;
    const { event, facts } = request;
    const startedMs = clock.monotonicMs();
    const call = eventCall(
      request,
      values,
      (script, given, until) => this.#run({ event: script, values: given, facts }, [], until),
    );
    const outcome = await modules!.call(name, call, signal);
    const ms = Math.round(clock.monotonicMs() - startedMs);
    const module = `modules/${name}`;
    if (outcome.kind === "cancelled") return this.#report.ended(event, module, "cancelled", ms);
    if (outcome.kind === "done") return this.#report.ended(event, module, 0, ms);
    return this.#report.ended(event, module, 1, ms, outcome.reason);
  }

  async #runScript(
    event: string,
    script: string,
    values: ExtensionValues,
    signal: AbortSignal,
  ): Promise<ExtensionOutcome> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const tail: string[] = [];
    const onLine = (line: string, pid: number) => {
      this.#outputLog.info(line, { event, script, pid });
      tail.push(line);
      if (tail.length > lastLines) tail.shift();
    };
    const elapsedMs = () => Math.round(clock.monotonicMs() - startedMs);
    const start = (valuesBytes?: number) =>
      this.#start({ event, script, values, valuesBytes, onLine }, signal);
    try {
      const end = await start().catch((error) => {
        if (!(error instanceof AgentError && error.kind === "limit")) throw error;
        return start(smallValuesBytes);
      });
      return this.#outcomeOf(event, script, end, elapsedMs(), tail);
    } catch (error) {
      return this.#report.ended(event, script, "refused", elapsedMs(), reasonOf(error));
    }
  }

  /** @throws AgentError, of kind `limit` when the values are too large for the system. */
  async #start(run: ScriptRun, signal: AbortSignal): Promise<ScriptEnd> {
    const { config, log } = this.#options;
    const { event } = run;
    const inherited = await this.#launcher.inheritedNames();
    await using fitted = await this.#files.fit(run.values, run.valuesBytes);
    if (fitted.asFileOnly.length > 0) {
      log.debug(`values of ${event} given as files alone: ${fitted.asFileOnly.join(", ")}`);
    }
    const set = fitted.environment;
    const ownTimeoutMs = Object.hasOwn(config.timeoutMsByEvent, event)
      ? config.timeoutMsByEvent[event]
      : undefined;
    return await this.#scripts.run({
      script: run.script,
      args: run.values.args,
      environment: { set, unset: namesToUnset(inherited, set, config.environment) },
      timeoutMs: ownTimeoutMs ?? config.timeoutMs,
      graceMs: config.graceMs,
      onLine: run.onLine,
    }, signal);
  }

  #outcomeOf(
    event: string,
    script: string,
    end: ScriptEnd,
    ms: number,
    tail: readonly string[],
  ): ExtensionOutcome {
    const { bytesLeftOut } = end;
    if (bytesLeftOut > 0) {
      this.#outputLog.warning(`${bytesLeftOut} bytes of output left out`, {
        event,
        script,
        bytesLeftOut,
      });
    }
    if ((end.kind === "timedOut" || end.kind === "cancelled") && !end.groupGone) {
      this.#options.log.warning(`processes of ${script} may still run`, { event, script });
    }
    switch (end.kind) {
      case "exited":
        if (end.status === 0) {
          return this.#report.ended(event, script, 0, ms, undefined, tail);
        }
        return this.#report.ended(event, script, end.status, ms, meaningOf(end.status), tail);
      case "timedOut":
        return this.#report.ended(
          event,
          script,
          "timed-out",
          ms,
          "stopped at its time limit",
          tail,
        );
      case "cancelled":
        return this.#report.ended(event, script, "cancelled", ms, undefined, tail);
      case "refused":
        return this.#report.ended(event, script, "refused", ms, end.reason, tail);
    }
  }
}

/** An exit status in words. */
function meaningOf(status: number): string {
  const hint = status === 127
    ? " (a command or the script's interpreter was not found)"
    : status === 126
    ? " (a command could not be executed)"
    : "";
  return `exit status ${status}${hint}`;
}
