/** What an agent and the worker of a module say to each other; plain data that can be posted. */
import type { ArtifactJob } from "./extension.ts";

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
  | { readonly kind: "checkOutArtifacts" | "commitArtifacts"; readonly job: ArtifactJob }
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

/** What a module may ask while it is called; the metadata service at any time, the rest for an event. */
export type ModuleQuestion = EventQuestion | MetadataQuestion;

/** What a module may ask while it handles an event. */
export type EventQuestion =
  | { readonly what: "topology" }
  | { readonly what: "runScript"; readonly name: string; readonly values: Texts };

/** What a module wants of the metadata service. */
export interface MetadataQuestion {
  readonly what: "metadata";
  readonly request: MetadataRequest;
}

/** One operation on the metadata service. */
export type MetadataRequest =
  | { readonly kind: "get"; readonly scope: MetadataScope }
  | {
    readonly kind: "put";
    readonly scope: MetadataScope;
    readonly key: string;
    readonly values: readonly string[];
  }
  | { readonly kind: "delete"; readonly key: string; readonly value: string };

/** The answer to a {@link MetadataQuestion}. */
export type MetadataAnswer =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string };

/** One line of a module's log. */
export interface Line {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly text: string;
}

type Texts = Readonly<Record<string, string>>;
type MetadataScope = "application" | "cluster";

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
  /** Characters of all lines of one call; as many as bytes of one run of a script. */
  callCharacters: 1024 * 1024,
  /** Characters of a name or value for the metadata service. */
  metadataText: 16 * 1024,
  /** Values of one name for the metadata service. */
  metadataValues: 100,
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
  if (what === "metadata") return isMetadataRequest(value["request"]);
  return what === "topology" || what === "runScript" && typeof name === "string" &&
      isRecord(values) && Object.values(values).every((text) => typeof text === "string");
}

function isMetadataRequest(value: unknown): value is MetadataRequest {
  if (!isRecord(value)) return false;
  const { kind, scope, key, values } = value;
  const isScope = scope === "application" || scope === "cluster";
  switch (kind) {
    case "get":
      return isScope;
    case "put":
      return isScope && isMetadataText(key) && Array.isArray(values) &&
        values.length <= moduleLimits.metadataValues && values.every(isMetadataText);
    case "delete":
      return isMetadataText(key) && isMetadataText(value["value"]);
    default:
      return false;
  }
}

function isMetadataText(value: unknown): value is string {
  return typeof value === "string" && value.length <= moduleLimits.metadataText;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
