/** Extension modules in place of parts of the artifacts' machinery. */
import type { ArtifactSyncOptions } from "../artifacts/artifact_sync.ts";
import {
  type CheckoutDone,
  type CheckoutJob,
  type CommitDone,
  namesOf,
  noNotes,
} from "../artifacts/git_job.ts";
import { runGitWorker, runRemovalWorker } from "../artifacts/git_worker_run.ts";
import type { CheckoutOptions } from "../artifacts/tenant_surroundings.ts";
import { cannot } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ArtifactsConfig } from "../config/agent_config.ts";
import type { ArtifactJob } from "../extensions/extension.ts";
import type { AllowedModule } from "../extensions/module_catalogue.ts";
import type { ModuleHost } from "../extensions/module_host.ts";

/** The part of a {@link ModuleHost} that is needed. */
type Modules = Pick<ModuleHost, "call" | "provider">;

/** What of the artifacts' machinery modules take the place of, and the settings that this leaves. */
export type ArtifactMachinery =
  & Pick<
    ArtifactSyncOptions,
    "runJob" | "runCommit" | "runRemoval" | "pollsRemote"
  >
  & { readonly config?: ArtifactsConfig };

type RunCheckout = NonNullable<ArtifactMachinery["runJob"]>;
type RunCommit = NonNullable<ArtifactMachinery["runCommit"]>;
type RunRemoval = NonNullable<ArtifactMachinery["runRemoval"]>;

/** The built-in work that goes on where no module takes its place. */
export interface BuiltIn {
  readonly checkOut: RunCheckout;
  readonly remove: RunRemoval;
}

const gitWorkers: BuiltIn = { checkOut: runGitWorker, remove: runRemovalWorker };
const longestCommit = 200;

/**
 * The artifacts' machinery with the modules that provide "artifactCheckout" and "artifactCommit" in
 * place of the built-in checkout and commit. What comes before stays: host and path are checked, the
 * directory is made, attempts are repeated. Where a module checks out, the remote is not asked with
 * Git whether it has moved: the module finds out.
 *
 * @param log Told what modules committed.
 * @returns Nothing when no module provides either.
 */
export function artifactMachinery(
  config: ArtifactsConfig,
  modules: Modules,
  log: Log,
  builtIn: BuiltIn = gitWorkers,
): ArtifactMachinery {
  const checkout = modules.provider("artifactCheckout");
  const commit = modules.provider("artifactCommit");
  if (checkout === undefined && commit === undefined) return {};
  if (config.autoCommit && commit === undefined) {
    log.warning(
      "auto.commit: local changes are not committed, because a module checks out and none provides " +
        "artifactCommit",
    );
  }
  const known = new Set<string>();
  /** Where the module has dealt with the local changes. */
  const settled = new Set<string>();
  const artifactJob = (module: AllowedModule, job: CheckoutJob, { tenantId }: CheckoutOptions) =>
    jobFor(module, job, tenantId, !known.has(job.destination));
  const checkOut = async (module: AllowedModule, job: CheckoutJob, options: CheckoutOptions) => {
    const given = artifactJob(module, job, options);
    const answer = await ask(module, "checkOutArtifacts", modules, given, options);
    return checkedOut(module.name, job.url, answer);
  };
  const runJob: RunCheckout = async (job, options) => {
    const localChanges = settled.delete(job.destination) ? "discard" : job.localChanges;
    const done = checkout === undefined
      ? await builtIn.checkOut({ ...job, localChanges }, options)
      : await checkOut(checkout, job, options);
    known.add(job.destination);
    return done;
  };
  const runCommit = (module: AllowedModule): RunCommit => async (job, options) => {
    settled.delete(job.destination);
    const given = artifactJob(module, job, options);
    const answer = await ask(module, "commitArtifacts", modules, given, options);
    if (isCommitted(module.name, job.url, answer)) {
      log.info(`Committed local changes of ${job.destination} (module ${module.name})`);
    }
    settled.add(job.destination);
    return nothingBuiltIn;
  };
  return {
    config: settingsFor(config, {
      checksOut: checkout !== undefined,
      commits: commit !== undefined,
    }),
    pollsRemote: checkout === undefined,
    runJob,
    ...(commit === undefined ? {} : { runCommit: runCommit(commit) }),
    runRemoval: (job, options) => {
      known.delete(job.destination);
      settled.delete(job.destination);
      return builtIn.remove(job, options);
    },
  };
}

/** A module writes into the directory itself, which must be one; the built-in commit knows no such files. */
function settingsFor(
  config: ArtifactsConfig,
  { checksOut, commits }: { readonly checksOut: boolean; readonly commits: boolean },
): ArtifactsConfig {
  if (!checksOut) return config;
  return { ...config, publish: "files", autoCommit: config.autoCommit && commits };
}

/** What a module committed is said by its own line. */
const nothingBuiltIn: CommitDone = {
  committed: namesOf([]),
  pushed: false,
  changed: false,
  leftOut: namesOf([]),
  unsettled: namesOf([]),
  overwritten: namesOf([]),
};

/** @throws AgentError, retryable, when the module failed; the signal's reason when that fired. */
async function ask(
  { name }: AllowedModule,
  kind: "checkOutArtifacts" | "commitArtifacts",
  modules: Modules,
  job: ArtifactJob,
  { timeoutMs, signal }: CheckoutOptions,
): Promise<unknown> {
  const call = { message: { kind, job }, answer: noAnswer, timeoutMs } as const;
  const outcome = await modules.call(name, call, signal);
  switch (outcome.kind) {
    case "done":
      return outcome.value;
    case "failed":
      throw failed(kind, job.repoUrl, name, outcome.reason);
    case "cancelled":
      signal.throwIfAborted();
      throw new DOMException("the agent ends", "AbortError");
  }
}

function checkedOut(name: string, url: string, answer: unknown): CheckoutDone {
  const { changed, commit } = recordOf(answer);
  const isCommit = commit === undefined ||
    typeof commit === "string" && commit.length <= longestCommit;
  if (typeof changed !== "boolean" || !isCommit) {
    const reason = "its answer must be { changed: boolean, commit?: string }";
    throw failed("checkOutArtifacts", url, name, reason);
  }
  return {
    kind: "published",
    module: name,
    files: 0,
    changed,
    receivedBytes: 0,
    notes: noNotes,
    ...(commit === undefined ? {} : { commit }),
  };
}

function isCommitted(name: string, url: string, answer: unknown): boolean {
  const { committed } = recordOf(answer);
  if (typeof committed === "boolean") return committed;
  throw failed("commitArtifacts", url, name, "its answer must be { committed: boolean }");
}

/** The password leaves the agent for a module that asked for it and was allowed to, and for no other. */
function jobFor(
  { abilities }: AllowedModule,
  { destination, url, username, password, branch }: CheckoutJob,
  tenantId: number,
  first: boolean,
): ArtifactJob {
  const isTold = abilities.includes("credentials");
  return {
    tenantId,
    destination,
    repoUrl: url,
    repoUsername: isTold ? username ?? "" : "",
    repoPassword: isTold ? password ?? "" : "",
    first,
    ...(branch === undefined ? {} : { branch }),
  };
}

function failed(
  kind: "checkOutArtifacts" | "commitArtifacts",
  url: string,
  name: string,
  reason: string,
) {
  const action = kind === "checkOutArtifacts" ? "check out" : "commit to";
  const options = { kind: "unavailable", retryable: true } as const;
  return cannot(action, url, `module ${name}: ${reason}`, options);
}

function noAnswer(): Promise<never> {
  return Promise.reject(new Error("artifacts ask nothing"));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
