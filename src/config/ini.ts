/** One value of an INI file. */
export interface IniEntry {
  /** The value with `%%` read as `%`; lines of a continued value are joined with a line feed. */
  readonly value: string;
  /** The value with `%%` as it stands, as Python's `logging` reads formats. */
  readonly raw: string;
  /** Line of the key, from 1. */
  readonly line: number;
}

/** A line that cannot be read. The message never repeats the line: it may hold a secret. */
export interface IniProblem {
  readonly line: number;
  readonly message: string;
}

/** A key that stands twice in a section; the last one counts. */
export interface IniRepetition {
  readonly section: string;
  readonly key: string;
  readonly line: number;
  readonly earlierLine: number;
}

/** What an INI file says. */
export interface IniFile {
  /** By section name, then by key in lower case. Keys of `[DEFAULT]` count in every section. */
  readonly sections: ReadonlyMap<string, ReadonlyMap<string, IniEntry>>;
  readonly problems: readonly IniProblem[];
  readonly repeated: readonly IniRepetition[];
}

interface Unfinished {
  readonly parts: string[];
  readonly line: number;
}

type Section = Map<string, Unfinished>;

const sectionHeader = /^\[([^\]]+)\]/;
const oldComment = /^rem(?:\s|$)/i;

/**
 * Reads the dialect of Python's `SafeConfigParser`, without interpolation.
 *
 * `key = value` or `key: value`, keys in any case; `#` and `;` start a comment line, a blank and `;`
 * an inline comment; indented lines continue the value above; a repeated key counts once, the last;
 * a repeated section goes on; `""` is empty. Never throws; takes time linear in the text.
 */
export function parseIni(text: string): IniFile {
  const sections = new Map<string, Section>();
  const problems: IniProblem[] = [];
  const repeated: IniRepetition[] = [];
  let section: { readonly name: string; readonly keys: Section } | undefined;
  let current: Unfinished | undefined;

  for (const [index, whole] of text.replace(/^\uFEFF/, "").split("\n").entries()) {
    const line = index + 1;
    const trimmed = whole.trim();
    if (trimmed === "" || /^[#;]/.test(trimmed) || oldComment.test(whole)) continue;
    if (/^\s/.test(whole)) {
      if (current) current.parts.push(withoutComment(trimmed));
      else problems.push({ line, message: "an indented line continues a value; none is above it" });
      continue;
    }
    const name = sectionHeader.exec(whole)?.[1];
    if (name !== undefined) {
      const keys = sections.get(name) ?? new Map<string, Unfinished>();
      sections.set(name, keys);
      section = { name, keys };
      current = undefined;
      continue;
    }
    if (!section) {
      problems.push({ line, message: "a key needs a section such as [agent] above it" });
      continue;
    }
    const cut = whole.search(/[:=]/);
    if (cut <= 0) {
      problems.push({ line, message: "neither a section nor key = value" });
      continue;
    }
    const key = whole.slice(0, cut).trim().toLowerCase();
    const earlier = section.keys.get(key);
    if (earlier) repeated.push({ section: section.name, key, line, earlierLine: earlier.line });
    const value = withoutComment(whole.slice(cut + 1));
    current = { parts: [value === '""' ? "" : value], line };
    section.keys.set(key, current);
  }
  return { sections: finish(sections), problems, repeated };
}

/** Cuts the inline comment: `;` after a blank. `#` and a `;` inside a word belong to the value. */
function withoutComment(value: string): string {
  const comment = /\s;/.exec(value);
  return (comment ? value.slice(0, comment.index) : value).trim();
}

function finish(sections: ReadonlyMap<string, Section>): IniFile["sections"] {
  const defaults = sections.get("DEFAULT");
  const finished = new Map<string, ReadonlyMap<string, IniEntry>>();
  for (const [name, own] of sections) {
    const entries = new Map<string, IniEntry>();
    for (const [key, { parts, line }] of [...defaults ?? [], ...own]) {
      const raw = parts.filter((part, index) => index === 0 || part !== "").join("\n");
      entries.set(key, { value: raw.replaceAll("%%", "%"), raw, line });
    }
    finished.set(name, entries);
  }
  return finished;
}
