import { type Clock, withDeadline } from "../base/clock.ts";
import { reasonOf } from "../base/errors.ts";
import type { TaskGroup } from "../base/tasks.ts";
import type { Outbox } from "../broker/outbox.ts";
import type { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { WatchedService } from "./service.ts";

/** What is ended when an agent ends. */
export interface Endings {
  readonly tasks: TaskGroup;
  readonly lifecycle: Lifecycle;
  readonly outbox: Outbox;
  /** Who started the agent, when it wants to hear of its end. */
  readonly service?: WatchedService;
  readonly connections: AsyncDisposableStack;
}

/**
 * Ends an agent: first the work, then what it left to be sent, then the connections.
 *
 * @param limitMs Milliseconds for all of it.
 * @returns Names of what had not ended by then.
 */
export async function shutDown(
  limitMs: number,
  clock: Clock,
  { tasks, lifecycle, outbox, service, connections }: Endings,
): Promise<readonly string[]> {
  const startMs = clock.monotonicMs();
  const leftMs = () => Math.max(0, limitMs - (clock.monotonicMs() - startMs));
  const late = () => new Error("limit");
  // Work may take most of the time, but the broker must get its share for the last events; what waits
  // already is sent meanwhile.
  const workMs = limitMs * 0.7;
  const [work, watches] = await Promise.all([
    lifecycle.stop(workMs),
    tasks.close(workMs),
    service?.ending(workMs),
  ]);
  const stragglers = [...work, ...watches];
  const flush = new AbortController();
  await withDeadline(outbox.flushed(flush.signal), leftMs() * 0.7, late, clock)
    .catch(() => void stragglers.push("status events that wait for the broker"));
  flush.abort();
  await withDeadline(connections.disposeAsync(), leftMs(), late, clock)
    .catch((error) => void stragglers.push(`closing of connections (${reasonOf(error)})`));
  return stragglers;
}
