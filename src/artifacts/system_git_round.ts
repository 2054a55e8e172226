/** One round for local changes where the system's git talks to the server. */
import { AgentError } from "../base/errors.ts";
import { type CommitDone, type OrderedPush, postedError, type Transfer } from "./git_job.ts";
import { bothDone } from "./system_git_commit.ts";

/** What a round consists of. */
export interface RoundParts {
  /** Fetches. */
  readonly transfer: (isWhole: boolean) => Promise<Transfer>;
  /** Commits, and puts commits on top of what was fetched. */
  readonly work: (transfer: Transfer) => Promise<CommitDone>;
  /** @returns Why the server does not want it. */
  readonly push: (push: OrderedPush) => Promise<string | undefined>;
}

/** How often others may be faster in one round. */
const mostAttempts = 4;

/**
 * Runs it. What was committed and cannot be pushed stays for the next round.
 *
 * @param url In errors.
 * @throws AgentError when it cannot be committed; the signal's reason.
 */
export async function runSystemGitRound(url: string, parts: RoundParts): Promise<CommitDone> {
  let done: CommitDone | undefined;
  let refused: { readonly reason: string; readonly from: string | undefined } | undefined;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const transfer = await transferOf(url, parts);
    if (done && refused && refused.from === transfer.branch?.commit) {
      return { ...done, pushFailure: refused.reason };
    }
    const now = await worked(parts, transfer);
    done = bothDone(done, now);
    if (now.toPush === undefined) return done;
    const { ref, from, to } = now.toPush;
    let reason: string | undefined;
    try {
      reason = await parts.push(now.toPush);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { ...done, pushFailure: error.message };
    }
    if (reason === undefined) {
      const settled = await parts.work({ isWhole: false, branch: { ref, commit: to } });
      return { ...bothDone(done, settled), pushed: true };
    }
    refused = { reason: `the server rejects it: ${reason}`, from };
  }
  return { ...done ?? await parts.work({ isWhole: false }), pushFailure: tooOften };
}

const tooOften = "others pushed again and again in between";

/** What is here may be of no use for what was fetched. */
async function worked(parts: RoundParts, transfer: Transfer): Promise<CommitDone> {
  try {
    return await parts.work(transfer);
  } catch (error) {
    if (!(error instanceof AgentError) || error.data.needsWhole !== true) throw error;
    return await parts.work(await parts.transfer(true));
  }
}

/** Commits are made without a server, too. */
async function transferOf(url: string, parts: RoundParts): Promise<Transfer> {
  try {
    try {
      return await parts.transfer(false);
    } catch (error) {
      if (!(error instanceof AgentError) || error.data.needsWhole !== true) throw error;
      return await parts.transfer(true);
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const attempt = { action: "commit and push to", subject: url };
    return { isWhole: false, failure: postedError(error, attempt, (text) => text) };
  }
}
