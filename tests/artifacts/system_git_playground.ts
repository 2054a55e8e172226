import { fileURLToPath } from "node:url";
import type { ArtifactSyncOptions } from "../../src/artifacts/artifact_sync.ts";
import { SystemGitEngine } from "../../src/artifacts/system_git_engine.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";

/** The program's own launcher. */
export const launcher = fileURLToPath(new URL("../../extensions/launcher", import.meta.url));

/** The engine of a configuration. */
export function engineFor(
  { caFile, sshKeyFile, sshKnownHostsFile, allowedHosts = [], repoUrl }: Partial<ArtifactsConfig> =
    {},
  program = launcher,
): SystemGitEngine {
  return new SystemGitEngine({
    launcher: program,
    clock: systemClock,
    allowedHosts,
    ...(repoUrl === undefined ? {} : { announced: repoUrl }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(sshKeyFile === undefined ? {} : { sshKeyFile }),
    ...(sshKnownHostsFile === undefined ? {} : { sshKnownHostsFile }),
  });
}

/** What makes a sync use the system's git. */
export function systemGitOptions(
  config: Partial<ArtifactsConfig> = {},
  program = launcher,
): Required<Pick<ArtifactSyncOptions, "runJob" | "runCommit" | "openPoll">> {
  const engine = engineFor(config, program);
  return {
    runJob: (job, options) => engine.runJob(job, options),
    runCommit: (job, options) => engine.runCommit(job, options),
    openPoll: (request) => engine.openPoll(request),
  };
}
