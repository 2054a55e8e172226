import type { Clock } from "../base/clock.ts";
import type { Sighting } from "./sighting.ts";

const everyMs = 10_000;

/**
 * Makes a filter for the timeline: of each kind of health value the first, then one in ten seconds, and
 * everything else.
 */
export function healthPace(clock: Clock): (sighting: Sighting) => boolean {
  const shownAtMs = new Map<string, number>();
  return (sighting) => {
    if (sighting.kind !== "health") return true;
    const nowMs = clock.monotonicMs();
    const lastMs = shownAtMs.get(sighting.description);
    if (lastMs !== undefined && nowMs - lastMs < everyMs) return false;
    shownAtMs.set(sighting.description, nowMs);
    return true;
  };
}
