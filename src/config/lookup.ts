import { environmentOf, type Field } from "./field.ts";
import { namesOf } from "./fields.ts";
import { homeFiles, isUnset, type Sources } from "./sources.ts";

/** The kinds of sources, the strongest first. */
export const sourceKinds = ["commandLine", "environment", "agentConf", "launchParams"] as const;

/** One of {@link sourceKinds}. */
export type SourceKind = typeof sourceKinds[number];

/** One place where a setting is set. */
export interface Candidate {
  readonly source: SourceKind;
  /** The name that it has there. */
  readonly name: string;
  /** The value as it stands there, or why it cannot be had (a `*_FILE` that is not readable). */
  readonly text: string | { readonly refused: string };
  /** The place in words, e.g. `environment MB_IP`. */
  readonly place: string;
}

/** Where a setting is set, the strongest first, and what was passed over. */
export interface Lookup {
  readonly candidates: readonly Candidate[];
  /** Values that are set and do not count, for the debug log; the strongest first. */
  readonly ignored: readonly string[];
}

/**
 * Finds a setting in all sources: command line, environment, agent.conf, launch-params.
 *
 * In agent.conf an empty value, `null` and the setting's own placeholder of the original's template
 * count as not set. `tcp://…` where a port belongs is a Kubernetes service link and does not count.
 */
export function lookUp(field: Field, sources: Sources): Lookup {
  const ignored: string[] = [];
  const found = [
    ...onCommandLine(field, sources),
    ...inEnvironment(field, sources),
    ...inAgentConf(field, sources),
    ...inLaunchParams(field, sources),
  ].filter((candidate) => {
    if (!field.mayBeServiceLink || !isServiceLink(candidate)) return true;
    ignored.push(`${field.key}: ${candidate.place} is a Kubernetes service link, not a port`);
    return false;
  });
  return { candidates: withException(field, found), ignored };
}

function isServiceLink({ text, source }: Candidate): boolean {
  return source !== "commandLine" && typeof text === "string" && /^\s*tcp:\/\//i.test(text);
}

function onCommandLine(field: Field, { commandLine }: Sources): Candidate[] {
  const names = namesOf(field).map((name) => name.toLowerCase());
  return [...commandLine]
    .filter(([name, text]) => names.includes(name.toLowerCase()) && text !== "")
    .map(([name, text]) => ({
      source: "commandLine",
      name,
      text,
      place: `command line (${name})`,
    }));
}

function inEnvironment(field: Field, { environment, fileValues }: Sources): Candidate[] {
  const found: Candidate[] = [];
  // The file first: an image may carry a default password in the plain variable.
  const variable = field.fileVariable;
  const fileValue = variable === undefined ? undefined : fileValues.get(variable);
  if (variable !== undefined && fileValue) {
    const text = "value" in fileValue ? fileValue.value : { refused: fileValue.refused };
    const place = `environment ${variable}, file ${fileValue.path}`;
    found.push({ source: "environment", name: variable, text, place });
  }
  for (const name of environmentOf(field)) {
    const text = environment.get(name);
    if (text !== undefined) {
      found.push({ source: "environment", name, text, place: `environment ${name}` });
    }
  }
  return found;
}

function inAgentConf(field: Field, { agentConf }: Sources): Candidate[] {
  const found: Candidate[] = [];
  const entries = agentConf?.content.sections.get("agent");
  for (const name of namesOf(field)) {
    const entry = entries?.get(name.toLowerCase());
    if (!entry || isUnset(entry.value) || field.tokens?.includes(entry.value)) continue;
    const place = `${agentConf?.path}, line ${entry.line}`;
    // Two names of one setting that differ in case only are one key of the file.
    if (found.some((other) => other.place === place)) continue;
    found.push({ source: "agentConf", name, text: entry.value, place });
  }
  return found;
}

function inLaunchParams(field: Field, { launchParams }: Sources): Candidate[] {
  const found: Candidate[] = [];
  for (const name of namesOf(field)) {
    const text = launchParams?.content.parameters.get(name);
    if (text === undefined) continue;
    found.push({
      source: "launchParams",
      name,
      text,
      place: `${launchParams?.path} (${name})`,
    });
  }
  return found;
}

/** Moves what launch-params say under the field's special name before agent.conf. */
function withException(field: Field, found: readonly Candidate[]): readonly Candidate[] {
  const name = field.launchNameBeforeFile;
  if (name === undefined) return found;
  const special = found.find((candidate) =>
    candidate.source === "launchParams" && candidate.name === name
  );
  if (!special) return found;
  const rest = found.filter((candidate) => candidate !== special);
  const first = rest.findIndex(({ source }) => source === "agentConf" || source === "launchParams");
  return first < 0 ? [...rest, special] : rest.toSpliced(first, 0, special);
}

/** Where a setting is looked for, in words, for the message that it is missing. */
export function placesOf(field: Field, sources: Sources): string {
  const environment = [
    ...environmentOf(field),
    ...field.fileVariable === undefined ? [] : [field.fileVariable],
  ];
  return [
    "command line",
    ...environment.length === 0 ? [] : [`environment ${environment.join(", ")}`],
    sources.agentConf?.path ?? `${homeFiles.agentConf.join(", ")} (no such file)`,
    sources.launchParams?.path ?? `${homeFiles.launchParams.join(", ")} (no such file)`,
  ].join("; ");
}
