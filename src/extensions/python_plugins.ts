import { join } from "node:path";

/** A Python plugin as earlier agents loaded it. */
export interface PythonPlugin {
  /** Path of the descriptor below the plugins folder. */
  readonly descriptor: string;
  /** `Name`, or the descriptor's own name. */
  readonly name: string;
  /** Path of the Python file below the plugins folder. */
  readonly source: string;
  /** Events that it wants. */
  readonly events: readonly string[];
}

const suffix = ".yapsy-plugin";
const maxDescriptorBytes = 64 * 1024;
const maxDepth = 4;
const maxEntries = 2_000;
const mostLines = 50;
const longestLine = 1_000;

/**
 * Reads a plugin descriptor: an INI text with `Name` and `Module` in `[Core]` and the events, separated
 * by commas, as `Description` in `[Documentation]`.
 *
 * @param path Of the descriptor, below the plugins folder; `Module` is relative to it.
 */
export function parsePluginDescriptor(text: string, path: string): PythonPlugin {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*([A-Za-z]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(key.toLowerCase(), value);
  }
  const slash = path.lastIndexOf("/") + 1;
  const ownName = path.slice(slash, -suffix.length);
  const module = values.get("module") || ownName;
  return {
    descriptor: path,
    name: values.get("name") || ownName,
    source: `${path.slice(0, slash)}${module.replace(/\.py$/, "")}.py`,
    events: (values.get("description") ?? "").split(/[\s,;]+/).filter((event) => event !== ""),
  };
}

/**
 * Finds the plugins in a folder and the folders in it, sorted by descriptor.
 *
 * @returns Nothing when the folder is not there or must not be read; without what cannot be read.
 */
export async function findPythonPlugins(pluginsDir: string): Promise<readonly PythonPlugin[]> {
  const paths: string[] = [];
  let entries = 0;
  const scan = async (folder: string, depth: number) => {
    for await (const { name, isDirectory } of Deno.readDir(join(pluginsDir, folder))) {
      if (++entries > maxEntries) return;
      if (name.endsWith(suffix)) paths.push(`${folder}${name}`);
      else if (isDirectory && depth < maxDepth) await scan(`${folder}${name}/`, depth + 1);
    }
  };
  try {
    await scan("", 0);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  const plugins = await Promise.all(paths.sort().map((path) => readDescriptor(pluginsDir, path)));
  return plugins.filter((plugin) => plugin !== undefined);
}

/** Nothing for what is no file, e.g. a pipe, which would be waited for, or cannot be read. */
async function readDescriptor(pluginsDir: string, path: string): Promise<PythonPlugin | undefined> {
  try {
    if (!(await Deno.stat(join(pluginsDir, path))).isFile) return undefined;
    using file = await Deno.open(join(pluginsDir, path));
    const buffer = new Uint8Array(maxDescriptorBytes);
    const length = await file.read(buffer) ?? 0;
    return parsePluginDescriptor(new TextDecoder().decode(buffer.subarray(0, length)), path);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  return [
    Deno.errors.NotFound,
    Deno.errors.NotADirectory,
    Deno.errors.NotCapable,
    Deno.errors.PermissionDenied,
  ].some((kind) => error instanceof kind);
}

/**
 * One line for each plugin: which events it wants, and how it carries on as an extension. Long lines
 * and the lines after the first fifty are left out, and how many is said.
 *
 * @param events Names of all events that extensions are run for.
 */
export function pluginAdvice(
  plugins: readonly PythonPlugin[],
  events: readonly string[],
): readonly string[] {
  const lines = plugins.slice(0, mostLines).map((plugin) => {
    const line = adviceOn(plugin, events);
    return line.length > longestLine ? `${line.slice(0, longestLine)} …` : line;
  });
  const more = plugins.length - lines.length;
  return more > 0 ? [...lines, `${more} more Python plugins are not run by themselves`] : lines;
}

function adviceOn(
  { name, descriptor, source, events: wanted }: PythonPlugin,
  events: readonly string[],
): string {
  const known = wanted.filter((event) => events.includes(event));
  const unknown = wanted.filter((event) => !events.includes(event));
  const start = `Python plugin ${name} (plugins/${descriptor})`;
  const odd = unknown.length === 0 ? "" : `; not known: ${unknown.join(", ")}`;
  if (known.length === 0) return `${start} names no known event and is not run${odd}`;
  const links = known.map((event) => `extensions/${event}.d/${name.replaceAll(/[^\w.-]/g, "-")}`);
  return `${start} is not run by itself: it wants ${known.join(", ")}. Copy plugins/${source} ` +
    "and its descriptor below extensions/, and run it with extensions/examples/run-python-plugin " +
    `from ${links.join(", ")}${odd}`;
}
