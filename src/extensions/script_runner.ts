import type { Clock } from "../base/clock.ts";
import { AgentError } from "../base/errors.ts";
import { type EnvironmentChange, killQuietly, type Launcher } from "./launcher.ts";
import { OutputGuards } from "./output_guards.ts";
import { type OutputLimits, OutputReader } from "./output_reader.ts";
import { takenWord } from "./run_order.ts";
import { WaitingLaunchers } from "./waiting_launchers.ts";

/** One run of one script. */
export interface ScriptStart {
  /** Path below the extensions folder. */
  readonly script: string;
  readonly args: readonly string[];
  readonly environment: EnvironmentChange;
  readonly timeoutMs: number;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Gets each line of output and the process id, which is the process group's as well. */
  readonly onLine: (line: string, pid: number) => void;
}

/** How a script ended. */
export type ScriptEnd =
  & (
    /** By itself; 128 + n after signal n. */
    | { readonly kind: "exited"; readonly status: number }
    /** `groupGone` is false when the launcher did not come to end its process group. */
    | { readonly kind: "timedOut" | "cancelled"; readonly groupGone: boolean }
    /** The launcher would not start it. */
    | { readonly kind: "refused"; readonly reason: string }
  )
  & {
    /** Bytes of output that the limits left out. */
    readonly bytesLeftOut: number;
  };

const outputLimits: OutputLimits = { lineBytes: 8 * 1024, bytes: 1024 * 1024, lines: 10_000 };
const launcherLimits: OutputLimits = { lineBytes: 1024, bytes: 8 * 1024, lines: 10 };
/** How long after the end of a script its output is waited for, in case others hold it open. */
const outputTailMs = 300;
/** How much longer than the grace ending a process group may take. */
const stopSlackMs = 10_000;
/** Background processes whose output is still read. */
const maxOpenOutputs = 16;

/**
 * Runs scripts through the launcher, any number at once.
 *
 * What a script leaves in the background does not hold up its run. Its output is passed on until the
 * limits of the run are reached, then no longer read; guards see to it that nobody dies of that.
 */
export class ScriptRunner implements AsyncDisposable {
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  readonly #redact: ((text: string) => string) | undefined;
  readonly #guards: OutputGuards;
  readonly #waiting: WaitingLaunchers;
  /** Outputs of scripts that have ended, oldest first. */
  readonly #open = new Set<OutputReader>();
  #closed = false;

  /** @param redact Takes secrets out of lines of output that are cut. */
  constructor(launcher: Launcher, clock: Clock, redact?: (text: string) => string) {
    this.#launcher = launcher;
    this.#clock = clock;
    this.#redact = redact;
    this.#guards = new OutputGuards(launcher, clock);
    this.#waiting = new WaitingLaunchers(launcher, clock);
  }

  /**
   * Runs a script to its end, its time limit or the signal; in the last two cases its process group
   * is gone when this returns.
   *
   * @throws AgentError when the launcher cannot be started.
   */
  async run(start: ScriptStart, signal: AbortSignal): Promise<ScriptEnd> {
    if (signal.aborted) return { kind: "cancelled", groupGone: true, bytesLeftOut: 0 };
    const { script, args, environment } = start;
    const order = this.#launcher.orderOf([script, ...args], environment);
    const waiting = order && this.#waiting.give(order);
    if (waiting) {
      this.#waiting.refill();
      const end = await this.#follow(waiting, start, signal, true);
      this.#waiting.tell(end !== undefined);
      if (end) return end;
      if (signal.aborted) return { kind: "cancelled", groupGone: true, bytesLeftOut: 0 };
    }
    const child = this.#launcher.start(["run", script, ...args], environment);
    this.#waiting.refill();
    return await this.#follow(child, start, signal);
  }

