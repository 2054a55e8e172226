const longestShown = 200;

/**
 * A path of a repository, fit for a log line: what cannot be seen, or changes how the rest is shown, is
 * escaped, and what is long is cut. A name with control characters is left out, not repaired.
 *
 * @param directory Empty, or ends with a slash.
 * @param name As the tree has it; it may hold anything.
 */
export function shownPath(directory: string, name: Uint8Array): string {
  // No more is decoded than can be shown.
  const decoded = new TextDecoder().decode(name.subarray(0, 4 * longestShown));
  const text = /\p{Cc}/u.test(decoded) ? directory : directory + decoded;
  const escaped = text.slice(0, longestShown).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (unit) => `\\u${(unit.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return text.length > longestShown ? `${escaped}…` : escaped;
}
