import { AgentError } from "../base/errors.ts";
import { excessGrants } from "../scope/excess_grants.ts";
import { missingGrants } from "../scope/granted.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import { configurationOptions, parseOptions } from "./arguments.ts";
import { loadFrom, scopeOf } from "./load.ts";
import { ReloadBell } from "./reload_bell.ts";
import { runSealed } from "./seal.ts";
import { untilSignal } from "./until_signal.ts";

/** How much longer than its own limit the end of a sealed agent may take. */
const endSlackMs = 5_000;

/**
 * Runs the agent until SIGTERM, SIGINT or the terminator file ends it; SIGHUP has its configuration
 * read again. It runs in place when the program was granted exactly what the configuration needs,
 * sealed when it was granted more.
 */
export async function runCommand(args: string[]): Promise<number> {
  const load = () => loadFrom(parseOptions("run", args, configurationOptions));
  const loaded = await load();
  const scope = await scopeOf(loaded);
  await requireGrants(scope);
  const reloads = new ReloadBell();
  using signals = untilSignal(() => reloads.ring());
  const asked = { endAsked: signals.received, reloads };
  const excess = await excessGrants(scope);
  if (excess.length === 0) {
    // Not before it is known that nothing has to be sealed: libraries come with it, and what they do
    // when they are loaded must not happen outside.
    const { runAgent } = await import("./run_agent.ts");
    return await runAgent({ loaded, load, ...asked });
  }
  const endLimitMs = loaded.config.lifecycle.shutdownTimeoutMs + endSlackMs;
  return await runSealed({ args, scope, excess, endLimitMs, ...asked });
}

/** Refuses to start half permitted: every missing flag at once. */
async function requireGrants(scope: RuntimeScope): Promise<void> {
  const missing = await missingGrants(scope);
  if (missing.length === 0) return;
  throw new AgentError(
    `Cannot start: Deno lacks these permissions:\n${missing.join("\n")}\n` +
      `The command "permissions" prints all that this configuration needs; scripts/agent passes them.`,
    { kind: "permission", data: { missing } },
  );
}
