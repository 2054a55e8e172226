import { claimHome } from "../agent/home_lock.ts";
import { requireLauncher } from "../agent/launcher_file.ts";
import { systemClock } from "../base/clock.ts";
import { AgentError, exitStatus, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Redactor } from "../base/redactor.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { missingGrants } from "../scope/granted.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom, scopeOf } from "./load.ts";
import { openLogs } from "./open_logs.ts";
import { untilSignal } from "./until_signal.ts";
import { version } from "./version.ts";

/** Runs the agent until a signal or the terminator file ends it. */
export async function runCommand(args: string[]): Promise<number> {
  const loaded = await loadFrom(parseOptions("run", args, configurationOptions));
  await requireGrants(loaded);
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
  for (const warning of loaded.warnings) log.warning(warning);
  for (const line of loaded.debug) log.debug(line);
  using signals = untilSignal();
  // Not before the permissions are known to suffice: libraries read the environment when they load.
  const { startAgent } = await import("../agent/agent.ts");
  const environment = { log, clock: systemClock, random: Math.random, redactor };
  const agent = await startAgent(loaded.config, environment).catch((error) => {
    log.error(reasonOf(error));
    throw error;
  });
  const reason = await Promise.race([
    signals.received,
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

/** Refuses to start half permitted: every missing flag at once. */
async function requireGrants(loaded: LoadedConfig): Promise<void> {
  const missing = await missingGrants(await scopeOf(loaded));
  if (missing.length === 0) return;
  throw new AgentError(
    `Cannot start: Deno lacks these permissions:\n${missing.join("\n")}\n` +
      `The command "permissions" prints all that this configuration needs; scripts/agent passes them.`,
    { kind: "permission", data: { missing } },
  );
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
