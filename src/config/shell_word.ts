/** A quoted word as a shell writes it when it lists its variables. */
export interface ShellWord {
  /** What the word stands for. */
  readonly value: string;
  /** Position after the closing quote. */
  readonly end: number;
}

/**
 * Reads `'…'` (with `'\''` for a quote inside) or `$'…'` with its escapes.
 *
 * @returns `undefined` when no complete quoted word starts here.
 */
export function readShellWord(source: string, start: number): ShellWord | undefined {
  if (source[start] === "'") return readPlain(source, start);
  if (source.startsWith("$'", start)) return readEscaped(source, start);
  return undefined;
}

const quoteInside = "'\\''";

function readPlain(source: string, start: number): ShellWord | undefined {
  const parts: string[] = [];
  for (let at = start + 1;;) {
    const quote = source.indexOf("'", at);
    if (quote < 0) return undefined;
    parts.push(source.slice(at, quote));
    if (!source.startsWith(quoteInside, quote)) return { value: parts.join("'"), end: quote + 1 };
    at = quote + quoteInside.length;
  }
}

function readEscaped(source: string, start: number): ShellWord | undefined {
  for (let at = start + 2; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (character === "'") {
      return { value: unescape(source.slice(start + 2, at)), end: at + 1 };
    }
  }
  return undefined;
}

const escape =
  /\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c([^])|([^]))/g;

const controls: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "?": "?",
};

/** Undoes the escapes of `$'…'`. Octal and `\x` escapes are bytes of UTF-8 text. */
function unescape(body: string): string {
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  const add = (text: string) => {
    for (const byte of encoder.encode(text)) bytes.push(byte);
  };
  let at = 0;
  for (const match of body.matchAll(escape)) {
    add(body.slice(at, match.index));
    at = match.index + match[0].length;
    const [, byte, short, long, octal, control, single] = match;
    if (byte !== undefined) bytes.push(parseInt(byte, 16));
    else if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (control !== undefined) add(String.fromCharCode(control.charCodeAt(0) & 0x1f));
    else if (single !== undefined) add(controls[single] ?? match[0]);
    else add(characterOf(parseInt(short ?? long ?? "", 16)));
  }
  add(body.slice(at));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}
