import { join, resolve } from "node:path";
import { reasonOf } from "../base/errors.ts";
import { allFields, environmentNames, homeVariable } from "./fields.ts";
import { type IniFile, parseIni } from "./ini.ts";
import { type LaunchParams, parseLaunchParams } from "./launch_params.ts";

/** A file of the home that was read. */
export interface ReadFile<T> {
  readonly path: string;
  readonly content: T;
}

/** A value that stands in a file of its own, or why it cannot be had. */
export type FileValue =
  | { readonly path: string; readonly value: string }
  | { readonly path: string; readonly refused: string };

/** Everything that settings are resolved from; data only. */
export interface Sources {
  /** Absolute. */
  readonly home: string;
  /** Settings of the command line by name, as given. */
  readonly commandLine: ReadonlyMap<string, string>;
  /** The documented names that are set. */
  readonly environment: ReadonlyMap<string, string>;
  /** Values of the `*_FILE` variables, by the variable. */
  readonly fileValues: ReadonlyMap<string, FileValue>;
  readonly agentConf?: ReadFile<IniFile>;
  readonly launchParams?: ReadFile<LaunchParams>;
  readonly loggingIni?: string;
  /** What could not be read, one sentence each, without content. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Files that were looked for, present or not; what doing it again has to be granted. */
  readonly filesLookedFor: readonly string[];
}

/** Reads one variable of the environment. */
export type ReadEnvironment = (name: string) => string | undefined;

/** The process's own environment; needs `--allow-env=NAME` or `--ignore-env`. */
export const readProcessEnvironment: ReadEnvironment = (name) => Deno.env.get(name);

const mebibyte = 1 << 20;
const limits = { agentConf: mebibyte, launchParams: 8 * mebibyte, secret: 64 << 10 } as const;

/** Where the files of a home are looked for, in order. */
export const homeFiles = {
  agentConf: ["agent.conf", "conf/agent.conf"],
  loggingIni: ["logging.ini", "conf/logging.ini"],
  launchParams: ["payload/launch-params", "payload/launch.params"],
} as const;

/** Where settings come from, as the program was started. */
export interface SourceOptions {
  /** `--home`; else AGENT_HOME, else `cwd`. */
  readonly home?: string | undefined;
  /** `--set` of the command line, by name. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** The current directory, absolute. */
  readonly cwd: string;
  readonly readEnv: ReadEnvironment;
}

/**
 * Reads everything that settings come from; the only place that reads files and environment.
 *
 * Needs read permission for the candidates in {@link homeFiles} below the home and for the files that
 * `*_FILE` variables name. What is not granted or not readable becomes a problem, never an exception.
 */
export async function gatherSources(options: SourceOptions): Promise<Sources> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const environment = readVariables(options.readEnv, problems);
  const home = resolve(options.cwd, options.home ?? environment.get(homeVariable) ?? ".");
  const looked: string[] = [];
  // Only as far as they are tried: what stands behind the first that is there is never looked at.
  const candidates = function* (names: readonly string[]) {
    for (const path of names.map((name) => join(home, name))) {
      looked.push(path);
      yield path;
    }
  };
  const [agentConf, launchParams, loggingIni, fileValues] = await Promise.all([
    readFirst(candidates(homeFiles.agentConf), limits.agentConf, problems, warnings),
    readFirst(candidates(homeFiles.launchParams), limits.launchParams, problems, warnings),
    findFirst(candidates(homeFiles.loggingIni), warnings),
    readFileVariables(environment, home, looked),
  ]);
  return {
    home,
    commandLine: new Map(Object.entries(options.set ?? {})),
    environment,
    fileValues,
    ...(agentConf ? { agentConf: { ...agentConf, content: parseIni(agentConf.content) } } : {}),
    ...(launchParams
      ? { launchParams: { ...launchParams, content: parseLaunchParams(launchParams.content) } }
      : {}),
    ...(loggingIni === undefined ? {} : { loggingIni }),
    problems,
    warnings,
    filesLookedFor: looked,
  };
}

/** Empty and `null` variables count as not set: the platform's entry scripts leave such ones. */
function readVariables(readEnv: ReadEnvironment, problems: string[]): Map<string, string> {
  const found = new Map<string, string>();
  const refused: string[] = [];
  for (const name of environmentNames) {
    try {
      const value = readEnv(name);
      if (value !== undefined && !isUnset(value)) found.set(name, value);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      refused.push(name);
    }
  }
  if (refused.length > 0) {
    problems.push(`environment: not granted; run with --allow-env=${refused.join(",")}`);
  }
  return found;
}

/** Whether a value means "not set": empty or `null`, in any case. */
export function isUnset(value: string): boolean {
  const trimmed = value.trim();
  return trimmed === "" || trimmed.toLowerCase() === "null";
}

async function readFileVariables(
  environment: ReadonlyMap<string, string>,
  home: string,
  looked: string[],
): Promise<ReadonlyMap<string, FileValue>> {
  const values = new Map<string, FileValue>();
  await Promise.all(allFields.map(async ({ fileVariable }) => {
    const named = fileVariable === undefined ? undefined : environment.get(fileVariable);
    if (fileVariable === undefined || named === undefined) return;
    const path = resolve(home, named);
    looked.push(path);
    values.set(fileVariable, await readValueFile(path));
  }));
  return values;
}

async function readValueFile(path: string): Promise<FileValue> {
  try {
    const { text, isUtf8 } = await readText(path, limits.secret);
    const value = text.replace(/\r?\n$/, "");
    if (!isUtf8) return { path, refused: "is not UTF-8" };
    return value === "" ? { path, refused: "is empty" } : { path, value };
  } catch (error) {
    return { path, refused: describeFailure(error, path) };
  }
}

async function readFirst(
  paths: Iterable<string>,
  limitBytes: number,
  problems: string[],
  warnings: string[],
): Promise<ReadFile<string> | undefined> {
  for (const path of paths) {
    try {
      const { text, isUtf8 } = await readText(path, limitBytes);
      if (!isUtf8) warnings.push(`${path} is not UTF-8; what is not is read as U+FFFD`);
      return { path, content: text };
    } catch (error) {
      if (isAbsent(error)) continue;
      problems.push(`${path}: ${describeFailure(error, path)}`);
      return undefined;
    }
  }
  return undefined;
}

async function findFirst(
  paths: Iterable<string>,
  warnings: string[],
): Promise<string | undefined> {
  for (const path of paths) {
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch (error) {
      // Logging never keeps the agent from starting: without the file it logs as the template says.
      if (!isAbsent(error)) warnings.push(`${path}: ${describeFailure(error, path)}`);
    }
  }
  return undefined;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function describeFailure(error: unknown, path: string): string {
  if (error instanceof Deno.errors.NotCapable) return `not granted; run with --allow-read=${path}`;
  if (isAbsent(error)) return "does not exist";
  return `cannot be read: ${reasonOf(error)}`;
}

/** Reads a regular file; a pipe or device would block or never end. */
async function readText(
  path: string,
  limitBytes: number,
): Promise<{ readonly text: string; readonly isUtf8: boolean }> {
  const { isFile, size } = await Deno.stat(path);
  if (!isFile) throw new Error("not a regular file");
  if (size > limitBytes) throw new Error(`larger than ${limitBytes} bytes`);
  const bytes = await Deno.readFile(path);
  const text = new TextDecoder().decode(bytes);
  return { text, isUtf8: !text.includes("\ufffd") || isWellFormed(bytes) };
}

function isWellFormed(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
