import { startAgent } from "../agent/agent.ts";
import { claimHome } from "../agent/home_lock.ts";
import { systemClock } from "../base/clock.ts";
import { resolve } from "node:path";
import { AgentError, exitStatus, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Redactor } from "../base/redactor.ts";
import { extensionEvents } from "../config/extension_events.ts";
import { loadConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { findInstalled } from "../extensions/catalogue.ts";
import { runSandbox, type SandboxAgent } from "../sandbox/sandbox.ts";
import { agentFacts } from "./agent_facts.ts";
import { parseOptions } from "./arguments.ts";
import { scopeOf } from "./load.ts";
import { openLogs } from "./open_logs.ts";
import { untilSignal } from "./until_signal.ts";

/** Plays the agent's life on embedded peers. Exit status 1 when `--once` misses a step. */
export async function sandboxCommand(args: string[]): Promise<number> {
  const { values } = parseOptions("sandbox", args, {
    once: { type: "boolean" },
    extensions: { type: "string" },
  });
  const once = values.once === true;
  const extensionsFrom = typeof values.extensions === "string"
    ? await requireExtensions(values.extensions)
    : undefined;
  const ending = new AbortController();
  using signals = untilSignal();
  void signals.received.then(() => ending.abort()); // never rejects
  const { missing } = await runSandbox({
    once,
    ...(extensionsFrom === undefined ? {} : { extensionsFrom }),
    write: (line) => console.log(line),
    colour: Deno.stdout.isTerminal() && !Deno.noColor,
    startAgent: startInHome,
    signal: ending.signal,
  });
  return once && missing.length > 0 ? 1 : exitStatus.ok;
}

/** The absolute path of a folder with something in it that the agent would run. */
async function requireExtensions(given: string): Promise<string> {
  const path = resolve(Deno.cwd(), given);
  const wrong = (reason: string) =>
    new AgentError(`sandbox: --extensions "${given}" ${reason}`, { kind: "usage" });
  try {
    if (!(await Deno.stat(path)).isDirectory) throw wrong("is not a directory");
    const installed = await Promise.all(
      extensionEvents.map((event) => findInstalled(event, path)),
    );
    if (installed.flat().length > 0) return path;
  } catch (error) {
    throw error instanceof AgentError ? error : wrong(`cannot be read: ${reasonOf(error)}`);
  }
  throw wrong("holds no extension, such as bash/StartServers.sh or StartServers.sh");
}

/** As the command `run`, but configured by the home alone and with the console left to the sandbox. */
async function startInHome(
  home: string,
  _signal: AbortSignal,
  onOutput: (event: string, line: string) => void,
): Promise<SandboxAgent> {
  const loaded = await loadConfig({ home, cwd: home, readEnv: () => undefined });
  const { config } = loaded;
  await using parts = new AsyncDisposableStack();
  parts.use(await claimHome(config.paths.stateDir));
  const redactor = new Redactor();
  for (const secret of secretsOf(config)) redactor.add(secret);
  const logging = parts.use(await openLogs(config, redactor, () => Promise.resolve()));
  const log = overhear(logging.log, "", onOutput);
  const facts = agentFacts(loaded, await scopeOf(loaded));
  const environment = { log, clock: systemClock, random: Math.random, redactor, facts };
  const agent = await startAgent(config, environment);
  const owned = parts.move();
  return {
    terminated: agent.terminated,
    stop: async () => {
      const stragglers = await agent.stop();
      await owned.disposeAsync();
      return stragglers;
    },
  };
}

/** A log that also tells what extensions print and how they fail, which logs of these names get. */
function overhear(log: Log, name: string, tell: (event: string, line: string) => void): Log {
  return {
    debug: (message, facts) => log.debug(message, facts),
    info: (message, facts) => {
      if (name === "extensions.output") tell(String(facts?.["event"]), message);
      log.info(message, facts);
    },
    warning: (message, facts) => log.warning(message, facts),
    error: (message, facts) => {
      if (name === "extensions") tell(String(facts?.["event"]), message);
      log.error(message, facts);
    },
    child: (part) => overhear(log.child(part), name === "" ? part : `${name}.${part}`, tell),
  };
}
