import { AgentError } from "../base/errors.ts";
import type { EventClass, FieldType, IdName } from "./event_class.ts";
import { eventTable } from "./event_table.ts";
import type { PlatformEvent } from "./platform_events.ts";

/** Ids as far as they are known. */
export type KnownIds = Readonly<Partial<Record<IdName, string>>>;

/**
 * Makes an event of the platform.
 *
 * @param name Class name, e.g. `MemberActivatedEvent`.
 * @param given Fields as texts; those of other types than text are read as JSON, and `null` leaves a
 *   field out. An id that only the inside of a field is made of may be given too.
 * @param known Ids for the fields that are not given.
 * @throws AgentError `usage` when there is no such event or field, a value has the wrong type, or ids
 *   are missing: all of them at once.
 */
export function makeEvent(
  name: string,
  given: Readonly<Record<string, string>>,
  known: KnownIds,
): PlatformEvent {
  const { family, fields } = eventClass(name);
  const settable = settableNames(fields);
  const unknown = Object.keys(given).filter((field) => !settable.includes(field));
  if (unknown.length > 0) {
    throw usage(`${name} has no field ${unknown.join(", ")}; it has ${settable.join(", ")}`);
  }
  const missing = new Set<IdName>();
  const id = (wanted: IdName) => {
    const found = (Object.hasOwn(given, wanted) ? given[wanted] : undefined) ?? known[wanted];
    if (found === undefined) missing.add(wanted);
    else if (wanted === "tenantId" && !/^-?\d{1,10}$/.test(found)) {
      throw usage(`tenantId must be a whole number, not: ${found.slice(0, 100)}`);
    }
    return found ?? "";
  };
  const payload = Object.fromEntries(
    Object.entries(fields).map(([field, { type, value }]) => {
      const text = Object.hasOwn(given, field) ? given[field] : undefined;
      return [field, text === undefined ? value?.(id) : read(field, type, text)];
    }),
  );
  if (missing.size > 0) {
    const options = [...missing].map((field) => `--set ${field}=…`).join(" ");
    throw usage(`${name} needs ids that no launch parameter tells: ${options}`);
  }
  return { topic: `${family}/${name}`, payload };
}

/** Every event with its topic and fields, one a line. */
export function listEvents(): readonly string[] {
  return Object.entries(eventTable).map(([name, { family, fields }]) => {
    const shown = Object.entries(fields).map(([field, { type }]) =>
      type === "text" ? field : `${field} (${type})`
    );
    return `${family}/${name}: ${shown.join(", ")}`;
  });
}

function eventClass(name: string): EventClass {
  const found = Object.hasOwn(eventTable, name) ? eventTable[name] : undefined;
  if (!found) throw usage(`there is no event "${name}"; see: emit --list`);
  return found;
}

/** The fields, and the ids that what is inside of them is made of. */
function settableNames(fields: EventClass["fields"]): readonly string[] {
  const names = new Set(Object.keys(fields));
  const note = (name: IdName) => {
    names.add(name);
    return "";
  };
  for (const { value } of Object.values(fields)) value?.(note);
  return [...names];
}

/** `undefined` leaves the field out. */
function read(field: string, type: FieldType, text: string): unknown {
  if (text === "null") return undefined;
  if (type === "text") return text;
  const value = parseJson(text);
  if (typeOf(value) !== type) throw usage(`${field} must be a ${type}, not: ${text.slice(0, 100)}`);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return value === null ? "null" : typeof value;
}

function usage(reason: string): AgentError {
  return new AgentError(`emit: ${reason}`, { kind: "usage" });
}
