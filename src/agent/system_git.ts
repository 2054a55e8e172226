import type { ArtifactSyncOptions } from "../artifacts/artifact_sync.ts";
import { runRemovalWorker } from "../artifacts/git_worker_run.ts";
import { SystemGitEngine } from "../artifacts/system_git_engine.ts";
import type { Clock } from "../base/clock.ts";
import type { AgentConfig } from "../config/agent_config.ts";
import type { BuiltIn } from "./artifact_modules.ts";

/** The system's git in place of the built-in engine. */
export interface SystemGit {
  readonly machinery: Required<Pick<ArtifactSyncOptions, "runJob" | "runCommit" | "openPoll">>;
  /** The same, for modules that take the place of a part only. */
  readonly builtIn: BuiltIn;
}

/** The system's git, when artifact.engine=git chose it. */
export function systemGitOf(
  { artifacts, paths }: AgentConfig,
  clock: Clock,
): SystemGit | undefined {
  if (artifacts.engine !== "git") return undefined;
  const { caFile, sshKeyFile, sshKnownHostsFile, allowedHosts, repoUrl } = artifacts;
  const engine = new SystemGitEngine({
    launcher: paths.launcher,
    clock,
    allowedHosts,
    ...(repoUrl === undefined ? {} : { announced: repoUrl }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(sshKeyFile === undefined ? {} : { sshKeyFile }),
    ...(sshKnownHostsFile === undefined ? {} : { sshKnownHostsFile }),
  });
  const runJob: SystemGit["machinery"]["runJob"] = (job, options) => engine.runJob(job, options);
  const runCommit: SystemGit["machinery"]["runCommit"] = (job, options) =>
    engine.runCommit(job, options);
  return {
    machinery: { runJob, runCommit, openPoll: (request) => engine.openPoll(request) },
    builtIn: { checkOut: runJob, remove: runRemovalWorker },
  };
}
