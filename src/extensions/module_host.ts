import type { Clock } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AllowedModule, ModuleSet } from "./module_catalogue.ts";
import type { PlugInPoint } from "./module_manifest.ts";
import type { ModuleMetadataPort } from "./module_metadata.ts";
import { type ModuleCall, ModuleSession } from "./module_session.ts";

/** How a call of a module ended; a failure is a result, not an exception. */
export type ModuleOutcome =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "cancelled" };

/** What a {@link ModuleHost} is made of. */
export interface ModuleHostOptions {
  readonly modules: ModuleSet["modules"];
  /** Output of modules goes to its child `output`. */
  readonly log: Log;
  readonly clock: Clock;
  /** For the modules that may use it; absent: there is no metadata service. */
  readonly metadata?: ModuleMetadataPort;
}

/** A worker without work gives its memory back after this. */
const idleMs = 60_000;
/** Calls of one module that wait for their turn. */
const mostWaiting = 100;

/** The modules of an agent: each in a worker of its own, started when it is first needed. */
export class ModuleHost implements AsyncDisposable {
  readonly #runners: ReadonlyMap<string, ModuleRunner>;

  constructor(options: ModuleHostOptions) {
    this.#runners = new Map(
      options.modules.map((module) => [module.name, new ModuleRunner(module, options)]),
    );
  }

  /** Names of the modules that want an event, in order. */
  subscribers(event: string): readonly string[] {
    return [...this.#runners.values()].filter(({ module }) => module.events.includes(event))
      .map(({ module }) => module.name);
  }

  /** The module that provides something that only one can. */
  provider(point: PlugInPoint): AllowedModule | undefined {
    return [...this.#runners.values()].find(({ module }) => module.provides.includes(point))
      ?.module;
  }

  /**
   * Calls a module; calls of one module are made one after the other. Never rejects.
   *
   * @param limitMs A limit shorter than that of the call or the module.
   */
  async call(
    name: string,
    call: ModuleCall,
    signal: AbortSignal,
    limitMs = Infinity,
  ): Promise<ModuleOutcome> {
    const runner = this.#runners.get(name);
    if (!runner) return { kind: "failed", reason: `there is no module ${name}` };
    return await runner.call(call, signal, limitMs);
  }

  /** Ends all workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner[Symbol.asyncDispose]()));
  }
}

/** One module: its calls in order, its worker kept as long as it behaves and has work. */
class ModuleRunner implements AsyncDisposable {
  readonly module: AllowedModule;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #metadata: ModuleMetadataPort | undefined;
  readonly #closed = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #session: ModuleSession | undefined;
  #idle = new AbortController();
  #isStuck = false;

  constructor(module: AllowedModule, { log, clock, metadata }: ModuleHostOptions) {
    this.module = module;
    this.#log = log;
    this.#clock = clock;
    this.#metadata = metadata;
  }

  async call(call: ModuleCall, signal: AbortSignal, limitMs: number): Promise<ModuleOutcome> {
    if (this.#waiting >= mostWaiting) {
      return { kind: "failed", reason: `${mostWaiting} calls wait already` };
    }
    this.#waiting++;
    const until = AbortSignal.any([signal, this.#closed.signal]);
    let hasBegun = false;
    const outcome = this.#last.then((): Promise<ModuleOutcome> => {
      hasBegun = true;
      return this.#callNow(call, until, limitMs);
    }).catch((error): ModuleOutcome => ({ kind: "failed", reason: reasonOf(error) }))
      .finally(() => this.#waiting--);
    this.#last = outcome;
    return await Promise.race([outcome, cancelledUnless(() => hasBegun, until)]);
  }

  async #callNow(
    call: ModuleCall,
    signal: AbortSignal,
    limitMs: number,
  ): Promise<ModuleOutcome> {
    if (signal.aborted) return { kind: "cancelled" };
    if (this.#isStuck) {
      return { kind: "failed", reason: "it is stuck since an earlier call; restart the agent" };
    }
    this.#idle.abort();
    const session = this.#open();
    if (typeof session === "string") return { kind: "failed", reason: session };
    const limit = Math.min(limitMs, call.timeoutMs ?? this.module.timeoutMs);
    const ended = new AbortController();
    const stopped = this.#clock.sleep(limit, AbortSignal.any([signal, ended.signal])).then(
      () => ({ kind: "failed", reason: "stopped at its time limit" } as const),
      () => ({ kind: "cancelled" } as const),
    );
    const outcome = await Promise.race([session.call(call), stopped]);
    ended.abort();
    if (outcome.kind === "done" && session.isUsable) this.#endWhenIdle(session);
    else await this.#end(session);
    return outcome;
  }

  #open(): ModuleSession | string {
    try {
      return this.#session ??= new ModuleSession(
        this.module,
        this.#log.child("output"),
        this.#metadata,
      );
    } catch (error) {
      return `it cannot be started: ${reasonOf(error)}`;
    }
  }

  #endWhenIdle(session: ModuleSession): void {
    this.#idle = new AbortController();
    const { signal } = this.#idle;
    // Ending takes the place of a call, so that none is made meanwhile. Abort: there is work again.
    void this.#clock.sleep(idleMs, AbortSignal.any([signal, this.#closed.signal])).then(() => {
      if (signal.aborted) return;
      this.#last = this.#last.then(() => signal.aborted ? undefined : this.#end(session));
    }, () => {});
  }

  async #end(session: ModuleSession): Promise<void> {
    if (this.#session !== session) return;
    this.#session = undefined;
    if (await session.end(this.#clock)) return;
    this.#isStuck = true;
    const { name } = this.module;
    this.#log.error(
      `extension module ${name} is busy without pause and cannot be stopped: it takes one ` +
        "processor until the agent is restarted, and is not called again",
      { module: name },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new DOMException("the agent ends", "AbortError"));
    await this.#last;
    if (this.#session) await this.#end(this.#session);
  }
}

/** For who gives up while waiting for the turn; a call that has begun says itself how it ended. */
function cancelledUnless(hasBegun: () => boolean, signal: AbortSignal): Promise<ModuleOutcome> {
  return new Promise((resolve) => {
    const abort = () => {
      if (!hasBegun()) resolve({ kind: "cancelled" });
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
