/**
 * Types for authors of extension modules; nothing here exists at run time.
 *
 * A module is a folder `extensions/modules/<name>` with `module.json` and an entry file that exports
 * `handle` (for the events it subscribes to) and what it provides (`readHealth`).
 */

/** An event that a module subscribed to. */
export interface ModuleEvent {
  /** E.g. `InstanceActivatedEvent`. */
  readonly name: string;
  /** Values of this event alone. */
  readonly values: Readonly<Record<string, string>>;
}

/** Lines for the log of extensions; long and frequent ones are left out, and how many is said. */
export interface ModuleLog {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}

/** What every function of a module is given. */
export interface ModuleContext {
  /** The `settings` of `module.json`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly log: ModuleLog;
}

/** What `handle` is given. */
export interface EventContext extends ModuleContext {
  /** What a script finds in its environment, without `STRATOS_` and without the agent's secrets. */
  readonly values: Readonly<Record<string, string>>;
  /** The `topology` object as it was when the event was handled; undefined while it is not known. */
  topology(): Promise<unknown>;
  /**
   * Runs the scripts that are installed under a name, e.g. `CopyArtifacts`, and waits for them.
   *
   * @param name Letters, digits and `_`, as an event is named.
   * @param values Given to the scripts in their environment, with `STRATOS_` before their names.
   */
  runScript(name: string, values?: Readonly<Record<string, string>>): Promise<ScriptResult>;
}

/** How scripts ended. */
export interface ScriptResult {
  readonly succeeded: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** What a module finds out about the instance's health. */
export interface HealthReading {
  /** Instead of the agent's own number, percent. */
  readonly memoryPercent?: number;
  /** Instead of the agent's own number, percent. */
  readonly loadPercent?: number;
  /** Further numbers by name, for the agent's log; the platform knows no others. */
  readonly further?: Readonly<Record<string, number>>;
}

/** `handle`: called for each event of the module's `events`. */
export type HandleEvent = (event: ModuleEvent, context: EventContext) => Promise<void> | void;

/** `readHealth`: called at each interval, with `"provides": ["health"]`. */
export type ReadHealth = (context: ModuleContext) => Promise<HealthReading> | HealthReading;
