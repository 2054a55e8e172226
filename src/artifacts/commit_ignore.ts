/** The rules of `.gitignore` files, matched as Git does. */
import { Buffer } from "node:buffer";

/** A step of a pattern. Paths are compared byte by byte. */
type Step =
  | { readonly kind: "byte"; readonly byte: number }
  /** `?` and `[…]`; never a slash. */
  | { readonly kind: "one"; readonly matches: (byte: number) => boolean }
  /** `*`: any bytes but slashes. */
  | { readonly kind: "name" }
  /** `**` with its slash: any number of directories. */
  | { readonly kind: "directories" }
  /** `**` at the end: anything. */
  | { readonly kind: "rest" };

interface Rule {
  readonly isNegated: boolean;
  readonly directoriesOnly: boolean;
  /** Compared with the path from the rule's directory on; else with the name alone. */
  readonly isAnchored: boolean;
  readonly steps: readonly Step[];
  /** Set when there is nothing to expand. */
  readonly literal: string | undefined;
  /** Set for `*` and a literal: `*.log`. */
  readonly suffix: string | undefined;
}

/** More than people write; the rest of a longer file is passed over. */
const mostRules = 5000;
const longestPatternBytes = 4096;
const slash = 0x2f;

/** The rules of one file, in its order. */
export class IgnoreFile {
  readonly #rules: readonly Rule[];

  /** @param text The file's content. */
  constructor(text: string) {
    const rules: Rule[] = [];
    for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
      const rule = parseRule(line.replace(/\r$/, ""));
      if (rule) rules.push(rule);
      if (rules.length >= mostRules) break;
    }
    this.#rules = rules;
  }

  /**
   * What the file says of a path.
   *
   * @param path From the directory of the file on.
   * @returns `undefined` when no rule fits.
   */
  decides(path: string, isDirectory: boolean): "ignored" | "wanted" | undefined {
    const bytes = byteString(path);
    const name = bytes.slice(bytes.lastIndexOf("/") + 1);
    for (let at = this.#rules.length - 1; at >= 0; at--) {
      const rule = this.#rules[at];
      if (rule === undefined || rule.directoriesOnly && !isDirectory) continue;
      if (fits(rule, rule.isAnchored ? bytes : name)) return rule.isNegated ? "wanted" : "ignored";
    }
    return undefined;
  }
}

/** The rules that are valid in a directory: its own file's, and those of the directories above. */
export class IgnoreRules {
  readonly #above: IgnoreRules | undefined;
  readonly #file: IgnoreFile | undefined;
  /** Length of the directory's path and the slash behind it. */
  readonly #prefixLength: number;

  /**
   * @param directory From the root on; empty for the root.
   * @param file Its own rules.
   */
  constructor(above: IgnoreRules | undefined, directory: string, file: IgnoreFile | undefined) {
    this.#above = above;
    this.#file = file;
    this.#prefixLength = directory === "" ? 0 : directory.length + 1;
  }

  /** Whether a path, seen from the root, is ignored; what holds for directories above is not asked. */
  ignores(path: string, isDirectory: boolean): boolean {
    const decision = this.#file?.decides(path.slice(this.#prefixLength), isDirectory);
    if (decision !== undefined) return decision === "ignored";
    return this.#above?.ignores(path, isDirectory) ?? false;
  }
}

function parseRule(line: string): Rule | undefined {
  if (line.startsWith("#")) return undefined;
  let pattern = byteString(withoutTrailingBlanks(line));
  const isNegated = pattern.startsWith("!");
  if (isNegated) pattern = pattern.slice(1);
  const directoriesOnly = pattern.endsWith("/");
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  const isAnchored = pattern.includes("/");
  if (pattern.startsWith("/")) pattern = pattern.slice(1);
  if (pattern === "" || pattern.length > longestPatternBytes) return undefined;
  const steps = isAnchored ? anchoredSteps(pattern) : stepsOf(pattern);
  if (steps === undefined) return undefined;
  const tail = steps[0]?.kind === "name" && !isAnchored ? literalOf(steps.slice(1)) : undefined;
  const common = { isNegated, directoriesOnly, isAnchored, steps };
  return { ...common, literal: literalOf(steps), suffix: tail };
}

