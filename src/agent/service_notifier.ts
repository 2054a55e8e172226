import { type Clock, withDeadline } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { TaskGroup } from "../base/tasks.ts";

/** What a service manager wants. */
export interface ServiceWishes {
  /** Whether it wants to hear anything. */
  readonly listens: boolean;
  /** It takes the agent for dead when it hears nothing for so long; absent: never. */
  readonly watchdogMs?: number;
}

/** Who started the agent as a service. */
export interface ServiceManager {
  wishes(signal: AbortSignal): Promise<ServiceWishes>;
  /**
   * @param assignments `READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=…`, as systemd takes them.
   * @throws AgentError when it could not be told.
   */
  tell(assignments: readonly string[], signal: AbortSignal): Promise<void>;
}

/** What a {@link ServiceNotifier} needs. */
export interface ServiceNotifierOptions {
  readonly manager: ServiceManager;
  /** Why the agent makes no progress; empty while it does. */
  readonly stuck: () => readonly string[];
  readonly log: Log;
  readonly clock: Clock;
}

/** One of these may be late without harm. */
const signsOfLifeInTime = 3;
const retryMs = 5_000;
const statusLimit = 200;
const closeLimitMs = 2_000;

/**
 * Tells the service manager that the agent is ready, that it is alive, and that it ends.
 *
 * The signs of life stop when the agent makes no progress, so that it is started anew. One word is on
 * its way at a time; newer ones of the same kind replace those that wait.
 */
export class ServiceNotifier implements AsyncDisposable {
  readonly #options: ServiceNotifierOptions;
  readonly #tasks: TaskGroup;
  /** What is to be said next: values by name. */
  readonly #wanted = new Map<string, string>();
  #wake = Promise.withResolvers<void>();
  #said = Promise.withResolvers<void>();
  #listens = true;
  #isReady = false;
  #isEnding = false;

  /** Begins to feed the watchdog. */
  constructor(options: ServiceNotifierOptions) {
    this.#options = options;
    this.#tasks = new TaskGroup(options.log, options.clock);
    void this.#tasks.start("reports to the service manager", (signal) => this.#run(signal));
  }

  /** The agent can do its work. Said once. */
  ready(): void {
    if (this.#isReady || this.#isEnding) return;
    this.#isReady = true;
    this.#want("READY", "1");
  }

  /** What the agent does now, in words of one line. */
  status(text: string): void {
    const line = text.replaceAll(/\p{Cc}+/gu, " ").slice(0, statusLimit).trim();
    if (line !== "" && !this.#isEnding) this.#want("STATUS", line);
  }

  /**
   * The agent ends.
   *
   * @param limitMs Milliseconds.
   * @returns Settles when that has been said or cannot be, or the limit has passed.
   */
  async ending(limitMs: number): Promise<void> {
    this.#isEnding = true;
    this.#wanted.clear();
    this.#want("STOPPING", "1");
    this.#said = Promise.withResolvers();
    if (!this.#listens) return;
    const late = () => new Error("limit");
    // Nobody waits longer for a word to the service manager: it sees the end anyway.
    const leastMs = Math.min(limitMs, closeLimitMs);
    await withDeadline(this.#said.promise, leastMs, late, this.#options.clock).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.close(closeLimitMs);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    const wishes = await this.#wishes(signal);
    if (!wishes.listens) {
      this.#listens = false;
      this.#said.resolve();
      log.warning("service.manager=systemd, but nobody listens: NOTIFY_SOCKET is not set");
      return;
    }
    log.debug("The service manager is told of the agent's life", { ...wishes });
    const { watchdogMs } = wishes;
    await Promise.all([
      this.#speak(signal),
      watchdogMs === undefined ? undefined : this.#feed(watchdogMs, clock, signal),
    ]);
  }

  async #wishes(signal: AbortSignal): Promise<ServiceWishes> {
    const { manager, log, clock } = this.#options;
    while (true) {
      try {
        return await manager.wishes(signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warning(reasonOf(error));
        await clock.sleep(retryMs, signal);
      }
    }
  }

  async #feed(watchdogMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const { stuck, log } = this.#options;
    let wasStuck = false;
    while (!this.#isEnding) {
      const reasons = stuck();
      if (reasons.length === 0) this.#want("WATCHDOG", "1");
      if (reasons.length > 0 && !wasStuck) {
        const limit = Math.round(watchdogMs / 1000);
        log.error(
          `No progress, so the service manager ends the agent in ${limit} s: ${reasons.join("; ")}`,
        );
      }
      wasStuck = reasons.length > 0;
      await clock.sleep(watchdogMs / signsOfLifeInTime, signal);
    }
  }

  async #speak(signal: AbortSignal): Promise<void> {
    const { manager, log, clock } = this.#options;
    let hasFailed = false;
    while (true) {
      await aborted(this.#wake.promise, signal);
      this.#wake = Promise.withResolvers();
      const words = new Map(this.#wanted);
      this.#wanted.clear();
      try {
        await manager.tell([...words].map(([name, value]) => `${name}=${value}`), signal);
        hasFailed = false;
        if (words.has("STOPPING")) this.#said.resolve();
      } catch (error) {
        signal.throwIfAborted();
        if (!hasFailed) log.warning(reasonOf(error));
        hasFailed = true;
        // Not before it is known again: nothing that this agent no longer says.
        await clock.sleep(retryMs, signal);
        this.#repeat(words);
      }
    }
  }

  /** Words that nobody heard, but for those that are old by now. */
  #repeat(words: ReadonlyMap<string, string>): void {
    for (const [name, value] of words) {
      const isOver = this.#isEnding && name !== "STOPPING";
      if (name !== "WATCHDOG" && !isOver && !this.#wanted.has(name)) this.#want(name, value);
    }
  }

  #want(name: string, value: string): void {
    if (!this.#listens) return;
    this.#wanted.set(name, value);
    this.#wake.resolve();
  }
}

/** Waits for a promise; rejects with the signal's reason when that fires first. */
async function aborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: fired, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, fired]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
