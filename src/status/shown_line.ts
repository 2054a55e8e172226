/** Makes a text that comes from outside fit to be shown: no secret in it. */
export type Redact = (text: string) => string;

/** The longest line that a status shows, in characters. */
export const longestLine = 300;

/**
 * A text as a status shows it: without secrets, on one line, without control characters, bounded.
 *
 * The secrets go first: cut in two, a secret would not be known again.
 */
export function shownLine(text: string, redact: Redact, limit: number = longestLine): string {
  // Nobody needs more than this to see what it was, and the redactor reads every character.
  const shown = redact(text.slice(0, limit * 16)).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .toWellFormed();
  return shown.length > limit ? `${shown.slice(0, limit - 1).toWellFormed()}…` : shown;
}
