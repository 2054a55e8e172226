import { isAbsolute, join, resolve } from "node:path";
import type { PathsConfig } from "./agent_config.ts";
import { artifactFields } from "./artifact_fields.ts";
import { payloadFields } from "./payload_fields.ts";
import { defined, type SettingReader } from "./reader.ts";

/** Nothing of an application's is in or below these. */
const systemTrees: readonly string[] = [
  ...["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin"],
  ...["/sys", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"],
];

/** Shared by many; an application may have a directory of its own below. */
const systemDirectories: readonly string[] = [
  ...["/", "/home", "/media", "/mnt", "/opt", "/run", "/tmp", "/usr", "/usr/lib", "/usr/lib32"],
  ...["/usr/lib64", "/usr/libexec", "/usr/local", "/usr/local/lib", "/usr/share", "/var"],
  ...["/var/lib", "/var/log", "/var/run", "/var/tmp"],
];

/**
 * Notes a problem when a repository could replace scripts or state: APPLICATION_PATH is, holds or lies
 * inside something of the agent's, or is the system's. Without a repository the path is only passed on
 * to extensions. Links are not followed.
 *
 * @param programFiles Absolute paths that the program consists of.
 */
export function refuseProtectedPath(
  reader: SettingReader,
  paths: PathsConfig,
  programFiles: readonly string[],
): void {
  const configured = reader.value(artifactFields.applicationPath);
  if (configured === undefined || !isAbsolute(configured)) return;
  const hasRepository = reader.strongest(payloadFields.repoUrl) !== undefined ||
    reader.strongest(artifactFields.allowedHosts) !== undefined;
  if (!hasRepository) return;
  const own = [...filesOf(paths, reader.sources.loggingIni), ...programFiles];
  const relation = relationTo(resolve(configured), own);
  if (relation === undefined) return;
  reader.refuse(
    artifactFields.applicationPath,
    `${relation}, which a repository must not replace`,
  );
}

function filesOf(paths: PathsConfig, loggingIni: string | undefined): readonly string[] {
  const { home, extensionsDir, stateDir, logDir, terminatorFile, agentConf, launchParams } = paths;
  const files = defined({ agentConf, launchParams, loggingIni });
  return [
    extensionsDir,
    join(home, "conf"),
    join(home, "payload"),
    stateDir,
    logDir,
    terminatorFile,
    ...Object.values<string>(files),
  ];
}

/** How a path touches a protected one, in words; undefined: it does not. */
function relationTo(path: string, own: readonly string[]): string | undefined {
  if (systemDirectories.includes(path)) return `is ${path}`;
  for (const other of [...own, ...systemTrees]) {
    if (path === other) return `is ${other}`;
    if (isInside(path, other)) return `is inside ${other}`;
  }
  const held = own.find((other) => isInside(other, path));
  return held === undefined ? undefined : `holds ${held}`;
}

function isInside(path: string, directory: string): boolean {
  return path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
