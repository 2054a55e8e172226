const quote = 0x22, backslash = 0x5c;
const openBrace = 0x7b, closeBrace = 0x7d, openBracket = 0x5b, closeBracket = 0x5d;

/**
 * Whether JSON text nests deeper than a limit, judged on the bytes before it is parsed.
 *
 * What is parsed is later written as JSON again, which recurses: without a limit a few kilobytes of
 * brackets would overflow the stack there.
 *
 * @param bytes UTF-8; need not be valid JSON.
 * @param limit Greatest number of objects and lists inside each other.
 */
export function nestsDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openBrace || byte === openBracket) {
      if (++depth > limit) return true;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth--;
    }
  }
  return false;
}
