import { dirname } from "node:path";
import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { OutputReader } from "./output_reader.ts";
import { runOrder } from "./run_order.ts";

const probeTimeoutMs = 10_000;
/** Names of variables, not values: more than this is no environment that a kernel accepts. */
const probeLimits = { bytes: 2 * 1024 * 1024, lines: 100_000, lineBytes: 1024 };

/** What the launcher changes in the environment that its child inherits. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

const noChange: EnvironmentChange = { set: {}, unset: [] };

/** The launcher program: the only one that the agent may start. */
export class Launcher {
  readonly #path: string;
  readonly #dir: string;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Deno lets nobody start a program while these variables hold something. */
  readonly #loaderNames = new Set<string>();
  #inherited: Promise<readonly string[]> | undefined;

  /** @param path Absolute, as it is in the `--allow-run` permission. */
  constructor(path: string, log: Log, clock: Clock) {
    this.#path = path;
    this.#dir = dirname(path);
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Starts the launcher, its input empty and its outputs piped.
   *
   * Not `detached`: that makes Deno copy its whole memory map for every start, which takes several
   * times as long as the launcher itself. It is the launcher who makes a process group.
   *
   * @throws AgentError `limit` when arguments and environment are too large, else `permission`.
   */
  start(args: readonly string[], environment: EnvironmentChange): Deno.ChildProcess {
    return this.#spawn(args, environment, { stdin: "null", stdout: "piped", stderr: "piped" });
  }

  /**
   * Starts a launcher that waits to be told by a {@link orderOf}, its input and outputs piped.
   *
   * @throws AgentError like {@link start}.
   */
  startWaiting(): Deno.ChildProcess {
    return this.#spawn(["await"], noChange, { stdin: "piped", stdout: "piped", stderr: "piped" });
  }

  /**
   * What a waiting launcher is told to become what `start(["run", ...args], environment)` becomes.
   *
   * @returns Undefined when it cannot: see {@link runOrder}.
   */
  orderOf(
    args: readonly string[],
    { set, unset }: EnvironmentChange,
  ): Uint8Array<ArrayBuffer> | undefined {
    return runOrder(args, { set, unset: [...unset, ...this.#loaderNames] });
  }

  /**
   * Starts a guard, which takes its orders on its input and says nothing.
   *
   * @throws AgentError like {@link start}.
   */
  startGuard(): Deno.ChildProcess {
    // It may outlive the agent: nothing of the agent's environment, its passwords least of all.
    return this.#spawn(["guard"], noChange, {
      clearEnv: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    });
  }

  /**
   * Ends the process group of a child that was started with `run`: TERM, and KILL after the grace.
   *
   * @param graceMs Whole milliseconds.
   * @returns A process that ends when nobody of the group is left, with status 0 then.
   * @throws AgentError like {@link start}.
   */
  startStop(pid: number, graceMs: number): Deno.ChildProcess {
    const set = { CARTRIDGE_AGENT_GRACE_MS: Math.round(graceMs).toString() };
    const environment = { set, unset: [] };
    return this.#spawn(["stop", `${pid}`], environment, {
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
  }

  #spawn(
    args: readonly string[],
    environment: EnvironmentChange,
    stdio: Pick<Deno.CommandOptions, "clearEnv" | "stdin" | "stdout" | "stderr">,
  ): Deno.ChildProcess {
    while (true) {
      const emptied = [...this.#loaderNames];
      const command = new Deno.Command(this.#path, {
        args: [...args],
        cwd: this.#dir,
        env: {
          ...Object.fromEntries(emptied.map((name) => [name, ""])),
          ...environment.set,
          CARTRIDGE_AGENT_UNSET: [...environment.unset, ...emptied].join(" "),
        },
        ...stdio,
      });
      try {
        return command.spawn();
      } catch (error) {
        if (!this.#emptyLoaderNames(error)) throw startError(this.#path, error);
      }
    }
  }

  /**
   * Names of the variables that children inherit; asked once, for the agent cannot read its own
   * environment.
   *
   * @throws AgentError `internal` when the launcher does not answer; the next call asks again.
   */
  inheritedNames(): Promise<readonly string[]> {
    this.#inherited ??= this.#probeEnvironment().catch((error) => {
      this.#inherited = undefined;
      throw error;
    });
    return this.#inherited;
  }

  async #probeEnvironment(): Promise<readonly string[]> {
    const child = this.start(["probe", "environment"], noChange);
    const names: string[] = [];
    await using _output = new OutputReader(child.stdout, probeLimits, (line) => names.push(line));
    const words: string[] = [];
    await using _words = new OutputReader(child.stderr, probeLimits, (line) => words.push(line));
    const failed = (reason: string) =>
      cannot("ask for the environment", this.#path, reason, { kind: "internal" });
    try {
      const [status] = await withDeadline(
        Promise.all([child.status, _output.ended, _words.ended]),
        probeTimeoutMs,
        () => failed("no answer"),
        this.#clock,
      );
      if (!status.success) throw failed(words.join("; ") || `status ${status.code}`);
    } catch (error) {
      killQuietly(child, "SIGKILL");
      throw error;
    }
    return names;
  }

  /** After a refusal because of LD_* variables: has them emptied from now on. */
  #emptyLoaderNames(error: unknown): boolean {
    if (!(error instanceof Deno.errors.NotCapable)) return false;
    const names = (error.message.match(/\b(?:LD|DYLD)_\w+/g) ?? [])
      .filter((name) => !this.#loaderNames.has(name));
    for (const name of names) this.#loaderNames.add(name);
    if (names.length > 0) {
      this.#log.warning(
        `extensions do not get ${
          names.join(", ")
        } of the agent's environment: set them in the scripts`,
        { names },
      );
    }
    return names.length > 0;
  }
}

/** Sends a signal; a process that has ended already needs none. */
export function killQuietly(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // Deno says it in one of two ways, depending on who noticed first.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function startError(path: string, error: unknown): Error {
  const reason = reasonOf(error);
  const tooLarge = reason.includes("os error 7)");
  return cannot("start", path, reason, {
    kind: tooLarge ? "limit" : "permission",
    cause: error,
  });
}
