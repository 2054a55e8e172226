import type { AgentConfig } from "../config/agent_config.ts";

/** One setting that an agent at work takes over. */
export interface LiveSetting {
  readonly key: string;
  /** What the keys of a whole family of settings begin with, in place of `key`. */
  readonly family?: string;
  /** Its place in the resolved configuration. */
  readonly path: `${keyof AgentConfig}.${string}`;
}

/**
 * The settings that an agent at work takes over when its configuration is read again; every other one
 * needs a restart. They are read where they are used, each time anew: an interval counts from the next
 * round on, a time limit from the next run on.
 */
export const liveSettings: readonly LiveSetting[] = [
  { key: "LOG_LEVEL", path: "logging.level" },
  { key: "log.format", path: "logging.format" },
  { key: "stats.notifier.interval", path: "health.intervalMs" },
  { key: "artifact.update.interval", path: "artifacts.updateIntervalMs" },
  { key: "extension.timeout", path: "extensions.timeoutMs" },
  {
    key: "extension.timeout.<Event>",
    family: "extension.timeout.",
    path: "extensions.timeoutMsByEvent",
  },
  { key: "extension.grace", path: "extensions.graceMs" },
];

/** The sections of a configuration whose live settings follow the newest one. */
export class LiveConfig {
  #newest: AgentConfig;

  constructor(config: AgentConfig) {
    this.#newest = config;
  }

  /** Live settings are those of this configuration from now on. */
  take(config: AgentConfig): void {
    this.#newest = config;
  }

  /** A section as it is given, its live settings read anew each time. */
  section<Name extends keyof AgentConfig>(name: Name, section: AgentConfig[Name]) {
    const live: object = { ...section };
    for (const { path } of liveSettings) {
      const [of, member] = path.split(".") as [keyof AgentConfig, string];
      if (of !== name) continue;
      Object.defineProperty(live, member, {
        enumerable: true,
        get: () => (this.#newest[of] as unknown as Record<string, unknown>)[member],
      });
    }
    return Object.freeze(live) as AgentConfig[Name];
  }
}
