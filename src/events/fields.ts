/**
 * Readers for the fields of a parsed payload.
 *
 * The platform's Gson leaves null fields out, so absent is normal; a wrong type is not, and makes the
 * whole payload malformed.
 */

/** A parsed JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** A payload is not what its topic promises. Caught by the decoder, never seen outside this room. */
export class Malformed extends Error {}

/** The value as an object, or {@link Malformed} with `path`. */
export function asFields(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Malformed(`${path} must be an object, not ${typeName(value)}`);
  }
  return value as Fields;
}

/** A text, empty when absent. */
export function text(fields: Fields, name: string): string {
  return optionalText(fields, name) ?? "";
}

/** A text, or undefined when absent. */
export function optionalText(fields: Fields, name: string): string | undefined {
  const value = own(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") {
    throw new Malformed(`${name} must be a string, not ${typeName(value)}`);
  }
  return value;
}

/** A number, or undefined when absent. */
export function optionalNumber(fields: Fields, name: string): number | undefined {
  const value = own(fields, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") {
    throw new Malformed(`${name} must be a number, not ${typeName(value)}`);
  }
  return value;
}

/** A list of texts, or undefined when absent; null elements are left out. */
export function optionalTexts(fields: Fields, name: string): readonly string[] | undefined {
  const value = own(fields, name);
  if (value === undefined || value === null) return undefined;
  return asList(value, name).filter((element) => element !== null).map((element) => {
    if (typeof element === "string") return element;
    throw new Malformed(`${name} must hold strings, not ${typeName(element)}`);
  });
}

/** A flat object of texts, or undefined when absent; null values are left out. */
export function optionalTextMap(
  fields: Fields,
  name: string,
): Readonly<Record<string, string>> | undefined {
  const value = own(fields, name);
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(asFields(value, name)).filter(([, element]) => element !== null);
  for (const [key, element] of entries) {
    if (typeof element !== "string") {
      throw new Malformed(`${name}.${key} must be a string, not ${typeName(element)}`);
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

/** An object, or undefined when absent. */
export function optionalFields(fields: Fields, name: string): Fields | undefined {
  const value = own(fields, name);
  return value === undefined || value === null ? undefined : asFields(value, name);
}

/** The value as a list, or {@link Malformed} with `path`. */
export function asList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${path} must be a list, not ${typeName(value)}`);
  return value;
}

/** A field of the object itself, never one it inherits. */
export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
