/** The adapter of the system's git: started through the launcher, which alone decides how. */
import { type Clock, withDeadline } from "../base/clock.ts";
import { cannot, reasonOf } from "../base/errors.ts";
import type { Credentials } from "../git/credentials.ts";

/** Where the launcher is, and the files of the administrator that git is to use. */
export interface SystemGitSettings {
  /** Absolute, as it is in the `--allow-run` permission. */
  readonly launcher: string;
  /** artifact.ca.file. */
  readonly caFile?: string;
  /** artifact.ssh.key.file. */
  readonly sshKeyFile?: string;
  /** artifact.ssh.known.hosts.file. */
  readonly sshKnownHostsFile?: string;
}

/** One run of git. */
export interface SystemGitRun {
  /** What follows `launcher git`. */
  readonly args: readonly string[];
  /** Given to git when it asks, for this origin alone. */
  readonly credentials?: { readonly origin: URL; readonly login: Credentials };
  /** No file that git writes may be larger. */
  readonly maxFileBytes: number;
  /** How long the server may be silent. */
  readonly idleTimeoutMs: number;
  readonly timeoutMs: number;
  /** Further variables for the launcher. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Made when the time is over. */
  readonly onLimit: () => Error;
}

/** How git ended by itself. */
export interface SystemGitEnd {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** The beginning of what it said; may hold what a server sent. */
  readonly stderr: string;
}

/** A server that speaks only the old protocol lists every ref it has. */
const mostOutputBytes = 32 * 1024 * 1024;
const mostWordsBytes = 16 * 1024;
/** Git asks once per process; a server that says no may make it ask again. */
const mostAnswers = 4;
const graceMs = 2_000;
const stopLimitMs = 20_000;

/**
 * Runs git to its end. When the time is over or the signal fires, git and all that it started are gone
 * before this rejects.
 *
 * @throws AgentError when it cannot be started, prints too much or takes too long; the signal's reason.
 */
export async function runSystemGit(
  settings: SystemGitSettings,
  run: SystemGitRun,
  clock: Clock,
  signal: AbortSignal,
): Promise<SystemGitEnd> {
  signal.throwIfAborted();
  const records = recordsOf(run);
  const child = start(settings.launcher, ["git", ...run.args], environmentOf(settings, run), true);
  const fed = feed(child, records);
  const stdout = readBounded(child.stdout, mostOutputBytes);
  const stderr = readBounded(child.stderr, mostWordsBytes);
  const tooMuch = async () => {
    if (await stdout.isOver) {
      throw cannot("run", "git", `it printed more than ${mostOutputBytes} bytes`, {
        kind: "limit",
      });
    }
  };
  try {
    const [status, out, words] = await withDeadline(
      Promise.all([child.status, stdout.bytes, stderr.bytes, tooMuch()]),
      run.timeoutMs,
      run.onLimit,
      clock,
      signal,
    );
    return { code: status.code, stdout: out, stderr: new TextDecoder().decode(words) };
  } catch (error) {
    await stop(settings.launcher, child, clock);
    throw error;
  } finally {
    // Somebody whom git left behind could hold the pipes open; nobody waits for it.
    await Promise.all([stdout.cancel(), stderr.cancel(), fed, child.status]);
  }
}

function environmentOf(settings: SystemGitSettings, run: SystemGitRun): Record<string, string> {
  const { caFile, sshKeyFile, sshKnownHostsFile } = settings;
  return {
    ...run.environment,
    CARTRIDGE_AGENT_GIT_BYTES: `${run.maxFileBytes}`,
    CARTRIDGE_AGENT_GIT_IDLE: `${Math.ceil(run.idleTimeoutMs / 1000)}`,
    ...(caFile === undefined ? {} : { CARTRIDGE_AGENT_GIT_CA: caFile }),
    ...(sshKeyFile === undefined ? {} : { CARTRIDGE_AGENT_GIT_SSH_KEY: sshKeyFile }),
    ...(sshKnownHostsFile === undefined
      ? {}
      : { CARTRIDGE_AGENT_GIT_KNOWN_HOSTS: sshKnownHostsFile }),
  };
}

/** The login as the credential helper reads it, good for one origin. */
function recordsOf({ credentials }: SystemGitRun): Uint8Array<ArrayBuffer> {
  if (credentials === undefined) return new Uint8Array();
  const { origin: { protocol, host }, login: { username, password } } = credentials;
  const lines = [
    `protocol=${protocol.slice(0, -1)}`,
    `host=${host}`,
    `username=${username}`,
    `password=${password.open()}`,
  ];
  // The helper's protocol has one line for each; a line end would let a password speak for itself.
  if (lines.some((line) => /[\0\r\n]/.test(line))) {
    const reason = "user name or password hold a line end, which git cannot take";
    throw cannot("log in to", host, reason, { kind: "refused" });
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n\n`.repeat(mostAnswers));
}

function start(
  launcher: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isPiped: boolean,
): Deno.ChildProcess {
  const stream = isPiped ? "piped" : "null";
  try {
    // The agent's environment may hold secrets, and git needs nothing of it.
    return new Deno.Command(launcher, {
      args: [...args],
      clearEnv: true,
      env: { ...env },
      stdin: stream,
      stdout: stream,
      stderr: stream,
    }).spawn();
  } catch (error) {
    throw cannot("start", launcher, reasonOf(error), { kind: "permission", cause: error });
  }
}

async function feed(child: Deno.ChildProcess, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    if (bytes.length > 0) await writer.write(bytes);
    await writer.close();
  } catch {
    // Git did not want it: it has ended, or needed no login.
  }
}

/** Ends git's process group. */
async function stop(launcher: string, child: Deno.ChildProcess, clock: Clock): Promise<void> {
  const tooLate = () => new Error("it does not end");
  try {
    const env = { CARTRIDGE_AGENT_GRACE_MS: `${graceMs}` };
    const stopping = start(launcher, ["stop", `${child.pid}`], env, false);
    try {
      await withDeadline(stopping.status, stopLimitMs, tooLate, clock);
    } finally {
      kill(stopping);
    }
  } catch {
    // What follows is all that is left to do.
  } finally {
    kill(child);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

interface BoundedOutput {
  /** The beginning; the rest is read and forgotten. */
  readonly bytes: Promise<Uint8Array>;
  /** `true` as soon as there is more than the limit, `false` at the end. */
  readonly isOver: Promise<boolean>;
  cancel(): Promise<void>;
}

function readBounded(stream: ReadableStream<Uint8Array>, limit: number): BoundedOutput {
  const reader = stream.getReader();
  const over = Promise.withResolvers<boolean>();
  const read = async () => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let left = limit;
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length > left) over.resolve(true);
      if (left > 0) parts.push(new Uint8Array(value.subarray(0, left)));
      left -= Math.min(left, value.length);
    }
    over.resolve(false);
    return await new Blob(parts).bytes();
  };
  return { bytes: read(), isOver: over.promise, cancel: () => reader.cancel() };
}
