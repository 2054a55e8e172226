/** Longest text of one message or stack in a line, in UTF-16 units. */
const longest = 32 * 1024;
/** Longer than any secret, in each of its spellings. */
const secretMargin = 16 * 1024;

/**
 * Control characters, line separators of Unicode, and marks that reverse what a terminal shows: with
 * any of them a message could look like another record.
 */
const invisible = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text on one line: every control character as an escape such as `\n`, `\x1b`, `\u2028`. */
export function visible(text: string): string {
  return text.replaceAll(invisible, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    return short[character] ??
      (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
  });
}

/**
 * The text without secrets and not longer than a line may get.
 *
 * What is cut off is cut where no part of a secret can stay in view: secrets are taken out of more than
 * is kept.
 *
 * @param redact Takes secrets out, e.g. `Redactor.redact`.
 */
export function redactedText(text: string, redact: (text: string) => string): string {
  if (text.length <= longest) return redact(text).toWellFormed();
  const most = redact(text.slice(0, longest + secretMargin));
  const kept = most.slice(0, Math.min(longest, Math.max(0, most.length - secretMargin)));
  return `${kept.toWellFormed()} … (${text.length} characters in all)`;
}
