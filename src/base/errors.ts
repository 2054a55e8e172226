/**
 * The error family of the agent.
 *
 * A message always reads `Cannot <do> "<subject>": <reason>`, so that one line tells what failed, on
 * what, and why. `kind` is what code decides on; nobody parses messages.
 */

/** What an error is about; decides exit status and whether a repetition makes sense. */
export type ErrorKind =
  | "usage" // the command line is wrong
  | "configuration" // a setting or a file of the home is wrong or missing
  | "permission" // Deno or the operating system refused
  | "locked" // another agent holds this home
  | "unavailable" // a peer does not answer or answers nonsense
  | "refused" // a peer answered, and the answer was no
  | "limit" // a configured or built-in limit was passed
  | "input" // what somebody else sent is not what it must be
  | "internal"; // a fault of the agent itself

/** Details of an {@link AgentError}; never holds a secret. */
export interface AgentErrorOptions {
  readonly kind: ErrorKind;
  /** Facts for the log and for tests, JSON-serialisable. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Whether doing the same again later may succeed. Default `false`. */
  readonly retryable?: boolean;
}

/** An expected failure with a kind, facts and a message for people. */
export class AgentError extends Error {
  readonly kind: ErrorKind;
  readonly data: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  constructor(message: string, options: AgentErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentError";
    this.kind = options.kind;
    this.data = options.data ?? {};
    this.retryable = options.retryable ?? false;
  }
}

/**
 * Builds an error in the house form `Cannot <action> "<subject>": <reason>`.
 *
 * @param action What was tried, e.g. `read`.
 * @param subject What it was tried on; must not contain credentials.
 * @param reason Why it failed and, where it helps, what to do.
 */
export function cannot(
  action: string,
  subject: string,
  reason: string,
  options: AgentErrorOptions,
): AgentError {
  return new AgentError(`Cannot ${action} "${subject}": ${reason}`, options);
}

/** The text of anything that was thrown, on one line. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.replaceAll(/\s*\n\s*/g, "; ");
}

/** Whether something was thrown because an `AbortSignal` fired: neither a failure nor to be retried. */
export function isAbort(thrown: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted && thrown === signal.reason) return true;
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

/** Exit statuses of the program, after sysexits.h. */
export const exitStatus = {
  ok: 0,
  usage: 64,
  unavailable: 69,
  internal: 70,
  locked: 75,
  configuration: 78,
} as const;

/** The exit status that an error ends the program with. */
export function exitStatusOf(thrown: unknown): number {
  if (!(thrown instanceof AgentError)) return exitStatus.internal;
  switch (thrown.kind) {
    case "usage":
      return exitStatus.usage;
    case "configuration":
    case "permission":
      return exitStatus.configuration;
    case "locked":
      return exitStatus.locked;
    case "unavailable":
    case "refused":
      return exitStatus.unavailable;
    case "limit":
    case "input":
    case "internal":
      return exitStatus.internal;
  }
}
