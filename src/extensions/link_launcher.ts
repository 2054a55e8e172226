import { cannot } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { killQuietly, Launcher } from "./launcher.ts";
import { OutputReader } from "./output_reader.ts";

/** A line for each link that was not made; the first ones tell what is the matter. */
const limits = { bytes: 64 * 1024, lines: 5, lineBytes: 512 };

/** Makes symbolic links through the launcher: the agent itself has no permission for it. */
export class LinkLauncher {
  readonly #path: string;
  readonly #launcher: Launcher;

  /** @param path Absolute, as it is in the `--allow-run` permission. */
  constructor(path: string, log: Log, clock: Clock) {
    this.#path = path;
    this.#launcher = new Launcher(path, log, clock);
  }

  /**
   * Makes the links that the file `links.list` in a directory names, below `links` in it.
   *
   * @param directory Absolute, one's own.
   * @param signal Ends the launcher at once.
   * @returns Why links are missing; `undefined` when none is.
   * @throws AgentError when the launcher cannot be started; the signal's reason when that fired.
   */
  async makeLinks(directory: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const child = this.#launcher.start(["link", directory], { set: {}, unset: [] });
    const kill = () => killQuietly(child, "SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
    try {
      const words: string[] = [];
      await using output = new OutputReader(child.stdout, limits, (line) => void words.push(line));
      await using errors = new OutputReader(child.stderr, limits, (line) => void words.push(line));
      const [status] = await Promise.all([child.status, output.ended, errors.ended]);
      signal.throwIfAborted();
      if (status.success) return undefined;
      const said = words.join("; ") || `status ${status.code}`;
      return cannot("make links with", this.#path, said, { kind: "permission" }).message;
    } finally {
      signal.removeEventListener("abort", kill);
    }
  }
}
