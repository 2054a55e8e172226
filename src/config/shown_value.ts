import type { Field } from "./field.ts";

/** What stands for a secret wherever one would be shown. */
export const masked = "***";

const longest = 160;

/** Names of launch parameters whose values are never shown. */
const secretName = /token|passw|passphrase|pwd|secret|credential|(?:^|[_.])(?:key|pass)$/i;

/** Whether a launch parameter's value is a secret, by its name. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** A setting's text as people may see it: secrets masked, on one line, not too long. */
export function shownValue(field: Field, text: string): string {
  if (field.secret) return masked;
  return field.type.isUrl ? shownUrl(text) : shownText(text);
}

/** A launch parameter as people may see it. */
export function shownParameter(name: string, text: string): string {
  if (isSecretName(name)) return masked;
  return URL.canParse(text) && text.includes("://") ? shownUrl(text) : shownText(text);
}

/** Text as people may see it. What stands before an `@` may be user information. */
export function shownText(text: string): string {
  const at = text.lastIndexOf("@");
  return onOneLine(at < 0 ? text : `${masked}${text.slice(at)}`);
}

/** A key as people may see it: a line of a secret that was not indented can look like one. */
export function shownKey(key: string): string {
  return key.length <= 48 ? onOneLine(key) : `${onOneLine(key.slice(0, 8))}…`;
}

/** Anything else may be a user name before a colon. */
const shownSchemes: readonly string[] = ["http:", "https:", "ssh:", "git:", "file:"];

function shownUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !shownSchemes.includes(url.protocol)) return masked;
  if (hasDoubtfulHost(url)) return `${url.protocol}//${masked}`;
  const user = url.username === "" && url.password === "" ? "" : `${masked}@`;
  const query = url.search === "" ? "" : `?${masked}`;
  const fragment = url.hash === "" ? "" : `#${masked}`;
  return onOneLine(`${url.protocol}//${user}${url.host}${url.pathname}${query}${fragment}`);
}

/**
 * Whether an `@` stands behind the host: it may end a password that holds `/`, `?` or `#` and was not
 * encoded, and then what looks like the host is a part of that.
 */
export function hasDoubtfulHost(url: URL): boolean {
  return `${url.pathname}${url.search}${url.hash}`.includes("@");
}

function onOneLine(text: string): string {
  const visible = text.slice(0, longest)
    .replaceAll(
      /[\p{Cc}\u2028\u2029]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  return text.length > longest ? `${visible}…` : visible;
}
