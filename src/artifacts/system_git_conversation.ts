/** One conversation of the system's git with a server: everything that its runs share. */
import type { Clock } from "../base/clock.ts";
import { AgentError, cannot } from "../base/errors.ts";
import type { Credentials, RepositoryAccess } from "../git/credentials.ts";
import type { OrderedPush, Transfer } from "./git_job.ts";
import {
  chooseBranch,
  type ChosenBranch,
  type RemoteRefs,
  shown,
  wantedRefPrefixes,
} from "../git/remote_refs.ts";
import { makePush, pushPath } from "./system_git_commit.ts";
import { systemGitFailure } from "./system_git_failure.ts";
import {
  allowedLfsUrl,
  type LargeFileOrder,
  largeFileOrigins,
  largeFilesPath,
} from "./system_git_large_files.ts";
import { parseListing } from "./system_git_listing.ts";
import {
  runSystemGit,
  type SystemGitEnd,
  type SystemGitRun,
  type SystemGitSettings,
} from "./system_git_process.ts";
import { makeTransfer, transferPath, transferredCommit } from "./system_git_transfer.ts";
import { gitAddressOf, isSshAddress } from "./system_git_url.ts";

/** What all conversations share. */
export interface ConversationSettings extends SystemGitSettings {
  readonly clock: Clock;
  /** Where contents of Git LFS may come from (artifact.allowed.hosts). */
  readonly allowedHosts: readonly string[];
  /** REPO_URL. */
  readonly announced?: string;
}

/** With whom, and how long. */
export interface ConversationPartner {
  readonly access: RepositoryAccess;
  readonly gitDirectory: string;
  readonly maxFileBytes: number;
  readonly idleTimeoutMs: number;
  readonly leftMs: () => number;
  readonly onLimit: () => Error;
  readonly signal: AbortSignal;
}

/** What the launcher is asked for. */
interface Call {
  readonly verb: "ls-remote" | "fetch" | "lfs" | "push";
  readonly directory: string;
  /** What follows the URL. */
  readonly rest: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly maxFileBytes?: number;
}

/** For what Git LFS notes beside a content. */
const spareFileBytes = 64 * 1024;
/** The launcher found no program. */
const missingStatus = 127;
const zeroId = "0".repeat(40);

/** Runs git, one question after the other. Every method rejects with an AgentError or the signal's reason. */
export class SystemGitConversation {
  readonly #settings: ConversationSettings;
  readonly #with: ConversationPartner;

  constructor(settings: ConversationSettings, partner: ConversationPartner) {
    this.#settings = settings;
    this.#with = partner;
  }

  /** The branch; `undefined` when the repository is empty. */
  async choose(branch: string | undefined): Promise<ChosenBranch | undefined> {
    const { first, otherwise } = wantedRefPrefixes(branch);
    let refs = await this.#list(first);
    if (refs.ids.size === 0) refs = await this.#list(otherwise.map((prefix) => `${prefix}*`));
    return chooseBranch(refs, branch);
  }

  /**
   * Fetches the branch into the transfer directory.
   *
   * @param isWhole Nothing that is here counts as known.
   * @throws AgentError with `data.needsWhole` when it may help to fetch everything.
   */
  async transfer(branch: string | undefined, isWhole: boolean): Promise<Transfer> {
    const { gitDirectory, access } = this.#with;
    const isAll = makeTransfer(gitDirectory, isWhole);
    const chosen = await this.choose(branch);
    if (chosen === undefined) return { isWhole: isAll };
    try {
      const { stderr } = await this.#run("fetch", [chosen.ref]);
      // Git reads around what is damaged here; it is to be replaced.
      if (!isAll && /^error: /m.test(stderr)) throw damagedHere(access.url);
    } catch (error) {
      // What is here may be damaged; with nothing known that does not matter.
      if (isAll || !(error instanceof AgentError) || error.kind !== "unavailable") throw error;
      throw new AgentError(error.message, { ...error, data: { ...error.data, needsWhole: true } });
    }
    const commit = transferredCommit(gitDirectory);
    if (commit === undefined) {
      const reason = "the server did not send the branch's commit";
      throw cannot("fetch from", access.url, reason, { kind: "unavailable", retryable: true });
    }
    // It may have moved since it was asked for.
    return { isWhole: isAll, branch: { ref: chosen.ref, commit } };
  }

