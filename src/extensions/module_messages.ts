/** What an agent and the worker of a module say to each other; plain data that can be posted. */

/** From the agent. */
export type ToModule =
  | { readonly kind: "load"; readonly entry: string; readonly settings: Texts }
  | {
    readonly kind: "handle";
    readonly event: string;
    readonly eventValues: Texts;
    readonly values: Texts;
  }
  | { readonly kind: "readHealth" }
  /** The answer to a question of the same number. */
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  /** The lines sent last have been taken. */
  | { readonly kind: "linesTaken" }
  | { readonly kind: "ping" };

/** To the agent. What a module sends is checked: it may not come from the worker's own code. */
export type FromModule =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "lines"; readonly lines: readonly Line[]; readonly leftOut: number }
  | { readonly kind: "ask"; readonly id: number; readonly question: ModuleQuestion }
  | { readonly kind: "pong" };

/** What a module may ask while it handles an event. */
export type ModuleQuestion =
  | { readonly what: "topology" }
  | { readonly what: "runScript"; readonly name: string; readonly values: Texts };

/** One line of a module's log. */
export interface Line {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly text: string;
}

type Texts = Readonly<Record<string, string>>;

/** Bounds on both sides. */
export const moduleLimits = {
  /** Lines posted at once; more wait until these were taken. */
  lines: 100,
  /** Lines that wait; more are left out. */
  waitingLines: 1_000,
  /** Characters of a line. */
  lineLength: 4_096,
  /** Lines of one call. */
  callLines: 10_000,
  /** Questions without an answer. */
  questions: 8,
} as const;

const levels: readonly unknown[] = ["debug", "info", "warning", "error"];

/** A message of a module, or nothing when it is none. */
export function messageFrom(data: unknown): FromModule | undefined {
  if (!isRecord(data)) return undefined;
  const { kind } = data;
  if (kind === "pong") return { kind };
  if (kind === "done") return { kind, value: data["value"] };
  if (kind === "failed" && typeof data["reason"] === "string") {
    return { kind, reason: data["reason"].slice(0, moduleLimits.lineLength) };
  }
  if (kind === "lines") {
    const { lines, leftOut } = data;
    const fits = Array.isArray(lines) && lines.length <= moduleLimits.lines && lines.every(isLine);
    return fits && typeof leftOut === "number" ? { kind, lines, leftOut } : undefined;
  }
  if (kind === "ask" && typeof data["id"] === "number" && isQuestion(data["question"])) {
    return { kind, id: data["id"], question: data["question"] };
  }
  return undefined;
}

function isLine(value: unknown): value is Line {
  return isRecord(value) && levels.includes(value["level"]) && typeof value["text"] === "string" &&
    value["text"].length <= moduleLimits.lineLength;
}

function isQuestion(value: unknown): value is ModuleQuestion {
  if (!isRecord(value)) return false;
  const { what, name, values } = value;
  return what === "topology" || what === "runScript" && typeof name === "string" &&
      isRecord(values) && Object.values(values).every((text) => typeof text === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
