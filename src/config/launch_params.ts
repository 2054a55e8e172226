import { readShellWord } from "./shell_word.ts";

/** What a file of launch parameters says. */
export interface LaunchParams {
  /** Values by name; `null` and empty ones are left out. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Characters before the first `KEY=`, which belong to nothing. */
  readonly ignoredCharacters: number;
}

const payloadPrefix = "payload_parameter.";

/**
 * Reads launch parameters: `KEY=value` joined by commas, without escaping.
 *
 * A comma separates only where a new `KEY=` follows, for a comma may be part of a value; the first
 * `=` separates key and value; quotes that the shell put around a value go; blanks stay; the line end
 * at the end of the file goes; `null` and empty mean absent; of a repeated key the last one counts;
 * `payload_parameter.X` is `X`. A key is made of letters, digits, `_` and `.` and does not start with
 * a digit.
 *
 * Never throws; takes time linear in the text.
 */
export function parseLaunchParams(text: string): LaunchParams {
  const source = text.replace(/^\uFEFF/, "").replace(lineEnds, "");
  const parameters = new Map<string, string>();
  let at = firstKey(source);
  const ignoredCharacters = source.slice(0, at).replaceAll(/[,\s]/g, "").length;
  while (at < source.length) {
    const equals = source.indexOf("=", at);
    const { value, end } = readValue(source, equals + 1);
    const name = withoutPrefix(source.slice(at, equals));
    if (value === "" || value === "null") parameters.delete(name);
    else parameters.set(name, value);
    at = afterCommas(source, end);
  }
  return { parameters, ignoredCharacters };
}

function withoutPrefix(name: string): string {
  return name.startsWith(payloadPrefix) && name.length > payloadPrefix.length
    ? name.slice(payloadPrefix.length)
    : name;
}

function isKeyAt(source: string, at: number): boolean {
  const key = /[A-Za-z_.][A-Za-z0-9_.]*=/y;
  key.lastIndex = at;
  return key.test(source);
}

function firstKey(source: string): number {
  if (isKeyAt(source, 0)) return 0;
  return Math.min(source.length, nextSeparator(source, 0) + 1);
}

/** Position of the next comma that a `KEY=` follows, or the end. */
function nextSeparator(source: string, from: number): number {
  for (let comma = source.indexOf(",", from); comma >= 0; comma = source.indexOf(",", comma + 1)) {
    if (isKeyAt(source, comma + 1)) return comma;
  }
  return source.length;
}

function afterCommas(source: string, from: number): number {
  let at = from;
  while (source[at] === ",") at++;
  return at;
}

function readValue(source: string, start: number): { value: string; end: number } {
  // What the shell quoted is read as a whole: inside quotes even `,KEY=` is part of the value.
  const word = readShellWord(source, start);
  if (word) {
    const next = afterCommas(source, word.end);
    if (next === source.length || (next > word.end && isKeyAt(source, next))) return word;
  }
  const end = nextSeparator(source, start);
  const value = source.slice(start, end).replace(trailingCommas, "");
  const quoted = value.length >= 2 && value.startsWith("'") && value.endsWith("'");
  return { value: quoted ? value.slice(1, -1) : value, end };
}

// The look-behinds keep a long run from being tried again from each of its places.
const trailingCommas = /(?<!,),+$/;
const lineEnds = /(?<![\r\n])[\r\n]+$/;