  /**
   * Follows a process to its end.
   *
   * @param wasTold Whether it waited for an order, and says when it takes it.
   * @returns Undefined when it ended without having taken the order.
   */
  #follow(child: Deno.ChildProcess, start: ScriptStart, signal: AbortSignal): Promise<ScriptEnd>;
  #follow(
    child: Deno.ChildProcess,
    start: ScriptStart,
    signal: AbortSignal,
    wasTold: true,
  ): Promise<ScriptEnd | undefined>;
  async #follow(
    child: Deno.ChildProcess,
    start: ScriptStart,
    signal: AbortSignal,
    wasTold = false,
  ): Promise<ScriptEnd | undefined> {
    this.#guards.hold(child.pid);
    const output = new OutputReader(
      child.stdout,
      outputLimits,
      (line) => start.onLine(line, child.pid),
      this.#redact,
    );
    // Nobody waits for this; neither `ended` nor the guards reject.
    void output.ended.then(() => {
      if (output.endedByItself) this.#guards.free(child.pid);
      else this.#guards.drain(child.pid);
    });
    const words: string[] = [];
    await using launcherOutput = new OutputReader(
      child.stderr,
      launcherLimits,
      (line) => words.push(line),
    );
    const stopped = await this.#stopped(child, start.timeoutMs, signal);
    const groupGone = stopped ? await this.#stop(child, start.graceMs) : true;
    const all = Promise.all([output.ended, launcherOutput.ended]);
    if (!await this.#within(outputTailMs, all)) this.#guards.seek(child.pid);
    output.flush();
    const bytesLeftOut = output.bytesLeftOut;
    this.#keepReading(output);

    if (stopped) return { kind: stopped, groupGone, bytesLeftOut };
    const { code } = await child.status;
    if (wasTold) {
      // Whatever was late above: nobody but the launcher itself ever held this open.
      await launcherOutput.ended;
      if (words.shift() !== takenWord) return undefined;
    }
    return words.length > 0 && (code === 126 || code === 127)
      ? { kind: "refused", reason: words.join("; "), bytesLeftOut }
      : { kind: "exited", status: code, bytesLeftOut };
  }

  /** Stops reading what background processes write; ends the launchers that wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#waiting[Symbol.asyncDispose]();
    // A guard knows an output by the agent's reading it: not before it has taken them on.
    await this.#guards[Symbol.asyncDispose]();
    await Promise.all([...this.#open].map((output) => output[Symbol.asyncDispose]()));
  }

  /** Waits for the end of a child; says why it must be stopped when that comes first. */
  async #stopped(
    child: Deno.ChildProcess,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<"timedOut" | "cancelled" | undefined> {
    const ended = new AbortController();
    const limit = this.#clock.sleep(timeoutMs, AbortSignal.any([signal, ended.signal])).then(
      () => "timedOut" as const,
      () => "cancelled" as const,
    );
    try {
      return await Promise.race([child.status.then(() => undefined), limit]);
    } finally {
      ended.abort(null); // without a reason it makes an error, stack and all
    }
  }

  /**
   * Ends the process group of a child.
   *
   * @returns Whether nobody of the group is left; otherwise at least the child itself was killed.
   */
  async #stop(child: Deno.ChildProcess, graceMs: number): Promise<boolean> {
    let gone = false;
    try {
      const stopping = this.#launcher.startStop(child.pid, graceMs);
      if (await this.#within(graceMs + stopSlackMs, stopping.status)) {
        gone = (await stopping.status).success;
      } else killQuietly(stopping, "SIGKILL");
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
    }
    if (!gone) killQuietly(child, "SIGKILL");
    await this.#within(stopSlackMs, child.status);
    return gone;
  }

  async #within(ms: number, promise: Promise<unknown>): Promise<boolean> {
    const settled = new AbortController();
    const limit = this.#clock.sleep(ms, settled.signal).then(() => false, () => true);
    try {
      return await Promise.race([promise.then(() => true), limit]);
    } finally {
      settled.abort(null);
    }
  }

  /** Reads on in the background; neither `ended` nor closing ever rejects. */
  #keepReading(output: OutputReader): void {
    this.#open.add(output);
    void output.ended.then(() => this.#open.delete(output));
    output.closeWhenFull();
    const [oldest] = this.#open;
    const surplus = this.#closed ? output : this.#open.size > maxOpenOutputs ? oldest : undefined;
    void surplus?.[Symbol.asyncDispose]();
  }
}
