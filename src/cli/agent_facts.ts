import type { AgentFacts } from "../agent/status_snapshot.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import type { SettingStatus } from "../status/snapshot.ts";
import { isLive } from "./setting_changes.ts";
import { version } from "./version.ts";

/** What the status says of the program, its configuration and its permissions. */
export function agentFacts(
  loaded: LoadedConfig,
  { net, read, write, run, sys }: RuntimeScope,
  inForce: () => LoadedConfig = () => loaded,
): AgentFacts {
  let shown: { readonly of: LoadedConfig; readonly settings: readonly SettingStatus[] } | undefined;
  return {
    version,
    // Nobody may ever want to see it.
    settings: () => {
      const of = inForce();
      if (shown?.of !== of) shown = { of, settings: settingsOf(loaded, of) };
      return shown.settings;
    },
    permissions: { net, read, write, run, sys },
  };
}

/** What the agent was started with, but for what has been applied since then. */
function settingsOf(started: LoadedConfig, inForce: LoadedConfig): readonly SettingStatus[] {
  const fixed = started.describe().map(({ key }) => key);
  const live = new Map(
    inForce.describe().filter(({ key }) => isLive(key)).map((row) => [row.key, row]),
  );
  const rows = started.describe().map((row) => live.get(row.key) ?? row);
  const further = [...live.values()].filter(({ key }) => !fixed.includes(key));
  return [...rows, ...further].map(({ key, value, source }) => ({ key, value, from: source }));
}
