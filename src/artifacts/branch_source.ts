/** Where a checkout gets its branch from. */
import { type GitDirectory, publishedCommit } from "../git/git_directory.ts";
import type { GitHttp } from "../git/git_http.ts";
import type { CheckoutJob } from "./git_job.ts";
import { httpOf } from "./job_http.ts";
import { loadNegotiation, RemoteBranch } from "../git/remote_branch.ts";
import type { ChosenBranch } from "../git/remote_refs.ts";
import { TransferredBranch } from "./system_git_transfer.ts";

/** Where the commit of a branch and its objects come from. May be disposed of twice. */
export interface BranchSource extends Disposable {
  readonly receivedBytes: number;
  /** Asks once, however often it is called. */
  choose(): Promise<ChosenBranch | undefined>;
  /** Whether {@link choose} tells what was seen before; it may not be so any more. */
  readonly isAssumed: boolean;
  /** Asks, whatever was seen before. */
  chooseAnew(): Promise<ChosenBranch | undefined>;
  fetch: RemoteBranch["fetch"];
}

/** What the server of the last job could do; for a worker that carries out several. */
export class KnownServer {
  #url: string | undefined;
  #capabilities: ReadonlySet<string> | undefined;

  /** What the job's server can do, if that is known. */
  capabilitiesOf({ url }: CheckoutJob): ReadonlySet<string> | undefined {
    return url === this.#url ? this.#capabilities : undefined;
  }

  /** Remembers the job's server, and no other; one that is distrusted stays so. */
  keep({ url }: CheckoutJob, capabilities: ReadonlySet<string>): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#capabilities = capabilities;
  }

  /** It has to be asked each time: it redirects, perhaps, or others answer in turn. */
  distrust({ url }: CheckoutJob): void {
    this.#url = url;
    this.#capabilities = undefined;
  }
}

/** How to ask. */
export interface BranchOptions {
  /** What a job before may have learned of it. */
  readonly server?: KnownServer;
  /** Ends requests in progress. */
  readonly signal?: AbortSignal | undefined;
}

/** Over HTTP, unless the system's git has brought it already. */
export function branchOf(
  job: CheckoutJob,
  directory: GitDirectory,
  { server = new KnownServer(), signal }: BranchOptions = {},
): BranchSource {
  return job.transfer === undefined
    ? new HttpBranch(job, directory, server, signal)
    : new TransferredBranch(job, directory, job.transfer);
}

class HttpBranch implements BranchSource {
  readonly #job: CheckoutJob;
  readonly #directory: GitDirectory;
  readonly #server: KnownServer;
  readonly #http: GitHttp;
  readonly #remote: RemoteBranch;
  #chosen: Promise<ChosenBranch | undefined> | undefined;
  #isAssumed = false;
  #isOpen = true;

  constructor(
    job: CheckoutJob,
    directory: GitDirectory,
    server: KnownServer,
    signal: AbortSignal | undefined,
  ) {
    this.#job = job;
    this.#directory = directory;
    this.#server = server;
    this.#http = httpOf(job, signal);
    this.#remote = new RemoteBranch(job, directory, this.#http);
  }

  get receivedBytes(): number {
    return this.#http.receivedBytes;
  }

  get isAssumed(): boolean {
    return this.#isAssumed;
  }

  choose(): Promise<ChosenBranch | undefined> {
    return this.#chosen ??= this.#assumed() ?? this.#asked();
  }

  chooseAnew(): Promise<ChosenBranch | undefined> {
    this.#isAssumed = false;
    this.#server.distrust(this.#job);
    return this.#chosen = this.#asked();
  }

  fetch(...request: Parameters<RemoteBranch["fetch"]>): Promise<void> {
    return this.#remote.fetch(...request);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#http[Symbol.dispose]();
    this.#isOpen = false;
  }

  #assumed(): Promise<ChosenBranch> | undefined {
    const { seen } = this.#job;
    const capabilities = this.#server.capabilitiesOf(this.#job);
    if (seen === undefined || capabilities === undefined) return undefined;
    this.#isAssumed = true;
    this.#remote.assume(capabilities);
    return Promise.resolve(seen);
  }

  async #asked(): Promise<ChosenBranch | undefined> {
    // The first checkout fetches all, without a negotiation. Later the library for that loads meanwhile.
    const negotiates = publishedCommit(this.#directory) !== undefined;
    const [chosen] = await Promise.all([
      this.#remote.choose(),
      negotiates ? loadNegotiation() : undefined,
    ]);
    this.#server.keep(this.#job, this.#remote.capabilities);
    return chosen;
  }
}
