import type { AgentConfig } from "./agent_config.ts";

/**
 * What is configured and not in this version: accepted, so that existing files keep working, and said
 * at every start, so that nobody waits for it.
 */
export function notBuiltWarnings(config: AgentConfig): readonly string[] {
  const { artifacts, extensions, logPublisher } = config;
  const wanted: readonly (readonly [boolean, string])[] = [
    [artifacts.autoCommit, "auto.commit: local changes are not committed and pushed"],
    [artifacts.publish === "symlink", "artifact.publish=symlink: files are published one by one"],
    [artifacts.engine === "git", "artifact.engine=git: isomorphic-git is used"],
    [logPublisher.enabled, "enable.data.publisher: log lines are not published"],
    [extensions.allowedModules.length > 0, "extension.modules.allow: modules are not run"],
  ];
  return wanted.filter(([isWanted]) => isWanted)
    .map(([, what]) => `Not in this version: ${what}`);
}
