import type { AgentFacts } from "../agent/status_snapshot.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import { version } from "./version.ts";

/** What the status says of the program, its configuration and its permissions. */
export function agentFacts(
  loaded: LoadedConfig,
  { net, read, write, run, sys }: RuntimeScope,
): AgentFacts {
  let settings: ReturnType<AgentFacts["settings"]> | undefined;
  return {
    version,
    // Nobody may ever want to see it.
    settings: () =>
      settings ??= loaded.describe()
        .map(({ key, value, source }) => ({ key, value, from: source })),
    permissions: { net, read, write, run, sys },
  };
}
