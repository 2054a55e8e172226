import type { Secret } from "./secret.ts";

const hidden = "***";

/** Credentials inside any URL: `scheme://user:password@` and `scheme://token@`. */
const urlUserInfo = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]*(?:@[^\s/?#@"'<>]*)*@/gi;
/** `Authorization: Basic …` and the like, as libraries put them into errors. */
const authorization = /\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{6,}/gi;

/**
 * Takes secrets out of text that leaves the agent: log lines, errors, output of extensions, status.
 *
 * There is one redactor per agent; whoever learns a secret (configuration, artifact events) adds it.
 * Besides the known values it hides user information in URLs and authorization headers.
 */
export class Redactor {
  /** Known secrets and how often each was added. */
  readonly #known = new Map<string, number>();
  #pattern: RegExp | undefined;

  /**
   * Hides a secret from now on, as it is, percent-encoded, in base64 and as JSON writes it.
   *
   * Values of one or two characters are ignored: hiding them would garble every line and hide nothing.
   *
   * @returns A function that forgets the secret again.
   */
  add(secret: Secret): () => void {
    const value = secret.open();
    if (value.length < 3) return () => {};
    this.#known.set(value, (this.#known.get(value) ?? 0) + 1);
    this.#pattern = undefined;
    let forgotten = false;
    return () => {
      if (forgotten) return;
      forgotten = true;
      const uses = (this.#known.get(value) ?? 1) - 1;
      if (uses > 0) this.#known.set(value, uses);
      else this.#known.delete(value);
      this.#pattern = undefined;
    };
  }

  /** The text with every secret replaced by `***`. */
  redact(text: string): string {
    this.#pattern ??= patternOf(this.#known.keys());
    const shown = this.#pattern ? text.replaceAll(this.#pattern, hidden) : text;
    return shown.replaceAll(urlUserInfo, `$1${hidden}@`)
      .replaceAll(authorization, `$1 ${hidden}`);
  }
}

function patternOf(values: Iterable<string>): RegExp | undefined {
  const spellings = new Set<string>();
  for (const value of values) {
    spellings.add(value);
    spellings.add(encodeURIComponent(value.toWellFormed()));
    spellings.add(encodeURI(value.toWellFormed()));
    spellings.add(JSON.stringify(value).slice(1, -1));
    spellings.add(base64(value));
  }
  if (spellings.size === 0) return undefined;
  // Longest first, or a short secret inside a longer one would leave the rest in view.
  const sorted = [...spellings].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((spelling) => RegExp.escape(spelling)).join("|"), "g");
}

function base64(value: string): string {
  return new TextEncoder().encode(value).toBase64();
}
