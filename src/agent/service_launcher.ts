import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { killQuietly, Launcher } from "../extensions/launcher.ts";
import { OutputReader } from "../extensions/output_reader.ts";
import type { ServiceManager, ServiceWishes } from "./service_notifier.ts";

/** A process that sends one datagram: what takes longer hangs. */
const limitMs = 10_000;
const outputLimits = { bytes: 4096, lines: 20, lineBytes: 512 };

/**
 * systemd, reached through the launcher: a datagram to its socket would need an unstable interface of
 * Deno, and the agent cannot see the variable that names the socket.
 */
export class ServiceLauncher implements ServiceManager {
  readonly #path: string;
  readonly #launcher: Launcher;
  readonly #clock: Clock;

  /** @param path Absolute, as it is in the `--allow-run` permission. */
  constructor(path: string, log: Log, clock: Clock) {
    this.#path = path;
    this.#launcher = new Launcher(path, log, clock);
    this.#clock = clock;
  }

  async wishes(signal: AbortSignal): Promise<ServiceWishes> {
    return parseWishes(await this.#run(["probe", "service"], signal));
  }

  async tell(assignments: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#run(["notify", ...assignments], signal);
  }

  /** @throws AgentError when it fails; the signal's reason when that fired. */
  async #run(args: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted();
    const failed = (reason: string) =>
      cannot("talk to the service manager with", this.#path, reason, {
        kind: "unavailable",
        retryable: true,
      });
    const child = this.#launcher.start(args, { set: {}, unset: [] });
    const lines: string[] = [];
    const words: string[] = [];
    await using output = new OutputReader(
      child.stdout,
      outputLimits,
      (line) => void lines.push(line),
    );
    await using errors = new OutputReader(
      child.stderr,
      outputLimits,
      (line) => void words.push(line),
    );
    try {
      const [status] = await withDeadline(
        Promise.all([child.status, output.ended, errors.ended]),
        limitMs,
        () => failed("no answer"),
        this.#clock,
        signal,
      );
      if (!status.success) throw failed(words.join("; ") || `status ${status.code}`);
      return lines;
    } catch (error) {
      killQuietly(child, "SIGKILL");
      await child.status;
      throw error;
    }
  }
}

/** Reads what `launcher probe service` says; what it does not know is passed over. */
export function parseWishes(lines: readonly string[]): ServiceWishes {
  const said = new Map(lines.map((line) => {
    const at = line.indexOf(" ");
    return [line.slice(0, at), line.slice(at + 1)] as const;
  }));
  const watchdogMs = Math.floor(Number(said.get("watchdog_usec") ?? 0) / 1000);
  return {
    listens: said.get("notify") === "1",
    ...(Number.isSafeInteger(watchdogMs) && watchdogMs > 0 ? { watchdogMs } : {}),
  };
}
