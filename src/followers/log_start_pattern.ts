import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { StartsMessage } from "./log_lines.ts";

/** A single match may not take longer, or joining is switched off. */
const slowMs = 50;

/**
 * Tells by `multiline.start` whether a line starts a message; `undefined` without a pattern.
 *
 * The configuration accepts only patterns whose work is bounded; should one be too slow all the same,
 * it is given up with a warning, and every line is a message from then on.
 */
export function startPattern(
  pattern: string | undefined,
  log: Log,
  clock: Clock,
): StartsMessage | undefined {
  if (pattern === undefined) return undefined;
  const expression = new RegExp(pattern, "u");
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let isGivenUp = false;
  return (line) => {
    if (isGivenUp) return true;
    const startMs = clock.monotonicMs();
    const matches = expression.test(decoder.decode(line));
    if (clock.monotonicMs() - startMs > slowMs) {
      isGivenUp = true;
      log.warning("multiline.start is too slow: lines are published one by one");
    }
    return matches;
  };
}
