/** What goes to a Git worker and what comes back; plain data that can be posted. */
import type { KeptReason } from "../git/unpushed_commits.ts";
import { AgentError, type ErrorKind, reasonOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { RepositoryAccess } from "../git/credentials.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";

/** Where a job works; nothing else may be touched. */
export interface JobPlaces {
  readonly gitDirectory: string;
  /** Exists already before a checkout, and so does everything above it. */
  readonly destination: string;
  /** Directories of one's own for files on their way, tried in order. */
  readonly stagingDirectories: readonly string[];
  /** Where what was there before the first checkout is kept; absent: nowhere. */
  readonly backup?: string;
  /**
   * Where complete trees are or were kept beside the destination (artifact.publish=symlink); absent:
   * the destination is a directory and stays one.
   */
  readonly trees?: string;
}

/** One removal: take away what checkouts wrote, and bring the backup back. */
export interface RemovalJob extends JobPlaces {
  /** The destination is the agent's own: it goes too when it is left empty. */
  readonly removesDestination: boolean;
}

/** One checkout: bring a directory to the state of a remote branch. */
export interface CheckoutJob extends JobPlaces {
  readonly url: string;
  /** Opened only for the message to the worker, which has no other way to get it. */
  readonly username?: string;
  readonly password?: string;
  /** PEM text. */
  readonly caCertificates?: string;
  /** artifact.branch; absent: the remote's HEAD. */
  readonly branch?: string;
  /** Where a poll has just seen the branch: who knows what the server can do need not ask again. */
  readonly seen?: ChosenBranch;
  readonly limits: { readonly bytes: number; readonly files: number };
  readonly idleTimeoutMs: number;
  /** What to do about files that were changed locally since the last checkout. */
  readonly localChanges: "discard" | "keep";
  /** artifact.sparse; absent: everything. */
  readonly sparse?: readonly string[];
  /** artifact.publish; absent: file by file. */
  readonly publish?: "files" | "symlink";
  /** What the system's git has fetched for this job; absent: the job fetches by itself. */
  readonly transfer?: Transfer;
}

/** What the system's git has fetched into the transfer directory. */
export interface Transfer {
  /** Absent: the repository is empty. */
  readonly branch?: ChosenBranch;
  /** All of the commit was fetched, not only what was missing here. */
  readonly isWhole: boolean;
  /**
   * The content of files in Git LFS: the job is to say which it needs and stop there, or it was fetched,
   * or it cannot be. Absent: as if it could not be.
   */
  readonly largeFiles?: "wanted" | "fetched" | "unavailable";
  /** Why nothing could be fetched; commits can be made without. */
  readonly failure?: PostedError;
}

/** A branch that the system's git is to move. */
export interface OrderedPush {
  /** Full name. */
  readonly ref: string;
  /** What the server has now; absent: the ref is new. */
  readonly from?: string;
  readonly to: string;
}

/** One round for local changes: commit them, put them on top of the remote's, push. */
export interface CommitJob extends CheckoutJob {
  /** Author and committer. */
  readonly author: string;
  /** Whether the remote's changes may come into the destination (auto.checkout). */
  readonly followsRemote: boolean;
  /** The remote was empty when it was asked last: the first commit may be ours. */
  readonly mayBegin: boolean;
}

/** A list that is cut for the log, and how long it was. */
export interface Names {
  readonly count: number;
  readonly first: readonly string[];
}

/** What people should know about a checkout that succeeded. */
export interface CheckoutNotes {
  /** Changed or deleted locally, now as in the repository (or the reason why nothing was done). */
  readonly localChanges: Names;
  /** Symbolic links that were left out. */
  readonly symbolicLinks: Names;
  /** Why links that could have been made were not. */
  readonly linkFailure?: string;
  readonly submodules: Names;
  readonly largeFilePointers: Names;
  /** Why their content is not there, where something can be done about that. */
  readonly largeFileAdvice?: string;
  /** Names that are one name where case does not matter. */
  readonly collisions: Names;
  /** `.git` of an earlier agent in the destination. */
  readonly strayGitDirectory: boolean;
  readonly backup?: BackupNote;
  /** A removal that was interrupted had to be finished first. */
  readonly removal?: RemovalDone;
  /** The record of published files could not be read: what was deleted meanwhile may still be there. */
  readonly recordLost: boolean;
  /** The remote is empty now and was not before; the files stay. */
  readonly remoteBecameEmpty: boolean;
}

/** Nothing to tell. */
export const noNotes: CheckoutNotes = {
  localChanges: { count: 0, first: [] },
  symbolicLinks: { count: 0, first: [] },
  submodules: { count: 0, first: [] },
  largeFilePointers: { count: 0, first: [] },
  collisions: { count: 0, first: [] },
  strayGitDirectory: false,
  recordLost: false,
  remoteBecameEmpty: false,
};

/** What became of the backup. */
export interface BackupNote {
  readonly path: string;
  readonly files: number;
  /** Links and special files, which are not copied. */
  readonly leftOut: Names;
}

/** How a job ended well. */
export interface CheckoutDone {
  /** `held`: there are local changes that must not be lost, so nothing was touched. */
  readonly kind: "published" | "held";
  /** Absent for an empty repository. */
  readonly commit?: string;
  readonly branch?: string;
  /** Files of the repository that are in place. */
  readonly files: number;
  /** Whether a file was written or removed. */
  readonly changed: boolean;
  readonly receivedBytes: number;
  /** Name of the extension module that did it; only it knows how many files there are. */
  readonly module?: string;
  readonly notes: CheckoutNotes;
}

/** How a round for local changes ended well. */
export interface CommitDone {
  /** The remote's commit that the destination stands for now; absent: not known, or not yet. */
  readonly remote?: string;
  /** The local commit; absent where there is none yet. */
  readonly commit?: string;
  /** Full name. */
  readonly branch?: string;
  /** Files whose change was committed. */
  readonly committed: Names;
  /** Whether the remote took commits. */
  readonly pushed: boolean;
  /** Why it did not. They are kept, and pushed in a later round. */
  readonly pushFailure?: string;
  /** What is left to do for the system's git, which alone can reach the server. */
  readonly toPush?: OrderedPush;
  /** Whether a file of the destination was written or removed. */
  readonly changed: boolean;
  /** Commits that are not part of the branch, and are kept. */
  readonly kept?: KeptCommits;
  /** Neither committed nor touched: links that lead out, special files, nested repositories, odd names. */
  readonly leftOut: Names;
  /** Being written just now; they wait for the next round. */
  readonly unsettled: Names;
  /** Ignored files that gave way to ones of the repository. */
  readonly overwritten: Names;
}

/** Commits that the agent made and the branch does not have. */
export interface KeptCommits {
  /** Full name of the ref that leads to them. */
  readonly ref: string;
  readonly why: KeptReason;
  /** For a conflict: where the remote's version won. */
  readonly files: Names;
  /** The remote has the ref, too. */
  readonly isShared: boolean;
}

/** How a removal ended well. */
export interface RemovalDone {
  /** Files that were removed by this job. */
  readonly files: number;
  /** Written by a checkout and changed since: they stay. */
  readonly localChanges: Names;
  /** Files that came back from the backup. */
  readonly restored: number;
  /** Files of the backup that stay there, because another one of their name is in place. */
  readonly leftInBackup: Names;
  /** The record of published files could not be read: files of checkouts may still be there. */
  readonly recordLost: boolean;
}

/** What a worker is told to do. */
export type WorkerOrder =
  | { readonly kind: "checkOut"; readonly job: CheckoutJob }
  | { readonly kind: "commit"; readonly job: CommitJob }
  | { readonly kind: "remove"; readonly job: RemovalJob };

/** What a worker answers. */
export type JobAnswer<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "failed"; readonly error: PostedError };

