import { extname } from "node:path";

const compressed = /\.(gz|bz2|xz|zst|lz4|lzma|zip|Z|7z|br)$/;
/** Numbers, dates and times, with what stands between them. */
const counted = /^[-._]?\d[\d\-_.T:]*$/;
const kept = /^(\.(old|bak|prev|save)|~)$/;

/** Whether a name is that of a compressed file, which cannot be read on. */
export function isCompressed(name: string): boolean {
  return compressed.test(name);
}

/**
 * Whether a rotation may have given this name to a file that was called `base`: `app.log.1`,
 * `app.log-20260101`, `app.log.old`, `app-2026-01-01.log`, `app.1.log`.
 */
export function isRotatedName(base: string, name: string): boolean {
  if (name.startsWith(base)) {
    const suffix = name.slice(base.length);
    if (counted.test(suffix) || kept.test(suffix)) return true;
  }
  const extension = extname(base);
  const stem = base.slice(0, base.length - extension.length);
  if (extension === "" || !name.startsWith(stem) || !name.endsWith(extension)) return false;
  const middle = name.slice(stem.length, name.length - extension.length);
  return name.length > base.length && counted.test(middle);
}

/** The number at a rotated name's end, for the order of files of the same time: higher is older. */
export function rotationNumber(name: string): number {
  const digits = /\.(\d{1,6})$/.exec(name)?.[1] ?? /\.(\d{1,6})\.[^.]*$/.exec(name)?.[1];
  return digits === undefined ? 0 : Number(digits);
}

/** Whether a path is a pattern rather than a name. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * Whether a name matches one component of a pattern: `*` any characters, `?` one, `[abc]`, `[a-z]`,
 * `[!a]` one of a set. A dot at the name's start has to be written out. The time is bounded by the
 * product of both lengths.
 */
export function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const tokens = tokensOf(pattern);
  let at = 0, token = 0, starToken = -1, starAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current === "*") {
      starToken = token++;
      starAt = at;
    } else if (current !== undefined && current(name[at]!)) {
      token++;
      at++;
    } else if (starToken >= 0) {
      token = starToken + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token] === "*") token++;
  return token === tokens.length;
}

type Token = "*" | ((character: string) => boolean);

function tokensOf(pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    const end = character === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (character === "*") {
      if (tokens.at(-1) !== "*") tokens.push("*");
    } else if (character === "?") tokens.push(() => true);
    else if (end > 0) {
      tokens.push(setOf(pattern.slice(at + 1, end)));
      at = end;
    } else tokens.push((other) => other === character);
  }
  return tokens;
}

function setOf(text: string): (character: string) => boolean {
  const negated = text.startsWith("!") || text.startsWith("^");
  const members = negated ? text.slice(1) : text;
  return (character) => {
    for (let at = 0; at < members.length; at++) {
      const first = members[at]!;
      if (members[at + 1] === "-" && at + 2 < members.length) {
        if (character >= first && character <= members[at + 2]!) return !negated;
        at += 2;
      } else if (character === first) return !negated;
    }
    return negated;
  };
}
