/** The middle of some numbers, of an even count the lower one of the two. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

/** One row of figures: median and range of what was measured in this run. */
export function row(name: string, unit: string, numbers: readonly number[], note = ""): string {
  const digits = Math.max(...numbers) < 10 ? 2 : Math.max(...numbers) < 100 ? 1 : 0;
  const show = (value: number) => value.toFixed(digits).padStart(9);
  const range = `${show(Math.min(...numbers))} … ${show(Math.max(...numbers)).trim()}`;
  return `${name.padEnd(58)} ${show(median(numbers))} ${
    unit.padEnd(3)
  } ${range} (n=${numbers.length}) ${note}`
    .trimEnd();
}

/** Resident memory and processor time of a process, from `/proc`. */
export async function usageOf(pid: number): Promise<{ rssMiB: number; cpuSeconds: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticksPerSecond = 100;
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  return { rssMiB: rssKiB / 1024, cpuSeconds };
}
