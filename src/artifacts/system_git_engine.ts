/** Checkouts, commits and polls by the system's git (artifact.engine=git). */
import { AgentError, cannot } from "../base/errors.ts";
import {
  accessOf,
  type CheckoutDone,
  type CheckoutJob,
  type CommitDone,
  type CommitJob,
  type Transfer,
} from "./git_job.ts";
import { type GitWorkerOptions, runCommitWorker, runGitWorker } from "./git_worker_run.ts";
import { removePush } from "./system_git_commit.ts";
import { type ConversationSettings, SystemGitConversation } from "./system_git_conversation.ts";
import {
  type LargeFileOrder,
  orderedLargeFiles,
  removeLargeFiles,
} from "./system_git_large_files.ts";
import { runSystemGitRound } from "./system_git_round.ts";
import { makeTransfer, removeTransfer } from "./system_git_transfer.ts";
import type { BranchPoll, PollRequest } from "./tenant_surroundings.ts";

/** What the engine needs. */
export interface SystemGitOptions extends ConversationSettings {
  /** Brings in place what was fetched. Default: in a worker that may reach no host. */
  readonly publish?: (job: CheckoutJob, options: GitWorkerOptions) => Promise<CheckoutDone>;
  /** Commits what was changed. Default: in such a worker, too. */
  readonly commit?: (job: CommitJob, options: GitWorkerOptions) => Promise<CommitDone>;
}

const pollIdleTimeoutMs = 20_000;
const pollTimeoutMs = 60_000;
/** A poll writes no files worth mentioning. */
const pollFileBytes = 1024 * 1024;
const howToGetContents =
  "because there is no git-lfs; to have their content from the next commit on, install it (Debian " +
  "package git-lfs)";

/**
 * The system's git asks, fetches and pushes, through the launcher; everything else is the same as with
 * the other engine: the worker examines each object and publishes, and makes commits.
 */
export class SystemGitEngine {
  readonly #options: SystemGitOptions;

  constructor(options: SystemGitOptions) {
    this.#options = options;
  }

  /**
   * Brings the job's destination to the state of the remote branch.
   *
   * @throws AgentError when the job failed or took too long; the signal's reason when that fired.
   */
  async runJob(job: CheckoutJob, options: GitWorkerOptions): Promise<CheckoutDone> {
    const { publish = runGitWorker } = this.#options;
    const { conversation, leftMs } = this.#converse(job, options, "check out");
    const bring = (transfer: Transfer) =>
      publish({ ...withoutLogin(job), transfer }, { ...options, timeoutMs: leftMs() });
    for (let isWhole = false;; isWhole = true) {
      try {
        const transfer = await conversation.transfer(job.branch, isWhole);
        return await withLargeFiles(conversation, transfer, bring);
      } catch (error) {
        const isWorthIt = error instanceof AgentError && error.data.needsWhole === true;
        if (isWhole || !isWorthIt) throw error;
      } finally {
        // A job that never got to its worker, or whose worker was ended, leaves it behind.
        removeTransfer(job.gitDirectory);
        removeLargeFiles(job.gitDirectory);
      }
    }
  }

  /**
   * One round for local changes: the worker commits and puts commits on top of the remote's, git pushes.
   *
   * @throws AgentError when it cannot be committed, or took too long; the signal's reason.
   */
  async runCommit(job: CommitJob, options: GitWorkerOptions): Promise<CommitDone> {
    const { commit = runCommitWorker } = this.#options;
    const { conversation, leftMs } = this.#converse(job, options, "commit and push to");
    try {
      return await runSystemGitRound(job.url, {
        transfer: (isWhole) => conversation.transfer(job.branch, isWhole),
        work: (transfer) =>
          commit({ ...withoutLogin(job), transfer }, { ...options, timeoutMs: leftMs() }),
        push: (push) => conversation.push(push),
      });
    } finally {
      removeTransfer(job.gitDirectory);
      removePush(job.gitDirectory);
    }
  }

  /** A question for the remote's commit that can be asked again and again. */
  openPoll({ access, gitDirectory, branch }: PollRequest): BranchPoll {
    const { clock } = this.#options;
    return {
      ask: async (signal) => {
        const endMs = clock.monotonicMs() + pollTimeoutMs;
        makeTransfer(gitDirectory, true);
        try {
          return await new SystemGitConversation(this.#options, {
            access,
            gitDirectory,
            maxFileBytes: pollFileBytes,
            idleTimeoutMs: pollIdleTimeoutMs,
            leftMs: () => Math.max(1, endMs - clock.monotonicMs()),
            onLimit: () => tooSlow("check out", access.url, pollTimeoutMs),
            signal,
          }).choose(branch);
        } finally {
          removeTransfer(gitDirectory);
        }
      },
    };
  }

  #converse(job: CheckoutJob, { timeoutMs, signal }: GitWorkerOptions, action: string) {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + timeoutMs;
    const leftMs = () => Math.max(1, endMs - clock.monotonicMs());
    const conversation = new SystemGitConversation(this.#options, {
      access: accessOf(job),
      gitDirectory: job.gitDirectory,
      maxFileBytes: job.limits.bytes,
      idleTimeoutMs: job.idleTimeoutMs,
      leftMs,
      onLimit: () => tooSlow(action, job.url, timeoutMs),
      signal,
    });
    return { conversation, leftMs };
  }
}

/** What a worker needs that reaches no server. */
function withoutLogin<Job extends CheckoutJob>(job: Job): Job {
  const { username: _, password: __, caCertificates: ___, ...local } = job;
  return local as Job;
}

/** Publishes; when that needs contents of Git LFS, fetches these and publishes again. */
async function withLargeFiles(
  conversation: SystemGitConversation,
  transfer: Transfer,
  bring: (transfer: Transfer) => Promise<CheckoutDone>,
): Promise<CheckoutDone> {
  let order: LargeFileOrder | undefined;
  try {
    return await bring({ ...transfer, largeFiles: "wanted" });
  } catch (error) {
    order = orderedLargeFiles(error);
    if (order === undefined) throw error;
  }
  // The commit itself is here by now.
  const known = { ...transfer, isWhole: false };
  if (await conversation.fetchLargeFiles(order)) {
    return await bring({ ...known, largeFiles: "fetched" });
  }
  const done = await bring({ ...known, largeFiles: "unavailable" });
  return { ...done, notes: { ...done.notes, largeFileAdvice: howToGetContents } };
}

function tooSlow(action: string, url: string, timeoutMs: number): AgentError {
  const reason = `it took longer than ${timeoutMs / 1000} s (artifact.limit.seconds)`;
  return cannot(action, url, reason, { kind: "limit", retryable: true });
}