/** An {@link AgentError} as plain data. */
export interface PostedError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
}

const mostNames = 20;

/** Cuts a list for the log. */
export function namesOf(all: readonly string[]): Names {
  return { count: all.length, first: all.slice(0, mostNames) };
}

/** What an order does and to what, in the words of its errors. */
export function attemptOf({ kind, job }: WorkerOrder): Attempt {
  switch (kind) {
    case "checkOut":
      return { action: "check out", subject: job.url };
    case "commit":
      return { action: "commit and push to", subject: job.url };
    case "remove":
      return { action: "remove the artifacts in", subject: job.destination };
  }
}

/** Half of an error message; holds no credentials. */
export interface Attempt {
  readonly action: string;
  readonly subject: string;
}

/** The access of a job, its password closed again. */
export function accessOf(job: CheckoutJob): RepositoryAccess {
  const { url, username, password } = job;
  if (username === undefined && password === undefined) return { url };
  return {
    url,
    credentials: { username: username ?? "", password: new Secret(password ?? "") },
  };
}

/**
 * Makes an error fit to be posted.
 *
 * @param attempt What was to be done.
 * @param redact Takes secrets out of text of servers.
 */
export function postedError(
  thrown: unknown,
  attempt: Attempt,
  redact: (text: string) => string,
): PostedError {
  const message = redact(reasonOf(thrown)).slice(0, 2000);
  if (thrown instanceof AgentError) {
    const { kind, data, retryable } = thrown;
    return { kind, message, data, retryable };
  }
  const isPermission = thrown instanceof Deno.errors.NotCapable ||
    thrown instanceof Deno.errors.PermissionDenied;
  const kind = isPermission ? "permission" : "internal";
  // A full disk, a lost mount: the system's own errors may be over the next time.
  const { action, subject } = attempt;
  return { kind, message: `Cannot ${action} "${subject}": ${message}`, data: {}, retryable: true };
}

/** The error again, on the other side. */
export function errorFrom(posted: PostedError): AgentError {
  const { kind, data, retryable } = posted;
  return new AgentError(posted.message, { kind, data, retryable });
}
