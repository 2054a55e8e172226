import { type Clock, withDeadline } from "./clock.ts";

/**
 * Which of the ports accept a TCP connection right now.
 *
 * @param host Name or address.
 * @param limitMs How long one port may take to answer.
 */
export async function openPorts(
  host: string,
  ports: readonly number[],
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const accepted = await Promise.all(ports.map(async (port) => {
    const attempt = new AbortController();
    const connecting = Deno.connect({
      hostname: host,
      port,
      signal: AbortSignal.any([attempt.signal, signal]),
    });
    try {
      const limit = () => new Error("no answer in time");
      const connection = await withDeadline(connecting, limitMs, limit, clock, signal);
      connection.close();
      return true;
    } catch (error) {
      attempt.abort();
      await connecting.then((late) => late.close(), () => {});
      if (error instanceof Deno.errors.NotCapable) throw error;
      return false;
    }
  }));
  signal.throwIfAborted();
  return new Set(ports.filter((_, index) => accepted[index]));
}
