/**
 * Types for authors of extension modules; nothing here exists at run time.
 *
 * A module is a folder `extensions/modules/<name>` with `module.json` and an entry file that exports
 * `handle` (for the events it subscribes to) and what it provides (`readHealth`,
 * `checkOutArtifacts`, `commitArtifacts`).
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
  /** Needs `"permissions": { "metadata": true }`; without it every call is rejected. */
  readonly metadata: ModuleMetadata;
}

/** Whose properties: those of the application, or of the cluster alias of this instance in it. */
export type MetadataScope = "application" | "cluster";

/** The metadata service. Every call is rejected with a reason when the service cannot be asked. */
export interface ModuleMetadata {
  /** All properties, values by name; empty when there is none. */
  get(scope: MetadataScope): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * Writes one property: the service adds the values to those of an application and replaces those of
   * a cluster.
   */
  put(scope: MetadataScope, key: string, values: string | readonly string[]): Promise<void>;
  /** Deletes one value of a property of the application; resolves to whether there was one. */
  delete(key: string, value: string): Promise<boolean>;
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

/** Whose artifacts a module is to check out or commit, and where. */
export interface ArtifactJob {
  readonly tenantId: number;
  /** Absolute path of the tenant's directory; it exists. The module must ask to read or write it. */
  readonly destination: string;
  /** Without user information. */
  readonly repoUrl: string;
  /** Empty when there is none, and without `"permissions": { "credentials": true }`. */
  readonly repoUsername: string;
  /** Decrypted. Empty when there is none, and without `"permissions": { "credentials": true }`. */
  readonly repoPassword: string;
  /** `artifact.branch`; absent: the repository's own choice. */
  readonly branch?: string;
  /** Nothing has been checked out for the tenant since the agent started. */
  readonly first: boolean;
}

/** What became of a checkout. */
export interface CheckoutResult {
  /** Whether files changed; during updates this decides whether extensions run for them. */
  readonly changed: boolean;
  /** What is in place now, for the log. */
  readonly commit?: string;
}

/** What became of a commit. */
export interface CommitResult {
  /** Whether there was something to commit. */
  readonly committed: boolean;
}

/**
 * `checkOutArtifacts`: called in place of the agent's own checkout, at the event and at each round of the
 * update loop, with `"provides": ["artifactCheckout"]`.
 */
export type CheckOutArtifacts = (
  job: ArtifactJob,
  context: ModuleContext,
) => Promise<CheckoutResult> | CheckoutResult;

/**
 * `commitArtifacts`: called before each checkout but the first when `auto.commit` is on, with
 * `"provides": ["artifactCommit"]`; where the agent itself checks out, only when local files changed.
 */
export type CommitArtifacts = (
  job: ArtifactJob,
  context: ModuleContext,
) => Promise<CommitResult> | CommitResult;
