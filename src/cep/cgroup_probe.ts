import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";

/** How long the probe may take. */
const probeLimitMs = 2_000;
/** Seven short lines are expected. */
const probeLimitBytes = 16 * 1024;

/** Gives the lines of a cgroup probe. */
export type CgroupProbe = (signal: AbortSignal) => Promise<string>;

/**
 * Reads the own cgroup through the launcher: the agent itself may not read `/sys`.
 *
 * @param launcher Absolute path of the launcher.
 * @throws AgentError when it cannot be started, fails, or passes 2 s or 16 KiB; it is killed then.
 */
export function launcherProbe(launcher: string, clock: Clock): CgroupProbe {
  return async (signal) => {
    signal.throwIfAborted();
    const fail = (reason: string, cause?: unknown) =>
      cannot("read the cgroup with", launcher, reason, {
        kind: "unavailable",
        cause,
        retryable: true,
      });
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(launcher, {
        args: ["probe", "cgroup"],
        // The environment may hold secrets, and the probe needs nothing of it.
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
    } catch (error) {
      throw fail(reasonOf(error), error);
    }
    const output = readBounded(child.stdout);
    try {
      const tooLate = () => fail(`it took longer than ${probeLimitMs / 1000} s`);
      const [text, status] = await withDeadline(
        Promise.all([output.text, child.status]),
        probeLimitMs,
        tooLate,
        clock,
        signal,
      );
      if (text === undefined) throw fail(`it printed more than ${probeLimitBytes} bytes`);
      if (!status.success) throw fail(`exit status ${status.code}`);
      return text;
    } catch (error) {
      kill(child);
      throw error;
    } finally {
      // A grandchild could hold the pipe open; nobody waits for it.
      await output.cancel();
      await child.status;
    }
  };
}

interface BoundedOutput {
  /** `undefined` when there was more than the limit. */
  readonly text: Promise<string | undefined>;
  cancel(): Promise<void>;
}

function readBounded(stream: ReadableStream<Uint8Array>): BoundedOutput {
  const reader = stream.getReader();
  const read = async () => {
    const decoder = new TextDecoder();
    let text = "";
    let bytes = 0;
    while (true) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.length;
      if (bytes > probeLimitBytes) {
        await reader.cancel();
        return undefined;
      }
      text += decoder.decode(value, { stream: true });
    }
  };
  return { text: read(), cancel: () => reader.cancel() };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
