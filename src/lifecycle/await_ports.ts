import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { PortProbe } from "./ports.ts";

const firstPauseMs = 250;
const slowestPauseMs = 2_000;
const overduePauseMs = 5_000;
/** How many quick probes come before the pause grows. */
const quickProbes = 40;

/** What is awaited, and for how long before it is said to be late. */
export interface AwaitedPorts {
  readonly ports: readonly number[];
  readonly listenAddress: string;
  /** Milliseconds until one error names the ports that are still closed; probing goes on. */
  readonly timeoutMs: number;
}

/**
 * Waits until every port accepts a connection.
 *
 * Probes at once, then every 250 ms, after ten seconds more and more slowly up to every 2 s, and every
 * 5 s once the time-out has passed: a server that takes its time is not given up on.
 *
 * @throws the signal's reason when it fires.
 */
export async function awaitPorts(
  awaited: AwaitedPorts,
  probe: PortProbe,
  log: Log,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const startMs = clock.monotonicMs();
  const closed = new Set(awaited.ports);
  let overdue = false;
  for (let probes = 1; closed.size > 0; probes++) {
    const open = await probe.open([...closed], signal);
    for (const port of open) closed.delete(port);
    if (closed.size === 0) break;
    if (!overdue && clock.monotonicMs() - startMs >= awaited.timeoutMs) {
      overdue = true;
      const names = [...closed].join(", ");
      log.error(
        `Port ${names} of ${awaited.listenAddress} did not open within ` +
          `${
            awaited.timeoutMs / 1000
          } s (port.check.timeout). The instance is activated once it does.`,
        { ports: [...closed] },
      );
    }
    await clock.sleep(overdue ? overduePauseMs : pauseMs(probes), signal);
  }
}

function pauseMs(probes: number): number {
  const growth = Math.max(0, probes - quickProbes);
  return Math.min(slowestPauseMs, firstPauseMs * 1.25 ** growth);
}
