/**
 * Health percentages out of raw numbers; pure.
 *
 * Memory is (total - available) / total of the host, or, under a limit, (current - inactive file
 * cache) / limit of the cgroup: with the cache every instance would read as full. Load is the 1-minute
 * load average / cores, or, under a CPU quota, the CPU time of the cgroup since the last sample /
 * (elapsed time * quota): the host's load average says nothing about a container's share.
 */

/** What the host shows. */
export interface HostFacts {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** 1-minute load average. */
  readonly loadAverage: number;
  readonly cores: number;
}

/** Memory of a cgroup that has a limit. */
export interface CgroupMemory {
  readonly currentBytes: number;
  readonly inactiveFileBytes: number;
  readonly limitBytes: number;
}

/** CPU of a cgroup that has a quota. */
export interface CgroupCpu {
  /** CPU seconds per second. */
  readonly quotaCores: number;
  /** CPU time used since the group exists. */
  readonly usageMicros: number;
}

/** The limits of the own cgroup; absent where there is none. */
export interface CgroupFacts {
  readonly memory?: CgroupMemory;
  readonly cpu?: CgroupCpu;
}

/**
 * Reads the lines `name value` of the cgroup probe, v2 and v1; what is missing or no number counts as
 * no limit.
 *
 * @param hostBytes Memory of the host: v1 writes "no limit" as a huge number.
 */
export function parseCgroupProbe(text: string, hostBytes: number): CgroupFacts {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^(\S+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !values.has(name)) values.set(name, value);
  }
  const number = (name: string) => numberOf(values.get(name));
  const memory = memoryOf(
    number("memory.current"),
    number("memory.inactive_file"),
    number("memory.max"),
    hostBytes,
  ) ??
    memoryOf(
      number("memory.usage_in_bytes"),
      number("memory.total_inactive_file"),
      number("memory.limit_in_bytes"),
      hostBytes,
    );
  const [quota, period] = (values.get("cpu.max") ?? "").split(/\s+/);
  const cpu = cpuOf(numberOf(quota), numberOf(period), number("cpu.usage_usec")) ??
    cpuOf(
      number("cpu.cfs_quota_us"),
      number("cpu.cfs_period_us"),
      (number("cpuacct.usage") ?? NaN) / 1000,
    );
  return { ...(memory ? { memory } : {}), ...(cpu ? { cpu } : {}) };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,20}$/.test(text) ? Number(text) : undefined;
}

/** Beyond any real limit, below the 2^63 - 4096 that v1 writes for none. */
const noLimitBytes = 2 ** 60;

function memoryOf(
  currentBytes: number | undefined,
  inactiveFileBytes: number | undefined,
  limitBytes: number | undefined,
  hostBytes: number,
): CgroupMemory | undefined {
  if (currentBytes === undefined || limitBytes === undefined) return undefined;
  if (limitBytes <= 0 || limitBytes >= Math.min(hostBytes, noLimitBytes)) return undefined;
  return { currentBytes, inactiveFileBytes: inactiveFileBytes ?? 0, limitBytes };
}

function cpuOf(
  quotaMicros: number | undefined,
  periodMicros: number | undefined,
  usageMicros: number | undefined,
): CgroupCpu | undefined {
  if (quotaMicros === undefined || periodMicros === undefined) return undefined;
  if (usageMicros === undefined || Number.isNaN(usageMicros)) return undefined;
  if (quotaMicros <= 0 || periodMicros <= 0) return undefined;
  return { quotaCores: quotaMicros / periodMicros, usageMicros };
}

/** Memory in use of the host, percent. */
export function hostMemoryPercent({ totalBytes, availableBytes }: HostFacts): number | undefined {
  return percent(totalBytes - availableBytes, totalBytes, 100);
}

/** Memory in use of the cgroup, percent. */
export function cgroupMemoryPercent(memory: CgroupMemory): number | undefined {
  return percent(memory.currentBytes - memory.inactiveFileBytes, memory.limitBytes, 100);
}

/** Load of the host, percent; above 100 when work queues up. */
export function hostLoadPercent({ loadAverage, cores }: HostFacts): number | undefined {
  return percent(loadAverage, cores);
}

/** A reading of the CPU time with its time. */
export interface CpuSample extends CgroupCpu {
  /** On a clock that never jumps back. */
  readonly atMs: number;
}

/**
 * CPU time between two samples, percent of the quota.
 *
 * @returns `undefined` when they do not follow each other in time and use.
 */
export function cgroupCpuPercent(before: CpuSample, now: CpuSample): number | undefined {
  const elapsedMicros = (now.atMs - before.atMs) * 1000;
  const usedMicros = now.usageMicros - before.usageMicros;
  if (usedMicros < 0) return undefined;
  return percent(usedMicros, elapsedMicros * now.quotaCores);
}

/** Never NaN, infinite or negative. */
function percent(part: number, whole: number, most = Infinity): number | undefined {
  const value = part / whole * 100;
  if (!(whole > 0) || !Number.isFinite(value)) return undefined;
  return Math.min(Math.max(value, 0), most);
}
