import type { Clock } from "../base/clock.ts";
import { readIfPresent } from "../base/durable_file.ts";

const pauseMs = 1_000;

/**
 * Resolves when the file holds `true`: the original's way to end an agent without a signal.
 *
 * It is looked at once a second: watching for a file that does not exist yet would need permission to
 * read the whole home.
 */
export async function untilTerminator(
  path: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!await holdsTrue(path)) await clock.sleep(pauseMs, signal);
}

async function holdsTrue(path: string): Promise<boolean> {
  const text = await readIfPresent(path);
  return text !== undefined && /^\s*true\s*$/i.test(text.slice(0, 100));
}
