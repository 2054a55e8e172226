import type { AgentConfig } from "./agent_config.ts";
import { agentFields } from "./agent_fields.ts";
import type { Field } from "./field.ts";

/**
 * What is configured and not in this version: accepted, so that existing files keep working, and said
 * at every start, so that nobody waits for it.
 *
 * @param isSet Whether somebody set a setting: nobody is warned about a default.
 */
export function notBuiltWarnings(
  config: AgentConfig,
  isSet: (field: Field) => boolean,
): readonly string[] {
  const { artifacts, logPublisher, metadata, status } = config;
  const wanted: readonly (readonly [boolean, string])[] = [
    [artifacts.autoCommit, "auto.commit: local changes are not committed and pushed"],
    [artifacts.publish === "symlink", "artifact.publish=symlink: files are published one by one"],
    [artifacts.engine === "git", "artifact.engine=git: isomorphic-git is used"],
    [logPublisher.enabled, "enable.data.publisher: log lines are not published"],
    [metadata.url !== undefined, "metadata.service.url: the metadata service is not used"],
    [
      status.listen !== undefined && isSet(agentFields.statusListen),
      "status.listen: there is no status endpoint",
    ],
  ];
  return wanted.filter(([isWanted]) => isWanted)
    .map(([, what]) => `Not in this version: ${what}`);
}
