import type { Clock } from "../base/clock.ts";
import { cannot } from "../base/errors.ts";
import type { RepositoryAccess } from "./credentials.ts";
import { GitHttp } from "./git_http.ts";
import { parsePackets } from "./packet_line.ts";
import {
  chooseBranch,
  type ChosenBranch,
  lsRefsRequest,
  parseAdvertisement,
  parseLsRefs,
  type RemoteRefs,
  wantedRefPrefixes,
} from "./remote_refs.ts";

/** What a poll needs beside the repository. */
export interface RemotePollOptions {
  readonly branch?: string;
  readonly caCertificates?: string;
  readonly clock: Clock;
  /** The whole question may take this long, however busily the server answers. Default 60 s. */
  readonly timeoutMs?: number;
}

const idleTimeoutMs = 20_000;
const defaultTimeoutMs = 60_000;
/** A server that speaks only the old protocol lists every ref it has. */
const mostBytes = 32 * 1024 * 1024;

/**
 * Asks a server which commit a branch is at: small enough to be done in place, without a worker. One
 * request each time, once it is known that the server speaks protocol version 2.
 */
export class RemotePoll {
  readonly #access: RepositoryAccess;
  readonly #options: RemotePollOptions;
  #speaksVersion2 = false;

  constructor(access: RepositoryAccess, options: RemotePollOptions) {
    this.#access = access;
    this.#options = options;
  }

  /**
   * Asks.
   *
   * @returns `undefined` when the repository is empty.
   * @throws AgentError when the server cannot be reached, refuses, or has no such branch.
   */
  async ask(signal: AbortSignal): Promise<ChosenBranch | undefined> {
    const { clock, timeoutMs = defaultTimeoutMs } = this.#options;
    const tooSlow = new AbortController();
    const answered = new AbortController();
    // Rejects only when it is no longer wanted.
    clock.sleep(timeoutMs, answered.signal)
      .then(() => tooSlow.abort(this.#tooSlow(timeoutMs)), () => {});
    try {
      return await this.#ask(AbortSignal.any([signal, tooSlow.signal]));
    } finally {
      answered.abort();
    }
  }

  async #ask(signal: AbortSignal): Promise<ChosenBranch | undefined> {
    const { branch, caCertificates, clock } = this.#options;
    using http = new GitHttp({
      access: this.#access,
      maxBytes: mostBytes,
      idleTimeoutMs,
      clock,
      signal,
      ...(caCertificates === undefined ? {} : { caCertificates }),
    });
    if (!this.#speaksVersion2) {
      const bytes = await http.read("info/refs?service=git-upload-pack", undefined, true);
      const advertisement = parseAdvertisement(bytes);
      if (advertisement.version === 1) return chooseBranch(advertisement.refs, branch);
      this.#speaksVersion2 = true;
    }
    try {
      const wanted = wantedRefPrefixes(branch);
      let refs = await this.#listRefs(http, wanted.first);
      if (refs.ids.size === 0) refs = await this.#listRefs(http, wanted.otherwise);
      return chooseBranch(refs, branch);
    } catch (error) {
      // Another server may answer the next time.
      this.#speaksVersion2 = false;
      throw error;
    }
  }

  async #listRefs(http: GitHttp, prefixes: readonly string[]): Promise<RemoteRefs> {
    const bytes = await http.read("git-upload-pack", lsRefsRequest(prefixes), true);
    return parseLsRefs(parsePackets(bytes));
  }
  #tooSlow(timeoutMs: number) {
    const reason = `the server has not told its branches within ${timeoutMs / 1000} s`;
    return cannot("fetch from", this.#access.url, reason, { kind: "unavailable", retryable: true });
  }
}
