import type { Field, FieldWithDefault } from "./field.ts";
import { type Candidate, type Lookup, lookUp, placesOf } from "./lookup.ts";
import { shownValue } from "./shown_value.ts";
import type { Sources } from "./sources.ts";

/** One setting that is missing or not accepted; holds no secret. */
export interface Problem {
  readonly key: string;
  /** Where it was looked for. */
  readonly lookedIn: string;
  /** What was found there, secrets masked; absent: nothing. */
  readonly found?: string;
  /** Why that is not accepted, as the end of a sentence. */
  readonly reason: string;
  readonly accepted: string;
}

/** A problem on one line. */
export function problemText({ key, lookedIn, found, reason, accepted }: Problem): string {
  return found === undefined
    ? `${key}: ${reason}; looked in: ${lookedIn}; accepted: ${accepted}`
    : `${key}: ${found} (${lookedIn}) ${reason}; accepted: ${accepted}`;
}

/** A value that was computed from other settings, as people may see it. */
export interface ComputedValue {
  readonly shown: string;
  /** Where it is from, in words. */
  readonly source: string;
}

/**
 * Reads settings from the sources and remembers every problem, so that all come out at once.
 *
 * A setting that is refused reads as its default: resolution goes on to find further problems, and
 * its result is thrown away.
 */
export class SettingReader {
  readonly sources: Sources;
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly computed = new Map<Field, ComputedValue>();
  readonly #lookups = new Map<Field, Lookup>();
  readonly #read = new Map<Field, unknown>();

  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** The strongest place where a setting is set. */
  strongest(field: Field): Candidate | undefined {
    return this.#lookUp(field).candidates[0];
  }

  /** Values of a setting that are set and do not count, one line each. */
  ignored(field: Field): readonly string[] {
    return this.#lookUp(field).ignored;
  }

  /** The value of a setting; `undefined` when it is not set, or refused, and has no default. */
  value<T>(field: FieldWithDefault<T>): T;
  value<T>(field: Field<T>): T | undefined;
  value<T>(field: Field<T>): T | undefined {
    if (!this.#read.has(field)) this.#read.set(field, this.#resolve(field));
    return this.#read.get(field) as T | undefined;
  }

  /** The value of a setting that must be set; a problem when it is not. */
  required<T>(field: Field<T>): T | undefined {
    if (!this.strongest(field)) this.missing(field, "not set");
    return this.value(field);
  }

  /** Notes that a setting has to be set. */
  missing(field: Field, reason: string): void {
    this.problems.push({
      key: field.key,
      lookedIn: placesOf(field, this.sources),
      reason,
      accepted: field.type.accepted,
    });
  }

  /** Notes that the value of a setting is not accepted. */
  refuse(field: Field, reason: string): void {
    const candidate = this.strongest(field);
    const text = candidate?.text;
    this.problems.push({
      key: field.key,
      lookedIn: candidate?.place ?? placesOf(field, this.sources),
      found: typeof text === "string" ? `"${shownValue(field, text)}"` : "the value",
      reason,
      accepted: field.type.accepted,
    });
  }

  /** Notes what a setting that is not set comes to. */
  compute(field: Field, shown: string, source: string): void {
    if (!this.strongest(field)) this.computed.set(field, { shown, source });
  }

  #lookUp(field: Field): Lookup {
    const known = this.#lookups.get(field) ?? lookUp(field, this.sources);
    this.#lookups.set(field, known);
    return known;
  }

  #resolve<T>(field: Field<T>): T | undefined {
    const candidate = this.strongest(field);
    if (candidate) {
      const parsed = typeof candidate.text === "string"
        ? field.type.parse(candidate.text)
        : candidate.text;
      if ("value" in parsed) return parsed.value;
      this.refuse(field, parsed.refused);
    }
    if (field.default === undefined) return undefined;
    const parsed = field.type.parse(field.default);
    return "value" in parsed ? parsed.value : undefined;
  }
}

/** The members of an object that may be undefined as optional ones. */
export type Defined<T> =
  & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
  & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** The object without the members that are undefined. */
export function defined<T extends Record<string, unknown>>(members: T): Defined<T> {
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Defined<T>;
}
