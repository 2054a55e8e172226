import { Secret } from "../base/secret.ts";

/** Outcome of reading one value: the value, or why it is not accepted. Never repeats the text. */
export type Parsed<T> = { readonly value: T } | { readonly refused: string };

/** How the text of a setting becomes a value. */
export interface ValueType<T> {
  /** What is accepted, for messages and the reference, e.g. `true or false`. */
  readonly accepted: string;
  readonly parse: (text: string) => Parsed<T>;
  /** URLs are shown without user information and query. */
  readonly isUrl?: true;
}

const controlCharacter = /\p{Cc}/u;

/** Text as it is, on one line. */
export const plainText: ValueType<string> = {
  accepted: "text on one line",
  parse: (text) =>
    controlCharacter.test(text) ? { refused: "holds control characters" } : { value: text },
};

/** A name of the platform: goes into topics, messages and the client identifier. */
export const identifier: ValueType<string> = {
  accepted: "a name of at most 1,024 characters without blanks at its ends",
  parse: (text) => {
    if (controlCharacter.test(text)) return { refused: "holds control characters" };
    if (text.length > 1024) return { refused: "is too long" };
    return text.trim() === text ? { value: text } : { refused: "begins or ends with a blank" };
  },
};

/** A password or token. */
export const secretText: ValueType<Secret> = {
  accepted: "any text",
  parse: (text) => ({ value: new Secret(text) }),
};

const keyLengths: readonly number[] = [16, 24, 32];

/** The AES key of the repository password. */
export const aesKey: ValueType<Secret> = {
  accepted: "a key of 16, 24 or 32 bytes",
  parse: (text) => {
    const { length } = new TextEncoder().encode(text);
    if (keyLengths.includes(length)) return { value: new Secret(text) };
    return { refused: `is ${length} bytes long` };
  },
};

/** `true` or `false`, in any case. */
export const trueOrFalse: ValueType<boolean> = {
  accepted: "true or false",
  parse: (text) => {
    switch (text.trim().toLowerCase()) {
      case "true":
        return { value: true };
      case "false":
        return { value: false };
      default:
        return { refused: "is neither true nor false" };
    }
  },
};

/** A whole number, base 10. */
export function wholeNumber(least: number, most: number): ValueType<number> {
  return {
    accepted: `a whole number from ${least} to ${most}`,
    parse: (text) => {
      if (!/^[+-]?[0-9]{1,15}$/.test(text.trim())) return { refused: "is not a whole number" };
      const value = Number(text);
      if (value < least) return { refused: "is too small" };
      return value > most ? { refused: "is too large" } : { value };
    },
  };
}

/** One of a few words, in any case. */
export function oneOf<const W extends string>(...words: readonly W[]): ValueType<W> {
  return {
    accepted: words.join(" or "),
    parse: (text) => {
      const word = words.find((candidate) => candidate === text.trim().toLowerCase());
      return word === undefined ? { refused: `is not ${words.join(" or ")}` } : { value: word };
    },
  };
}

/** A path; relative ones are meant from the home. */
export const filePath: ValueType<string> = {
  accepted: "a path, relative to the home or absolute",
  parse: plainText.parse,
};

/** An http or https URL, with or without user information. */
export const webUrl: ValueType<URL> = {
  accepted: "an http or https URL",
  isUrl: true,
  parse: (text) => {
    const url = URL.parse(text);
    if (!url) return { refused: "is not a URL" };
    if (url.protocol === "http:" || url.protocol === "https:") return { value: url };
    return { refused: "is neither an http nor an https URL" };
  },
};

/** An http or https URL that goes into requests as it is. */
export const serviceUrl: ValueType<string> = {
  accepted: "an http or https URL without user information",
  isUrl: true,
  parse: (text) => {
    const parsed = webUrl.parse(text);
    if ("refused" in parsed) return parsed;
    const { username, password } = parsed.value;
    if (username !== "" || password !== "") return { refused: "carries user information" };
    return { value: text.trim() };
  },
};

/**
 * Several values of one type; empty elements are nothing.
 *
 * @param separator One character.
 * @param accepted What is accepted, in words.
 */
export function listOf<T>(
  type: ValueType<T>,
  separator: string,
  accepted: string,
): ValueType<readonly T[]> {
  return {
    accepted,
    parse: (text) => {
      const values: T[] = [];
      const elements = text.split(separator).map((part) => part.trim()).filter((part) => part);
      for (const [index, element] of elements.entries()) {
        const parsed = type.parse(element);
        if ("refused" in parsed) return { refused: `element ${index + 1} ${parsed.refused}` };
        values.push(parsed.value);
      }
      return values.length === 0 ? { refused: "has no element" } : { value: values };
    },
  };
}

/** A value that must look in a certain way. */
export function matching(
  pattern: RegExp,
  accepted: string,
  refused: string,
): ValueType<string> {
  return {
    accepted,
    parse: (text) => pattern.test(text) ? { value: text } : { refused },
  };
}
