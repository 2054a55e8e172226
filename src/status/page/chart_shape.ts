/** A value at a time. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly percent: number;
}

/** Where things are in a chart, in units of its picture. */
export interface ChartShape {
  /** The line, in pieces where measurements are missing. */
  readonly lines: readonly string[];
  readonly points: readonly (Sample & { readonly x: number; readonly y: number })[];
  readonly down: readonly { readonly y: number; readonly text: string }[];
  readonly along: readonly { readonly x: number; readonly text: string }[];
}

/** The inner rectangle of a chart. */
export interface ChartFrame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const minuteMs = 60_000;
const leastGapMs = 30_000;

/** Lays out a chart of what was measured in the last 10, 30 or 60 minutes. */
export function chartShape(
  samples: readonly Sample[],
  nowMs: number,
  { left, top, right, bottom }: ChartFrame,
): ChartShape {
  const oldestMs = nowMs - (samples[0]?.timeMs ?? nowMs);
  const minutes = [10, 30].find((span) => oldestMs <= span * minuteMs) ?? 60;
  const highest = axisEnd(Math.max(0, ...samples.map(({ percent }) => percent)));
  const startMs = nowMs - minutes * minuteMs;
  const scale = (right - left) / (minutes * minuteMs);
  const points = samples.filter(({ timeMs }) => timeMs >= startMs && timeMs <= nowMs + minuteMs)
    .map((sample) => ({
      ...sample,
      x: round(Math.min(right, left + (sample.timeMs - startMs) * scale)),
      y: round(bottom - Math.max(0, sample.percent) / highest * (bottom - top)),
    }));
  return {
    lines: pieces(points),
    points,
    down: [0, highest / 2, highest].map((percent) => ({
      y: round(bottom - percent / highest * (bottom - top)),
      text: `${percent} %`,
    })),
    along: [minutes, minutes / 2, 0].map((before) => ({
      x: round(right - before * minuteMs * scale),
      text: before === 0 ? "now" : `−${before} min`,
    })),
  };
}

/** The end of the axis: a round number that has everything below it. */
function axisEnd(highest: number): number {
  let end = 10;
  for (const factor of [2, 2.5, 2]) {
    if (end < highest) end *= factor;
  }
  while (end < highest && end < 1e9) end *= 2;
  return end;
}

function pieces(points: ChartShape["points"]): readonly string[] {
  const steps = points.slice(1).map(({ timeMs }, i) => timeMs - points[i]!.timeMs);
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const gapMs = Math.max(leastGapMs, 3 * usual);
  const lines: string[] = [];
  points.forEach(({ x, y, timeMs }, i) => {
    const before = points[i - 1];
    if (before && timeMs - before.timeMs <= gapMs) lines[lines.length - 1] += `L${x} ${y}`;
    // A single value is a dot: a line of no length with a round end.
    else lines.push(`M${x} ${y}h0`);
  });
  return lines;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
