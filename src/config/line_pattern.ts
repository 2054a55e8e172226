import type { ValueType } from "./value_types.ts";

const longest = 200;
/** Bytes of a line that are matched. */
const subjectLength = 128;
/** Steps that matching one line may take at worst. */
const stepsLimit = 1e9;

/**
 * A regular expression for the beginning of a line, in the syntax of JavaScript with the flag `u`.
 *
 * What can take exponential time is refused: back references, look-around, and groups that are repeated;
 * so are more variable repetitions than a line of 128 characters allows for.
 */
export const linePattern: ValueType<string> = {
  accepted: "a regular expression without repeated groups, back references and look-around",
  parse: (text) => {
    if (text.length > longest) return { refused: `is longer than ${longest} characters` };
    try {
      new RegExp(text, "u");
    } catch {
      return { refused: "is no regular expression" };
    }
    const refused = refusal(text);
    return refused === undefined ? { value: text } : { refused };
  },
};

function refusal(pattern: string): string | undefined {
  const isAnchored = pattern.startsWith("^") && !pattern.includes("|");
  let steps = isAnchored ? 1 : subjectLength;
  let previous = "";
  for (let at = 0; at < pattern.length;) {
    const token = nextToken(pattern, at);
    at += token.length;
    if (/^\\(\d|k)/.test(token)) return "has a back reference";
    if (token === "(" && /^\(\?(<?[=!])/.test(pattern.slice(at - 1))) return "looks around";
    if (token === "|") steps *= 2;
    const range = repetition(token);
    if (range !== undefined) {
      if (previous === ")" && token !== "?") return "repeats a group";
      steps *= range;
      if (steps > stepsLimit) return "has too many repetitions of variable length";
    }
    previous = token;
  }
  return undefined;
}

/** In how many ways a quantifier can match, or `undefined` when this is none. */
function repetition(token: string): number | undefined {
  if (token === "*" || token === "+") return subjectLength;
  if (token === "?") return 2;
  const counts = /^\{(\d+)(,(\d*))?\}$/.exec(token);
  if (!counts) return undefined;
  const least = Math.min(Number(counts[1]), subjectLength);
  if (counts[2] === undefined) return 1;
  const most = counts[3] === "" ? subjectLength : Math.min(Number(counts[3]), subjectLength);
  return most - least + 1;
}

/** An escape, a class, a quantifier with braces, or one character. */
function nextToken(pattern: string, at: number): string {
  const rest = pattern.slice(at);
  return /^(\\(u\{[^}]*\}|[pP]\{[^}]*\}|.)|\[(\\.|[^\]\\])*\]|\{[\d,]*\}|[\s\S])/u.exec(rest)
    ?.[0] ??
    rest[0]!;
}
