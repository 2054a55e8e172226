import type { LogFacts } from "../base/log.ts";
import { redactedText } from "./visible_text.ts";

/** What JSON can hold. */
export type Plain = string | number | boolean | null | readonly Plain[] | PlainFacts;

/** Facts of a record, ready to be written. */
export interface PlainFacts {
  readonly [name: string]: Plain;
}

const maxDepth = 6;
/** Values in the facts of one record, nested ones included. */
const maxValues = 500;
/** UTF-16 units of all texts in them. */
const maxText = 64 * 1024;

/**
 * Facts as plain data without secrets.
 *
 * Errors become name, message, stack, cause and their own fields. Whatever cannot be shown (cycles,
 * getters that throw, functions, what is too deep or too much) becomes a text that says so: a log line
 * must never fail.
 */
export function plainFacts(facts: LogFacts, redact: (text: string) => string): PlainFacts {
  const walk = new Walk(redact);
  return walk.entries(facts, 0);
}

class Walk {
  readonly #redact: (text: string) => string;
  readonly #open = new Set<object>();
  #left = maxValues;
  #room = maxText;

  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  entries(value: object, depth: number): PlainFacts {
    return this.#named(
      Object.keys(value).map((key) => [key, () => Reflect.get(value, key)]),
      depth,
    );
  }

  #named(pairs: Iterable<readonly [string, () => unknown]>, depth: number): PlainFacts {
    const shown: [string, Plain][] = [];
    for (const [key, read] of pairs) {
      if (this.#left <= 0) {
        shown.push(["…", "(more)"]);
        break;
      }
      const plain = this.#attempt(read, depth);
      if (plain !== undefined) shown.push([this.#text(key), plain]);
    }
    return Object.fromEntries(shown);
  }

  #attempt(read: () => unknown, depth: number): Plain | undefined {
    try {
      return this.#value(read(), depth);
    } catch {
      return "(unreadable)";
    }
  }

  #value(value: unknown, depth: number): Plain | undefined {
    this.#left--;
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
      case "bigint":
        return this.#number(value);
      case "boolean":
        return value;
      case "undefined":
        return undefined;
      case "object":
        return value === null ? null : this.#object(value, depth);
      case "function":
      case "symbol":
        return `(${typeof value})`;
    }
  }

  #text(value: string): string {
    if (this.#room <= 0) return "(more)";
    const text = redactedText(value, this.#redact);
    this.#room -= text.length;
    return text;
  }

  /** A secret may be all digits. */
  #number(value: number | bigint): Plain {
    const text = String(value);
    const shown = this.#redact(text);
    return shown === text && Number.isFinite(value) ? value as number : shown;
  }

  #object(value: object, depth: number): Plain | undefined {
    if (this.#open.has(value)) return "(cycle)";
    if (depth >= maxDepth) return "(too deep)";
    this.#open.add(value);
    try {
      return this.#opened(value, depth + 1);
    } finally {
      this.#open.delete(value);
    }
  }

  #opened(value: object, depth: number): Plain | undefined {
    if (value instanceof Error) {
      const own = Object.keys(value).filter((key) => !["name", "message", "stack"].includes(key));
      const fields = ["name", "message", "stack", ...value.cause === undefined ? [] : ["cause"]];
      return this.#named(
        [...new Set([...fields, ...own])].map((key) => [key, () => Reflect.get(value, key)]),
        depth,
      );
    }
    if ("toJSON" in value && typeof value.toJSON === "function") {
      return this.#value(value.toJSON(), depth);
    }
    if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
    if (value instanceof Map) {
      return this.#named([...value].map(([key, item]) => [String(key), () => item]), depth);
    }
    if (Array.isArray(value) || value instanceof Set) return this.#list([...value], depth);
    return this.entries(value, depth);
  }

  #list(items: readonly unknown[], depth: number): Plain {
    const shown: Plain[] = [];
    for (const item of items) {
      if (this.#left <= 0) return [...shown, "(more)"];
      shown.push(this.#attempt(() => item, depth) ?? null);
    }
    return shown;
  }
}
