import { join } from "node:path";
import { type AgentError, cannot, reasonOf } from "../base/errors.ts";
import { readRecords } from "../broker/outbox_records.ts";

/** What the state directory tells of an agent that cannot be asked. */
export interface LastKnown {
  /** Another process holds the lock of the home: an agent runs. */
  readonly isRunning: boolean;
  /** Whose state it is. */
  readonly memberId?: string;
  /** The last status event that was handed on. */
  readonly published?: string;
  /** A clean-up was asked for. */
  readonly cleanUp: boolean;
  /** Status events that no broker has acknowledged. */
  readonly waiting: number;
}

/**
 * Reads what an agent remembers, and leaves it as it is; for `status` when nobody answers.
 *
 * What is missing or damaged counts as unknown: the agent says that itself, at its next start.
 */
export async function lastKnown(stateDir: string): Promise<LastKnown> {
  const memory = parsed(await read(join(stateDir, "lifecycle.json")));
  const outbox = await read(join(stateDir, "outbox.jsonl"));
  const { memberId, published, cleanUp } = memory;
  return {
    isRunning: await isLocked(join(stateDir, "lock")),
    ...typeof memberId === "string" ? { memberId } : {},
    ...typeof published === "string" ? { published } : {},
    cleanUp: cleanUp === true,
    waiting: outbox === undefined ? 0 : readRecords(outbox).pending.length,
  };
}

async function isLocked(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true });
    // Shared: it is refused only by one who holds it alone, and nobody is kept out by it for long.
    return !await file.tryLock(false);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw unreadable(path, error);
  }
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unreadable(path, error);
  }
}

/** Whoever asks is another user than the agent's, most of the time. */
function unreadable(path: string, error: unknown): AgentError {
  return cannot("read", path, reasonOf(error), { kind: "permission", cause: error });
}

function parsed(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
