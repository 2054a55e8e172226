import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { launcherProbe } from "../../src/cep/cgroup_probe.ts";
import { SystemHealthReader } from "../../src/cep/health_reader.ts";
import { row } from "./figures.ts";

const launcher = fileURLToPath(new URL("../../extensions/launcher", import.meta.url));
/** A cgroup with limits, as the probe shows it: then every sample takes a probe. */
const limited = "memory.current 500\nmemory.max 1000\nmemory.inactive_file 100\n" +
  "cpu.max 50000 100000\ncpu.usage_usec ";

/**
 * Processor time of one health sample: without a limit, where the host's numbers are read and nothing is
 * started, and with one, where the launcher reads the cgroup.
 */
export async function healthBench(quick: boolean): Promise<void> {
  const rounds = quick ? 2 : 10;
  const never = new AbortController().signal;
  const options = { log: silentLog, clock: systemClock };
  const host = new SystemHealthReader({
    ...options,
    probe: () => Promise.resolve("cpu.max max 1\n"),
  });
  const probe = launcherProbe(launcher, systemClock);
  let usage = 0;
  const container = new SystemHealthReader({
    ...options,
    probe: async (signal) => {
      await probe(signal);
      return `${limited}${usage += 1_000}\n`;
    },
  });
  await container.takeBaseline(never);
  await host.read(never);
  const figures = { host: [] as number[], container: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    figures.host.push(await cpuMsOf(() => host.read(never), 20_000));
    figures.container.push(await cpuMsOf(() => container.read(never), 50));
  }
  console.log(row("health: processor time of a sample, host", "ms", figures.host));
  console.log(row("health: of a sample in a container with limits", "ms", figures.container));
}

/** Processor time of one run, this process and the ones that it waited for. */
async function cpuMsOf(work: () => Promise<unknown>, runs: number): Promise<number> {
  const before = cpuTicks();
  for (let run = 0; run < runs; run++) await work();
  const tickMs = 10;
  return (cpuTicks() - before) * tickMs / runs;
}

function cpuTicks(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, and of children cutime, cstime
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}
