import { claimHome } from "../agent/home_lock.ts";
import { requireLauncher } from "../agent/launcher_file.ts";
import { openTrace } from "../agent/open_trace.ts";
import { systemClock } from "../base/clock.ts";
import { exitStatus, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Redactor } from "../base/redactor.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { pythonAdvice } from "./extension_listing.ts";
import { agentFacts } from "./agent_facts.ts";
import { scopeOf } from "./load.ts";
import { readyLogs } from "./open_logs.ts";
import { Reload } from "./reload.ts";
import type { ReloadBell } from "./reload_bell.ts";
import { ReopenedLogs } from "./reopened_logs.ts";
import { version } from "./version.ts";

/** What {@link runAgent} needs. */
export interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration anew. */
  readonly load: () => Promise<LoadedConfig>;
  /** Settles with the reason when the agent is to end. */
  readonly endAsked: Promise<string>;
  /** Rung when the configuration is to be read again. */
  readonly reloads: ReloadBell;
  /** Kinds of permission that a seal took away; absent without one. */
  readonly sealedFrom?: readonly string[];
}

/**
 * Runs the agent, in place or inside its seal, until something asks it to end.
 *
 * @returns The exit status.
 * @throws AgentError when it cannot start.
 */
export async function runAgent(options: RunOptions): Promise<number> {
  const { loaded, endAsked, reloads, sealedFrom } = options;
  await requireLauncher(loaded.config.paths.launcher);
  // Before the logs are opened: they are the running agent's, if there is one.
  using _claim = await claimHome(loaded.config.paths.stateDir);
  const redactor = new Redactor();
  for (const secret of secretsOf(loaded.config)) redactor.add(secret);
  await using logging = await ReopenedLogs.open(await readyLogs(loaded.config, redactor));
  const { log } = logging;
  using _guard = logStrayFailures(log);
  log.info(`cartridge-agent ${version} starts for member ${loaded.config.identity.memberId}`, {
    home: loaded.config.paths.home,
  });
  if (sealedFrom) log.info(`Sealed: gave up further permissions for ${sealedFrom.join(", ")}`);
  for (const warning of loaded.warnings) log.warning(warning);
  for (const line of await pythonAdvice(loaded.config.paths)) log.warning(line);
  for (const line of loaded.debug) log.debug(line);
  // Not before the permissions are known to suffice: libraries read the environment when they load.
  const { startAgent } = await import("../agent/agent.ts");
  let reload: Reload | undefined;
  const facts = agentFacts(loaded, await scopeOf(loaded), () => reload?.inForce ?? loaded);
  const trace = await openTrace(loaded.config.telemetry, version, log, systemClock);
  const environment = {
    log,
    clock: systemClock,
    random: Math.random,
    redactor,
    facts,
    ...(trace ? { trace } : {}),
  };
  const agent = await startAgent(loaded.config, environment).catch((error) => {
    log.error(reasonOf(error));
    throw error;
  });
  const reloading = reload = new Reload({
    started: loaded,
    load: () => loadedToStart(options.load),
    apply: async (config) => {
      for (const secret of secretsOf(config)) redactor.add(secret);
      const open = await readyLogs(config, redactor, { continues: true });
      await logging.reopen(open);
      agent.apply(config);
    },
    log,
  });
  reloads.listen(() => reloading.ask());
  const reason = await Promise.race([
    endAsked,
    agent.terminated.then(() => loaded.config.paths.terminatorFile),
  ]);
  // Nothing is left that it could change.
  reloads.listen(() => {});
  await reloading.settled();
  log.info(`Ending because of ${reason}`);
  const stragglers = await agent.stop();
  if (stragglers.length > 0) {
    const limit = loaded.config.lifecycle.shutdownTimeoutMs / 1000;
    log.warning(`Not ended within ${limit} s: ${stragglers.join(", ")}`);
  }
  log.info("Ended");
  return exitStatus.ok;
}

/** A configuration that the agent could be started with. */
async function loadedToStart(load: () => Promise<LoadedConfig>): Promise<LoadedConfig> {
  const loaded = await load();
  await scopeOf(loaded);
  return loaded;
}

/** A failure that no part took care of is a fault, yet no reason to leave the instance without agent. */
function logStrayFailures(log: Log): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    report(event.reason);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    report(event.error);
  };
  const report = (error: unknown) =>
    log.error(`Unexpected failure: ${reasonOf(error)}`, {
      ...(error instanceof Error && error.stack ? { stack: error.stack } : {}),
    });
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