/** Blanks at the end mean nothing unless a backslash stands before them. */
function withoutTrailingBlanks(line: string): string {
  let end = line.length;
  while (line[end - 1] === " ") {
    let backslashes = 0;
    while (line[end - 2 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 1) break;
    end--;
  }
  return line.slice(0, end);
}

/**
 * Git compares what stands before the first special character by itself, and reads the rest as if
 * the pattern began there: the `**` of `a**\/b` is one, and crosses directories.
 */
function anchoredSteps(pattern: string): readonly Step[] | undefined {
  const literal = /^[^*?[\\]*/.exec(pattern)?.[0] ?? "";
  const rest = stepsOf(pattern.slice(literal.length));
  return rest && [...stepsOf(literal) ?? [], ...rest];
}

/** @returns `undefined` for a pattern that can match nothing. */
function stepsOf(pattern: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length;) {
    const character = pattern[at];
    if (character === "*") {
      let end = at;
      while (pattern[end] === "*") end++;
      const atStart = at === 0 || pattern[at - 1] === "/";
      if (end - at >= 2 && atStart && pattern[end] === "/") {
        steps.push({ kind: "directories" });
        at = end + 1;
      } else if (end - at >= 2 && atStart && end === pattern.length) {
        steps.push({ kind: "rest" });
        at = end;
      } else {
        steps.push({ kind: "name" });
        at = end;
      }
    } else if (character === "?") {
      steps.push({ kind: "one", matches: () => true });
      at++;
    } else if (character === "[") {
      const set = byteSet(pattern, at);
      if (set === undefined) return undefined;
      steps.push({ kind: "one", matches: set.matches });
      at = set.end;
    } else {
      if (character === "\\") at++;
      if (at >= pattern.length) return undefined;
      steps.push({ kind: "byte", byte: pattern.charCodeAt(at++) });
    }
  }
  return steps;
}

const namedSets: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};

/** `[a-z]`, `[!a]`, `[[:digit:]]`. @returns `undefined` when it does not end. */
function byteSet(pattern: string, start: number) {
  const bytes = new Set<number>();
  let at = start + 1;
  const isNegated = pattern[at] === "!" || pattern[at] === "^";
  if (isNegated) at++;
  const next = () => {
    if (pattern[at] === "\\") at++;
    return pattern.charCodeAt(at++);
  };
  for (let first = true; first || pattern[at] !== "]"; first = false) {
    if (at >= pattern.length) return undefined;
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(at, at + 12));
    if (named) {
      const set = namedSets[named[1] ?? ""];
      if (set === undefined) return undefined;
      for (let byte = 0; byte < 128; byte++) {
        if (set.test(String.fromCharCode(byte))) bytes.add(byte);
      }
      at += named[0].length;
      continue;
    }
    const low = next();
    let high = low;
    if (pattern[at] === "-" && pattern[at + 1] !== "]" && at + 1 < pattern.length) {
      at++;
      high = next();
    }
    if (Number.isNaN(low) || Number.isNaN(high)) return undefined;
    // Also of a range that runs backwards.
    bytes.add(low);
    for (let byte = low; byte <= high; byte++) bytes.add(byte);
  }
  return { matches: (byte: number) => bytes.has(byte) !== isNegated, end: at + 1 };
}

function literalOf(steps: readonly Step[]): string | undefined {
  let text = "";
  for (const step of steps) {
    if (step.kind !== "byte") return undefined;
    text += String.fromCharCode(step.byte);
  }
  return text;
}

function fits({ steps, literal, suffix }: Rule, text: string): boolean {
  if (literal !== undefined) return text === literal;
  if (suffix !== undefined) return text.endsWith(suffix);
  return matches(steps, text);
}

/** All ways at once, so that no pattern takes long: a state is a step, odd inside of directories. */
function matches(steps: readonly Step[], text: string): boolean {
  let states = new Set<number>();
  const enter = (into: Set<number>, step: number) => {
    for (let at = step; !into.has(2 * at); at++) {
      into.add(2 * at);
      const kind = steps[at]?.kind;
      if (kind === undefined || kind === "byte" || kind === "one") return;
    }
  };
  enter(states, 0);
  for (let at = 0; at < text.length && states.size > 0; at++) {
    const byte = text.charCodeAt(at);
    const following = new Set<number>();
    for (const state of states) {
      const index = state >> 1;
      const step = steps[index];
      if (step === undefined) continue;
      if (step.kind === "byte" && step.byte === byte) enter(following, index + 1);
      else if (step.kind === "one" && byte !== slash && step.matches(byte)) {
        enter(following, index + 1);
      } else if (step.kind === "name" && byte !== slash) enter(following, index);
      else if (step.kind === "rest") enter(following, index);
      else if (step.kind === "directories") {
        if (byte === slash) enter(following, index);
        else following.add(2 * index + 1);
      }
    }
    states = following;
  }
  return states.has(2 * steps.length);
}

/** One character for each byte of the UTF-8 form. */
function byteString(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text).toString("latin1");
}