  /**
   * Fetches contents of Git LFS.
   *
   * @returns Whether there is a Git LFS.
   */
  async fetchLargeFiles(order: LargeFileOrder): Promise<boolean> {
    const { allowedHosts, announced } = this.#settings;
    const { access, gitDirectory } = this.#with;
    const url = order.url === undefined
      ? undefined
      : allowedLfsUrl(order.url, allowedHosts, announced);
    const urls = [
      ...isSshAddress(access.url) ? [] : [access.url],
      ...url === undefined ? [] : [url],
    ];
    const environment = {
      CARTRIDGE_AGENT_GIT_LFS_ORIGINS: largeFileOrigins(urls, allowedHosts, announced).join(" "),
      ...(url === undefined ? {} : { CARTRIDGE_AGENT_GIT_LFS_URL: url }),
    };
    for (const { ref, largestBytes } of order.runs) {
      const end = await this.#start({
        verb: "lfs",
        directory: largeFilesPath(gitDirectory),
        rest: [ref],
        environment,
        maxFileBytes: largestBytes + spareFileBytes,
      });
      if (end.code === missingStatus && /no program git-lfs/.test(end.stderr)) return false;
      if (end.code !== 0) throw systemGitFailure(access, end, "fetch files in Git LFS of");
    }
    return true;
  }

  /**
   * Moves a branch of the server, if it is where it was.
   *
   * @returns Why the server does not want it; `undefined` when it took it.
   */
  async push(push: OrderedPush): Promise<string | undefined> {
    const { access, gitDirectory } = this.#with;
    makePush(gitDirectory, push);
    const end = await this.#start({
      verb: "push",
      directory: pushPath(gitDirectory),
      rest: [push.ref, push.from ?? zeroId],
    });
    if (end.code === 0) return undefined;
    const [, refusal] = /^!\t[^\t]*\t(.*)$/m.exec(new TextDecoder().decode(end.stdout)) ?? [];
    if (refusal !== undefined) return shown(refusal);
    throw systemGitFailure(access, end, "push to");
  }

  async #list(patterns: readonly string[]): Promise<RemoteRefs> {
    return parseListing((await this.#run("ls-remote", patterns)).stdout);
  }

  async #run(verb: "ls-remote" | "fetch", rest: readonly string[]): Promise<SystemGitEnd> {
    const { access, gitDirectory } = this.#with;
    const end = await this.#start({ verb, directory: transferPath(gitDirectory), rest });
    if (end.code !== 0) throw systemGitFailure(access, end);
    return end;
  }

  async #start(call: Call): Promise<SystemGitEnd> {
    const { verb, directory, rest, environment = {} } = call;
    const { access, leftMs, signal, idleTimeoutMs, onLimit } = this.#with;
    const run: SystemGitRun = {
      args: [verb, directory, gitAddressOf(access), ...rest],
      environment,
      ...loginFor(access),
      maxFileBytes: call.maxFileBytes ?? this.#with.maxFileBytes,
      idleTimeoutMs,
      timeoutMs: leftMs(),
      onLimit,
    };
    return await runSystemGit(this.#settings, run, this.#settings.clock, signal);
  }
}

function loginFor(
  { url, credentials }: RepositoryAccess,
): { credentials?: { origin: URL; login: Credentials } } {
  if (credentials === undefined || isSshAddress(url)) return {};
  return { credentials: { origin: new URL(url), login: credentials } };
}

function damagedHere(url: string): AgentError {
  const reason = "the objects that are here are damaged";
  return cannot("fetch from", url, reason, { kind: "unavailable", retryable: true });
}
