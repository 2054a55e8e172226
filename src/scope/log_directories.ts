import { dirname, isAbsolute } from "node:path";
import { cannot } from "../base/errors.ts";
import type { LogPublisherConfig } from "../config/agent_config.ts";

/**
 * The directories of the log files that are published: a rotation renames a file within its own. Of a
 * pattern it is what stands before the first component with a wildcard.
 *
 * @throws AgentError of kind `configuration` for what would be the whole file system.
 */
export function logDirectories({ enabled, paths }: LogPublisherConfig): readonly string[] {
  if (!enabled) return [];
  return paths.filter((path) => isAbsolute(path)).map((path) => {
    const components = path.split("/");
    const wild = components.findIndex((component) => /[*?[]/.test(component));
    const directory = wild < 0 ? dirname(path) : components.slice(0, wild).join("/") || "/";
    if (directory !== "/") return directory;
    throw cannot(
      "grant access to",
      path,
      "log.file.paths must name files below a directory, not the whole file system",
      { kind: "configuration" },
    );
  });
}
