import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { Outbox, type OutboxOptions } from "../../src/broker/outbox.ts";
import { FakeClock } from "../fake_clock.ts";
import { type MemoryLog, memoryLog } from "../memory_log.ts";

/** A directory that is removed at the end, and the outbox file in it. */
export interface StateDirectory extends AsyncDisposable {
  readonly directory: string;
  readonly path: string;
}

export async function makeStateDirectory(): Promise<StateDirectory> {
  const directory = await Deno.makeTempDir();
  return {
    directory,
    path: join(directory, "outbox.jsonl"),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** A publisher that records, and fails or waits as a test says. */
export class FakePublisher {
  /** `topic payload` of everything that was acknowledged. */
  readonly acknowledged: string[] = [];
  /** The same of everything that was tried. */
  readonly tried: string[] = [];
  /** What happens to a message; default: it is acknowledged. */
  answer: (topic: string, signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  async publish(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    this.tried.push(`${topic} ${payload}`);
    await this.answer(topic, signal);
    this.acknowledged.push(`${topic} ${payload}`);
  }
}

/** An answer: there is no connection. */
export const offline = (): Promise<void> =>
  Promise.reject(new AgentError("no connection", { kind: "unavailable", retryable: true }));

/** An answer: none, until the publisher is told to stop. */
export const hanging = (_topic: string, signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );

/** An outbox with everything a test looks at. */
export interface OutboxEnd extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly publisher: FakePublisher;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
}

export async function openOutboxEnd(
  path: string,
  options: Partial<OutboxOptions> & { publisher?: FakePublisher; clock?: FakeClock } = {},
): Promise<OutboxEnd> {
  const { publisher = new FakePublisher(), clock = new FakeClock(), ...rest } = options;
  const log = memoryLog();
  const outbox = await Outbox.open({
    path,
    publisher,
    clock,
    log,
    warnAfterMs: 900_000,
    random: () => 0.5,
    ...rest,
  });
  return {
    outbox,
    publisher,
    clock,
    log,
    [Symbol.asyncDispose]: () => outbox[Symbol.asyncDispose](),
  };
}

/** A signal that never fires. */
export const never: AbortSignal = new AbortController().signal;
