import { startAgent } from "../agent/agent.ts";
import { systemClock } from "../base/clock.ts";
import { exitStatus } from "../base/errors.ts";
import { Redactor } from "../base/redactor.ts";
import { loadConfig } from "../config/load_config.ts";
import { secretsOf } from "../config/secrets_of.ts";
import { runSandbox, type SandboxAgent } from "../sandbox/sandbox.ts";
import { parseOptions } from "./arguments.ts";
import { openLogs } from "./open_logs.ts";
import { untilSignal } from "./until_signal.ts";

/** Plays the agent's life on embedded peers. Exit status 1 when `--once` misses a step. */
export async function sandboxCommand(args: string[]): Promise<number> {
  const { values } = parseOptions("sandbox", args, { once: { type: "boolean" } });
  const once = values.once === true;
  const ending = new AbortController();
  using signals = untilSignal();
  void signals.received.then(() => ending.abort()); // never rejects
  const { missing } = await runSandbox({
    once,
    write: (line) => console.log(line),
    colour: Deno.stdout.isTerminal() && !Deno.noColor,
    startAgent: startInHome,
    signal: ending.signal,
  });
  return once && missing.length > 0 ? 1 : exitStatus.ok;
}

/** As the command `run`, but configured by the home alone and with the console left to the sandbox. */
async function startInHome(home: string): Promise<SandboxAgent> {
  const { config } = await loadConfig({ home, cwd: home, readEnv: () => undefined });
  const redactor = new Redactor();
  for (const secret of secretsOf(config)) redactor.add(secret);
  const logging = await openLogs(config, redactor, () => Promise.resolve());
  const environment = { log: logging.log, clock: systemClock, random: Math.random, redactor };
  try {
    const agent = await startAgent(config, environment);
    return {
      terminated: agent.terminated,
      stop: async () => {
        const stragglers = await agent.stop();
        await logging[Symbol.asyncDispose]();
        return stragglers;
      },
    };
  } catch (error) {
    await logging[Symbol.asyncDispose]();
    throw error;
  }
}
