import { claimHome } from "../agent/home_lock.ts";
import { requireLauncher } from "../agent/launcher_file.ts";
import { systemClock } from "../base/clock.ts";
import { exitStatus, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Redactor } from "../base/redactor.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { openLogs } from "./open_logs.ts";
import { version } from "./version.ts";

/**
 * Runs the agent, in place or inside its seal, until something asks it to end.
 *
 * @param endAsked Settles with the reason when it is to end.
 * @param sealedFrom Kinds of permission that a seal took away; absent without one.
 * @returns The exit status.
 * @throws AgentError when it cannot start.
 */
export async function runAgent(
  loaded: LoadedConfig,
  endAsked: Promise<string>,
  sealedFrom?: readonly string[],
): Promise<number> {
  await requireLauncher(loaded.config.paths.launcher);
  // Before the logs are opened: they are the running agent's, if there is one.
  using _claim = await claimHome(loaded.config.paths.stateDir);
  const redactor = new Redactor();
  for (const secret of secretsOf(loaded.config)) redactor.add(secret);
  await using logging = await openLogs(loaded.config, redactor);
  const { log } = logging;
  using _guard = logStrayFailures(log);
  log.info(`cartridge-agent ${version} starts for member ${loaded.config.identity.memberId}`, {
    home: loaded.config.paths.home,
  });
  if (sealedFrom) log.info(`Sealed: gave up further permissions for ${sealedFrom.join(", ")}`);
  for (const warning of loaded.warnings) log.warning(warning);
  for (const line of loaded.debug) log.debug(line);
  // Not before the permissions are known to suffice: libraries read the environment when they load.
  const { startAgent } = await import("../agent/agent.ts");
  const environment = { log, clock: systemClock, random: Math.random, redactor };
  const agent = await startAgent(loaded.config, environment).catch((error) => {
    log.error(reasonOf(error));
    throw error;
  });
  const reason = await Promise.race([
    endAsked,
    agent.terminated.then(() => loaded.config.paths.terminatorFile),
  ]);
  log.info(`Ending because of ${reason}`);
  const stragglers = await agent.stop();
  if (stragglers.length > 0) {
    const limit = loaded.config.lifecycle.shutdownTimeoutMs / 1000;
    log.warning(`Not ended within ${limit} s: ${stragglers.join(", ")}`);
  }
  log.info("Ended");
  return exitStatus.ok;
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
