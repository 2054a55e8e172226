import type { Clock } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { CgroupProbe } from "./cgroup_probe.ts";
import {
  cgroupCpuPercent,
  type CgroupFacts,
  cgroupMemoryPercent,
  type CpuSample,
  type HostFacts,
  hostLoadPercent,
  hostMemoryPercent,
  parseCgroupProbe,
} from "./health_values.ts";

/** One reading; a value that could not be had is absent. */
export interface HealthValues {
  readonly memoryPercent?: number;
  readonly loadPercent?: number;
}

/** Where health values come from; an extension module may bring its own. */
export interface HealthReader {
  read(signal: AbortSignal): Promise<HealthValues>;
}

/** What {@link SystemHealthReader} needs. */
export interface SystemHealthReaderOptions {
  readonly probe: CgroupProbe;
  readonly log: Log;
  readonly clock: Clock;
  /** Numbers of the host. Default: those of Deno. */
  readonly host?: () => HostFacts;
}

/** Between the two samples of a first CPU value when no earlier one was taken. */
const firstCpuWindowMs = 100;

/**
 * Probes of a limited cgroup that may fail in a row before the host's numbers are shown: these say little
 * about a container, but a member that shows nothing for 60 s is declared faulty.
 */
const tolerableFailures = 2;

/** The numbers of this host; needs the permissions `systemMemoryInfo` and `loadavg`. */
export function readHost(): HostFacts {
  const { total, available } = Deno.systemMemoryInfo();
  return {
    totalBytes: total,
    availableBytes: available,
    loadAverage: Deno.loadavg()[0] ?? NaN,
    cores: navigator.hardwareConcurrency,
  };
}

/** Health of the container when it has limits, of the host otherwise. */
export class SystemHealthReader implements HealthReader {
  readonly #options: SystemHealthReaderOptions;
  /** Whether the cgroup has a limit; known after the first probe that worked. */
  #isLimited: boolean | undefined;
  #cpu: CpuSample | undefined;
  #failuresInRow = 0;
  #hasWarned = false;

  constructor(options: SystemHealthReaderOptions) {
    this.#options = options;
  }

  /**
   * Takes a first CPU sample, so that the first value covers the time since then. Optional; best at the
   * agent's start. Fails by its signal only.
   */
  async takeBaseline(signal: AbortSignal): Promise<void> {
    const cgroup = await this.#probe(this.#host()?.totalBytes ?? Infinity, signal);
    if (cgroup.cpu) this.#cpu ??= this.#sampled(cgroup.cpu);
  }

  /** The values of now. */
  async read(signal: AbortSignal): Promise<HealthValues> {
    const host = this.#host();
    const cgroup = await this.#probe(host?.totalBytes ?? Infinity, signal);
    if (this.#isLimited && this.#failuresInRow > 0 && this.#failuresInRow <= tolerableFailures) {
      return {};
    }
    const memory = cgroup.memory
      ? cgroupMemoryPercent(cgroup.memory)
      : host && hostMemoryPercent(host);
    const load = cgroup.cpu
      ? await this.#cpuPercent(this.#sampled(cgroup.cpu), signal)
      : host && hostLoadPercent(host);
    return {
      ...(memory === undefined ? {} : { memoryPercent: memory }),
      ...(load === undefined ? {} : { loadPercent: load }),
    };
  }

  #host(): HostFacts | undefined {
    try {
      return (this.#options.host ?? readHost)();
    } catch (error) {
      this.#warn(`the host's memory and load cannot be read: ${reasonOf(error)}`);
      return undefined;
    }
  }

  async #probe(hostBytes: number, signal: AbortSignal): Promise<CgroupFacts> {
    if (this.#isLimited === false) return {};
    try {
      const facts = parseCgroupProbe(await this.#options.probe(signal), hostBytes);
      this.#failuresInRow = 0;
      this.#isLimited ||= facts.memory !== undefined || facts.cpu !== undefined;
      return facts;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      this.#failuresInRow++;
      const shown = this.#isLimited ? "left out, later those of the host" : "those of the host";
      this.#warn(`health values are ${shown}: ${reasonOf(error)}`);
      return {};
    }
  }

  async #cpuPercent(now: CpuSample, signal: AbortSignal): Promise<number | undefined> {
    const before = this.#cpu;
    this.#cpu = now;
    const value = before && cgroupCpuPercent(before, now);
    if (value !== undefined) return value;
    await this.#options.clock.sleep(firstCpuWindowMs, signal);
    const { cpu } = await this.#probe(Infinity, signal);
    if (!cpu) return undefined;
    this.#cpu = this.#sampled(cpu);
    return cgroupCpuPercent(now, this.#cpu);
  }

  #sampled(cpu: Omit<CpuSample, "atMs">): CpuSample {
    return { ...cpu, atMs: this.#options.clock.monotonicMs() };
  }

  /** Once: the same would be true at every interval. */
  #warn(message: string): void {
    if (this.#hasWarned) this.#options.log.debug(message);
    else this.#options.log.warning(message);
    this.#hasWarned = true;
  }
}
