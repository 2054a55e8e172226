import type { Clock } from "../base/clock.ts";
import { isAbort, reasonOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextDelayMs } from "../base/retry.ts";

/** What a loop polls and whom it tells. */
export interface UpdateLoopOptions {
  /** Asks and follows; resolves to whether files changed. */
  readonly update: (signal: AbortSignal) => Promise<boolean>;
  /** Called after each update that changed files; the loop goes on when it settles. */
  readonly onUpdate: () => void | Promise<void>;
  /** Asked for in each round. */
  readonly intervalMs: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Share of the interval by which polls of many agents are spread, in both directions. */
const jitter = 0.1;
const mostBackOffMs = 300_000;

/**
 * Polls until the signal fires. Failures are waited out longer and longer and said once, until they
 * change or are over.
 */
export async function runUpdateLoop(options: UpdateLoopOptions, signal: AbortSignal) {
  const { clock, random, log } = options;
  let failures = 0;
  let said: string | undefined;
  while (true) {
    const { intervalMs } = options;
    const backOff = {
      firstMs: 2 * intervalMs,
      maxMs: Math.max(mostBackOffMs, intervalMs),
      minMs: intervalMs,
    };
    const spread = 1 + jitter * (2 * random() - 1);
    const delayMs = failures === 0
      ? intervalMs * spread
      : nextDelayMs(backOff, failures, random()) ?? intervalMs;
    await clock.sleep(delayMs, signal);
    try {
      const changed = await options.update(signal);
      if (said !== undefined) log.info("The repository can be followed again");
      failures = 0;
      said = undefined;
      if (changed) await tell(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A checkout took the poll's place and does its work.
      if (isAbort(error)) continue;
      failures++;
      const reason = reasonOf(error);
      if (reason !== said) log.warning(`The repository cannot be followed: ${reason}`);
      said = reason;
    }
  }
}

/** Waits for the listener, but not when the loop ends: the listener may be waiting for just that. */
async function tell({ onUpdate, log }: UpdateLoopOptions, signal: AbortSignal): Promise<void> {
  const told = (async () => {
    try {
      await onUpdate();
    } catch (error) {
      log.error(`What follows an update failed: ${reasonOf(error)}`);
    }
  })();
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  await Promise.race([told, ended.promise]);
  signal.removeEventListener("abort", end);
}
