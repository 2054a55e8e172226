import type { MemberIdentity } from "./member.ts";

/** What a field holds; `object` and `list` are JSON. */
export type FieldType = "text" | "number" | "boolean" | "object" | "list";

/** An id that the platform repeats in many events, under the name it mostly has there. */
export type IdName = keyof MemberIdentity | "tenantId";

/** Gives an id, or notes that it is not known. */
export type IdSource = (name: IdName) => string;

/** One field of a payload. */
export interface EventField {
  readonly type: FieldType;
  /** What it holds when nobody says otherwise; absent or `undefined`: left out. */
  readonly value?: (id: IdSource) => unknown;
}

/** One class of events of the platform. */
export interface EventClass {
  /** Where its topic begins, e.g. `topology`. */
  readonly family: string;
  /** In the order of the wire. */
  readonly fields: Readonly<Record<string, EventField>>;
}
