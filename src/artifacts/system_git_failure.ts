import { type AgentError, type AgentErrorOptions, cannot } from "../base/errors.ts";
import { Redactor } from "../base/redactor.ts";
import { basicAuthorization, type RepositoryAccess } from "../git/credentials.ts";
import { shown } from "../git/remote_refs.ts";
import type { SystemGitEnd } from "./system_git_process.ts";

interface Sign {
  readonly pattern: RegExp;
  readonly kind: AgentErrorOptions["kind"];
  readonly retryable: boolean;
  /** Absent: git's own words. */
  readonly reason?: string;
}

/** What git says in the C locale; the first that fits. */
const signs: readonly Sign[] = [
  {
    pattern: /Authentication (?:failed|required)|could not read (?:Username|Password)|error: 401/i,
    kind: "refused",
    retryable: true,
    reason: "the server does not accept the credentials",
  },
  {
    pattern: /Host key verification failed/i,
    kind: "refused",
    retryable: true,
    reason: "the server's host key is not a known one (artifact.ssh.known.hosts.file)",
  },
  {
    pattern: /Permission denied \(/i,
    kind: "refused",
    retryable: true,
    reason: "the server accepts no SSH key that there is (artifact.ssh.key.file)",
  },
  {
    pattern: /error: 30\d/,
    kind: "unavailable",
    retryable: true,
    reason: "the server redirects, which the system's git is not allowed to follow",
  },
  {
    pattern: /error: 403/,
    kind: "refused",
    retryable: true,
    reason: "the server forbids it (403)",
  },
  {
    pattern: /repository '.*' not found|error: 404|does not appear to be a git repository/i,
    kind: "refused",
    retryable: true,
    reason: "there is no such repository, or not for this user",
  },
  {
    pattern: /signal 25|SIGXFSZ|File too large|exceeds? file size limit/i,
    kind: "limit",
    retryable: false,
    reason: "the server sends more than it may (artifact.limit.bytes)",
  },
  {
    pattern: /Operation too slow|timed out/i,
    kind: "unavailable",
    retryable: true,
    reason: "the server has been silent for too long",
  },
];

/** The launcher's own refusals. */
const refusedStatus = 126;
const missingStatus = 127;

/** Makes an error of what git said: one line, without secrets. */
export function systemGitFailure(
  access: RepositoryAccess,
  end: SystemGitEnd,
  action = "fetch from",
): AgentError {
  const words = redacted(access, end.stderr);
  const own = /^launcher: (.*)$/m.exec(words)?.[1];
  if (own !== undefined && (end.code === refusedStatus || end.code === missingStatus)) {
    return cannot(action, access.url, shown(own), {
      kind: end.code === refusedStatus ? "refused" : "configuration",
    });
  }
  const sign = signs.find(({ pattern }) => pattern.test(words));
  const { kind = "unavailable", retryable = true, reason = essence(words, end.code) } = sign ?? {};
  return cannot(action, access.url, reason, { kind, retryable });
}

function redacted({ credentials }: RepositoryAccess, words: string): string {
  const redactor = new Redactor();
  if (credentials) {
    redactor.add(credentials.password);
    redactor.add(basicAuthorization(credentials));
  }
  return redactor.redact(words);
}

const tellingLine =
  /^(?:(?:fatal|error|remote|ssh|launcher|LFS|batch response):|expected OID |\[[0-9a-f]{64}\])/i;

/** The lines that say what went wrong, without those that only give advice. */
function essence(words: string, code: number): string {
  const lines = words.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const telling = lines.filter((line) => tellingLine.test(line));
  const chosen = telling.length > 0 ? telling : lines;
  return shown(chosen.slice(0, 3).join("; ")) || `git ended with status ${code}`;
}
