import { join, parse } from "node:path";
import { isCompressed, isPattern, matchesName } from "./log_names.ts";

/** Names that one pattern may stand for. */
export const expansionLimit = 500;

/**
 * The paths that a pattern matches now, sorted, at most {@link expansionLimit}; compressed files are
 * left out. A path without wildcards is itself, present or not. What cannot be listed matches nothing.
 */
export async function expand(pattern: string): Promise<readonly string[]> {
  if (!isPattern(pattern)) return [pattern];
  const { root } = parse(pattern);
  let paths: string[] = [root];
  const components = pattern.slice(root.length).split("/").filter((part) => part !== "");
  for (const [index, component] of components.entries()) {
    const isLast = index === components.length - 1;
    if (!isPattern(component)) {
      paths = paths.map((path) => join(path, component));
      continue;
    }
    const found: string[] = [];
    for (const path of paths) {
      for (const name of await matchingNames(path, component, isLast)) {
        if (found.length < expansionLimit) found.push(join(path, name));
      }
    }
    paths = found;
  }
  return paths;
}

async function matchingNames(
  directory: string,
  component: string,
  isLast: boolean,
): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      const fits = isLast ? !entry.isDirectory && !isCompressed(entry.name) : !entry.isFile;
      if (fits && matchesName(component, entry.name)) names.push(entry.name);
    }
  } catch {
    // Not there, not a directory, not readable: nothing matches until that changes.
    return [];
  }
  return names.sort();
}
