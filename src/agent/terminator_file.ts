import type { Clock } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

const pauseMs = 1_000;

/**
 * Resolves when the file holds `true`: the original's way to end an agent without a signal.
 *
 * It is looked at once a second: watching for a file that does not exist yet would need permission to
 * read the whole home.
 */
export async function untilTerminator(
  path: string,
  log: Log,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let said: string | undefined;
  while (true) {
    try {
      if (await holdsTrue(path)) return;
    } catch (error) {
      // It may be mended; a file that cannot be read now must not end the watch.
      const reason = reasonOf(error);
      if (reason !== said) log.warning(`Cannot read "${path}": ${reason}`);
      said = reason;
    }
    await clock.sleep(pauseMs, signal);
  }
}

async function holdsTrue(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true });
    const bytes = new Uint8Array(100);
    const read = await file.read(bytes) ?? 0;
    return /^\s*true\s*$/i.test(new TextDecoder().decode(bytes.subarray(0, read)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
