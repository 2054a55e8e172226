import { systemClock, withDeadline } from "../base/clock.ts";
import { AgentError, type ErrorKind, reasonOf } from "../base/errors.ts";
import type { RuntimeScope } from "../scope/runtime_scope.ts";
import { workerPermissions } from "../scope/worker_permissions.ts";
import type { ReloadBell } from "./reload_bell.ts";

/** What the sealed agent is told. */
export type SealedOrder =
  | {
    readonly kind: "start";
    /** Those of the command `run`. */
    readonly args: readonly string[];
    /** Kinds of permission that the seal takes away. */
    readonly excess: readonly string[];
  }
  | { readonly kind: "reload" }
  | { readonly kind: "end"; readonly reason: string };

/** What the sealed agent says. */
export type SealedWord =
  /** It takes orders from now on. */
  | { readonly kind: "ready" }
  | { readonly kind: "ended"; readonly status: number }
  | { readonly kind: "refused"; readonly message: string; readonly error: ErrorKind }
  | { readonly kind: "broken"; readonly reason: string; readonly stack?: string };

/** What {@link runSealed} needs. */
export interface SealOptions {
  readonly args: readonly string[];
  readonly scope: RuntimeScope;
  readonly excess: readonly string[];
  /** Settles with the reason when the agent is to end. */
  readonly endAsked: Promise<string>;
  /** Rung when the configuration is to be read again. */
  readonly reloads: ReloadBell;
  /** How long an orderly end may take before the worker is ended, in milliseconds. */
  readonly endLimitMs: number;
}

/**
 * Runs the agent in a worker that has exactly the scope, when the program was granted more: a compiled
 * binary, whose permissions were fixed before anybody knew the configuration, or a broad `deno run`.
 *
 * What is left outside is this function: it passes on what is asked of the agent and waits.
 *
 * @returns The exit status.
 * @throws AgentError as the agent itself would have.
 */
export async function runSealed(options: SealOptions): Promise<number> {
  const { args, scope, excess, endAsked, reloads, endLimitMs } = options;
  const worker = new Worker(import.meta.resolve("./sealed_agent.ts"), {
    type: "module",
    name: "agent",
    deno: { permissions: workerPermissions(scope) },
  });
  try {
    const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
    const tell = (order: SealedOrder) => worker.postMessage(order);
    worker.onmessage = ({ data }: MessageEvent<SealedWord>) => {
      switch (data.kind) {
        case "ready":
          tell({ kind: "start", args, excess });
          return reloads.listen(() => tell({ kind: "reload" }));
        case "ended":
          return resolve(data.status);
        case "refused":
          return reject(new AgentError(data.message, { kind: data.error }));
        case "broken":
          return reject(broken(data.reason, data.stack));
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(broken(event.message));
    };
    const isOver = new AbortController();
    // Never rejects: it waits for signals and files.
    void endAsked.then((reason) => {
      tell({ kind: "end", reason });
      const tooLate = () => broken(`it did not end within ${endLimitMs / 1000} s`);
      const never = new Promise<never>(() => {});
      withDeadline(never, endLimitMs, tooLate, systemClock, isOver.signal).catch(reject);
    });
    try {
      return await ended;
    } finally {
      isOver.abort();
    }
  } finally {
    worker.terminate();
  }
}

/** What is thrown in the worker, as words for {@link runSealed}. */
export function wordOf(error: unknown): SealedWord {
  if (error instanceof AgentError) {
    return { kind: "refused", message: error.message, error: error.kind };
  }
  const stack = error instanceof Error && error.stack ? { stack: error.stack } : {};
  return { kind: "broken", reason: reasonOf(error), ...stack };
}

function broken(reason: string, stack?: string): Error {
  const error = new Error(`the sealed agent broke down: ${reason}`);
  if (stack !== undefined) error.stack = stack;
  return error;
}
