import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import type { LoadedConfig } from "../config/load_config.ts";
import { settingChanges } from "./setting_changes.ts";

/** What a {@link Reload} works on. */
export interface ReloadOptions {
  /** What the agent was started with. */
  readonly started: LoadedConfig;
  /** Reads and checks the configuration as at a start; rejects when the agent could not start with it. */
  readonly load: () => Promise<LoadedConfig>;
  /** Puts into effect what can change while the agent runs. */
  readonly apply: (config: AgentConfig) => Promise<void>;
  readonly log: Log;
}

/**
 * Reads the configuration again whenever it is asked to, one time after the other.
 *
 * What can change while the agent runs is applied, what cannot is named in the log. A configuration
 * that the agent could not be started with changes nothing.
 */
export class Reload {
  readonly #options: ReloadOptions;
  #inForce: LoadedConfig;
  #isAsked = false;
  #running: Promise<void> | undefined;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#inForce = options.started;
  }

  /** What was read last and could be applied. */
  get inForce(): LoadedConfig {
    return this.#inForce;
  }

  /** Asks for it. Asked several times while it is at work, it goes once more. */
  ask(): void {
    this.#isAsked = true;
    // Never rejects: every failure goes to the log.
    this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  /** Resolves when nothing is being read or applied. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      try {
        await this.#once();
      } catch (error) {
        this.#options.log.error(
          `The configuration was read again and is not applied, the one before stays: ${
            reasonOf(error)
          }`,
        );
      }
    }
  }

  async #once(): Promise<void> {
    const { load, apply, started, log } = this.#options;
    const loaded = await load();
    const { applied } = settingChanges(this.#inForce, loaded);
    const { pending } = settingChanges(started, loaded);
    await apply(loaded.config);
    const said = this.#inForce.warnings;
    this.#inForce = loaded;
    for (const warning of loaded.warnings) if (!said.includes(warning)) log.warning(warning);
    const what = applied.length === 0
      ? "no other change to apply"
      : `applied: ${applied.join(", ")}`;
    log.info(`The configuration was read again; logs are opened anew, ${what}`);
    if (pending.length > 0) {
      log.warning(`Changed settings that need a restart of the agent: ${pending.join(", ")}`);
    }
  }
}
