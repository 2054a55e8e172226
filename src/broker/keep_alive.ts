import type { Clock } from "../base/clock.ts";
import type { Link } from "./link.ts";

/** A packet may take this many keep-alive periods to arrive. */
const packetPeriods = 10;

/**
 * Pings twice per keep-alive period and watches whether anything comes back.
 *
 * Any byte counts as a sign of life, so that a large packet on a slow line is not taken for silence;
 * but after ten periods a whole packet must have come, or a server could drip for ever. Two silent
 * half periods in a row are needed, so that one stall of the whole process is not taken for one.
 *
 * @param keepAliveMs The keep-alive period, in milliseconds.
 * @returns Resolves with the reason once the broker is silent, or when the signal fires.
 */
export async function untilSilent(
  link: Pick<Link, "heardBytes" | "heardPackets" | "ping">,
  keepAliveMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  let { heardBytes, heardPackets } = link;
  let [silent, dripping] = [0, 0];
  while (true) {
    try {
      await clock.sleep(keepAliveMs / 2, signal);
    } catch {
      return "it was closed";
    }
    silent = link.heardBytes === heardBytes ? silent + 1 : 0;
    dripping = link.heardPackets === heardPackets ? dripping + 1 : 0;
    ({ heardBytes, heardPackets } = link);
    if (silent === 2) return `the broker was silent for ${keepAliveMs / 1000} s`;
    if (dripping === 2 * packetPeriods) {
      return `the broker sent no whole packet for ${packetPeriods * keepAliveMs / 1000} s`;
    }
    link.ping();
  }
}
