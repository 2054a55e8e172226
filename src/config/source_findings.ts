import { closestName } from "./closest_name.ts";
import { allFields, fieldsByName, namesOf } from "./fields.ts";
import { environmentOf } from "./field.ts";
import { shownKey } from "./shown_value.ts";
import type { Sources } from "./sources.ts";

/** What is wrong or odd with the sources themselves, whatever the settings come to. */
export interface SourceFindings {
  /** What keeps the agent from starting. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** A file full of nonsense must not become a log full of it. */
const mostOfAKind = 100;

/** Looks for unreadable files and lines, unknown keys, repeated keys. Never repeats a value. */
export function sourceFindings(sources: Sources): SourceFindings {
  return {
    problems: [
      ...sources.problems,
      ...atMost(unreadableLines(sources)),
      ...unknownOptions(sources),
      ...secretOptions(sources),
    ],
    warnings: [
      ...sources.warnings,
      ...atMost(unknownKeys(sources)),
      ...atMost(repeatedKeys(sources)),
      ...oddSections(sources),
      ...junkBeforeParameters(sources),
      ...doubledSecrets(sources),
    ],
  };
}

function atMost(lines: readonly (() => string)[]): string[] {
  const shown = lines.slice(0, mostOfAKind).map((line) => line());
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `${left} more of this kind`] : shown;
}

function unreadableLines({ agentConf }: Sources): (() => string)[] {
  return (agentConf?.content.problems ?? []).map(({ line, message }) => () =>
    `${agentConf?.path}, line ${line}: ${message}`
  );
}

function unknownKeys({ agentConf }: Sources): (() => string)[] {
  const entries = agentConf?.content.sections.get("agent") ?? [];
  return [...entries].filter(([key]) => !fieldsByName.has(key)).map(([key, { line }]) => () =>
    `${agentConf?.path}, line ${line}: unknown key "${shownKey(key)}"; ${suggestion(key)}`
  );
}

function suggestion(key: string): string {
  const keys = allFields.flatMap((field) => namesOf(field));
  return `the closest known one is "${closestName(key, keys)}"`;
}

/** Typed by somebody who waits for the answer: a mistake is refused, not warned about. */
function unknownOptions({ commandLine }: Sources): string[] {
  return [...commandLine.keys()].filter((name) => !fieldsByName.has(name.toLowerCase()))
    .map((name) => `command line: unknown setting "${shownKey(name)}"; ${suggestion(name)}`);
}

/** What programs are started with shows in the list of processes. */
function secretOptions({ commandLine }: Sources): string[] {
  return [...commandLine.keys()].flatMap((name) => {
    const field = fieldsByName.get(name.toLowerCase());
    if (!field?.secret) return [];
    const file = field.fileVariable === undefined ? "" : `${field.fileVariable} or `;
    return [
      `command line: "${name}" is a secret, and every user of the machine can read arguments; ` +
      `set ${file}${field.key} in agent.conf`,
    ];
  });
}

function repeatedKeys({ agentConf }: Sources): (() => string)[] {
  return (agentConf?.content.repeated ?? []).map(({ key, line, earlierLine }) => () =>
    `${agentConf?.path}, line ${line}: "${shownKey(key)}" again, after line ${earlierLine}; ` +
    "the last one counts"
  );
}

function oddSections({ agentConf }: Sources): string[] {
  if (!agentConf) return [];
  const names = [...agentConf.content.sections.keys()];
  const others = names.filter((name) => name !== "agent" && name !== "DEFAULT").slice(0, 5);
  return [
    ...others.map((name) => `${agentConf.path}: section [${shownKey(name)}] is not read`),
    ...names.includes("agent") ? [] : [`${agentConf.path}: has no section [agent]`],
  ];
}

function junkBeforeParameters({ launchParams }: Sources): string[] {
  const count = launchParams?.content.ignoredCharacters ?? 0;
  if (count === 0) return [];
  return [`${launchParams?.path}: ${count} characters before the first KEY= are ignored`];
}

function doubledSecrets({ environment, fileValues }: Sources): string[] {
  return allFields.flatMap((field) => {
    const plain = environmentOf(field).find((name) => environment.has(name));
    const file = field.fileVariable;
    if (plain === undefined || file === undefined || !fileValues.has(file)) return [];
    return [`${file} and ${plain} are both set; the file counts`];
  });
}
