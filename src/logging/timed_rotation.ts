/** When a file is rotated, as Python's `TimedRotatingFileHandler` says it. */
export interface TimedRotation {
  readonly unit: "seconds" | "minutes" | "hours" | "days" | "midnight" | "week";
  /** Units between two rotations; of weeks always one. */
  readonly interval: number;
  /** Monday is 0; for weeks. */
  readonly weekday?: number;
  /** Days begin at midnight of UTC instead of local time. */
  readonly utc: boolean;
}

const units: Readonly<Record<string, TimedRotation["unit"]>> = {
  S: "seconds",
  M: "minutes",
  H: "hours",
  D: "days",
  MIDNIGHT: "midnight",
};
const unitMs = { seconds: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };
/** How much of the time names a rotated file: `2026-01-31_23-59-59`, cut. */
const suffixLengths = { seconds: 19, minutes: 16, hours: 13, days: 10, midnight: 10, week: 10 };

/** What `when` and `interval` mean; undefined for what is no such time. */
export function findTimedRotation(
  when: string,
  interval: number,
  utc: boolean,
): TimedRotation | undefined {
  const upper = when.toUpperCase();
  const weekday = /^W([0-6])$/.exec(upper)?.[1];
  if (weekday !== undefined) {
    return { unit: "week", interval: 1, weekday: Number(weekday), utc };
  }
  const unit = Object.hasOwn(units, upper) ? units[upper] : undefined;
  return unit === undefined ? undefined : { unit, interval, utc };
}

/**
 * The moment at which a file that was begun at a time is rotated.
 *
 * @param begunMs Milliseconds since 1970: when the file was last written before this process, or begun.
 */
export function nextRotationMs(rotation: TimedRotation, begunMs: number): number {
  const { unit, interval } = rotation;
  if (unit !== "midnight" && unit !== "week") return begunMs + interval * unitMs[unit];
  const begun = new Date(begunMs);
  // 0 is Sunday to JavaScript, Monday to Python.
  const today = ((rotation.utc ? begun.getUTCDay() : begun.getDay()) + 6) % 7;
  const days = unit === "midnight" ? interval : (((rotation.weekday ?? 0) - today + 7) % 7) + 1;
  return rotation.utc
    ? Date.UTC(begun.getUTCFullYear(), begun.getUTCMonth(), begun.getUTCDate() + days)
    : new Date(begun.getFullYear(), begun.getMonth(), begun.getDate() + days).getTime();
}

/** What is put behind the name of a file that was begun at a time: `2026-01-31`. */
export function rotatedSuffix({ unit, utc }: TimedRotation, begunMs: number): string {
  const date = new Date(begunMs);
  const local = new Date(begunMs - (utc ? 0 : date.getTimezoneOffset() * 60_000));
  return local.toISOString().replace("T", "_").replaceAll(":", "-").slice(0, suffixLengths[unit]);
}

/** Whether a text could be such a suffix, with or without the number of one that was there already. */
export function isRotatedSuffix(text: string): boolean {
  return /^\d{4}-\d\d-\d\d(_\d\d(-\d\d){0,2})?(\.\d{1,4})?$/.test(text);
}
