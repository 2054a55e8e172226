import { liveSettings } from "../agent/live_settings.ts";
import { Secret } from "../base/secret.ts";
import type { LoadedConfig } from "../config/load_config.ts";

/** What differs between two configurations, as names of settings. */
export interface SettingChanges {
  /** With the new value: `stats.notifier.interval=30`. None of these settings is a secret. */
  readonly applied: readonly string[];
  /** What only a restart brings into effect. Names alone. */
  readonly pending: readonly string[];
}

type Loaded = Pick<LoadedConfig, "config" | "describe">;

/** Compares what is shown of two configurations, and the secrets themselves. */
export function settingChanges(before: Loaded, after: Loaded): SettingChanges {
  const [rowsBefore, rowsAfter] = [rowsOf(before), rowsOf(after)];
  const keys = [...new Set([...rowsBefore.keys(), ...rowsAfter.keys()])]
    .filter((key) => rowsBefore.get(key) !== rowsAfter.get(key));
  const shown = keys.filter((key) => !isLive(key));
  const leaves = changedLeaves(before.config, after.config);
  const hidden = leaves.filter(({ isSecret }) => isSecret).map(({ path }) => path);
  // What no row tells of, such as a password inside a URL.
  const rest = shown.length + hidden.length > 0 ? [] : leaves.map(({ path }) => path)
    .filter((path) => !livePaths.has(path) && !path.startsWith("extensions.timeoutMsByEvent"));
  return {
    applied: keys.filter(isLive).map((key) => `${key}=${rowsAfter.get(key) ?? "-"}`),
    pending: [...new Set([...shown, ...hidden, ...rest])],
  };
}

const livePaths: ReadonlySet<string> = new Set(liveSettings.map(({ path }) => path));

/** Whether a setting takes effect while the agent runs. */
export function isLive(key: string): boolean {
  return liveSettings.some((setting) =>
    setting.key === key ||
    setting.family !== undefined && key.startsWith(setting.family)
  );
}

function rowsOf(loaded: Loaded): ReadonlyMap<string, string> {
  // A launch parameter that is a setting of its own has two rows, which tell the same.
  return new Map(loaded.describe().map(({ key, value }) => [key, value]));
}

interface Leaf {
  readonly path: string;
  readonly isSecret: boolean;
}

function changedLeaves(before: unknown, after: unknown, path = ""): readonly Leaf[] {
  if (before instanceof Secret || after instanceof Secret) {
    return opened(before) === opened(after) ? [] : [{ path, isSecret: true }];
  }
  if (!isTree(before) || !isTree(after)) {
    return before === after ? [] : [{ path, isSecret: false }];
  }
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
    changedLeaves(before[name], after[name], path === "" ? name : `${path}.${name}`)
  );
}

function opened(value: unknown): unknown {
  return value instanceof Secret ? value.open() : value;
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !(value instanceof Secret);
}
