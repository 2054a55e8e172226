/** What goes to a Git worker and what comes back; plain data that can be posted. */
import { AgentError, type ErrorKind, reasonOf } from "../base/errors.ts";
import { Secret } from "../base/secret.ts";
import type { RepositoryAccess } from "./credentials.ts";

/** Where a job works; nothing else may be touched. */
export interface JobPlaces {
  readonly gitDirectory: string;
  /** Exists already before a checkout, and so does everything above it. */
  readonly destination: string;
  /** Directories of one's own for files on their way, tried in order. */
  readonly stagingDirectories: readonly string[];
  /** Where what was there before the first checkout is kept; absent: nowhere. */
  readonly backup?: string;
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
  readonly limits: { readonly bytes: number; readonly files: number };
  readonly idleTimeoutMs: number;
  /** What to do about files that were changed locally since the last checkout. */
  readonly localChanges: "discard" | "keep";
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
  readonly symbolicLinks: Names;
  readonly submodules: Names;
  readonly largeFilePointers: Names;
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
  readonly notes: CheckoutNotes;
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
  return kind === "checkOut"
    ? { action: "check out", subject: job.url }
    : { action: "remove the artifacts in", subject: job.destination };
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
