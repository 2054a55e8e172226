/**
 * The worker that carries out orders, one at a time; the main thread ends it. The server is asked as
 * soon as there is an order, while most of the program is still being loaded.
 */
import process from "node:process";
import { Redactor } from "../base/redactor.ts";
import { branchOf, type BranchSource, KnownServer } from "./branch_source.ts";
import { basicAuthorization } from "../git/credentials.ts";
import { gitDirectoryAt } from "../git/git_directory.ts";
import { accessOf, attemptOf, type JobAnswer, postedError, type WorkerOrder } from "./git_job.ts";
import type { GitWorkerJobs } from "./git_worker_jobs.ts";
import type { MainMessage, WorkerMessage } from "./git_worker_messages.ts";
import { JobStop } from "./job_stop.ts";
import { loadNegotiation } from "../git/remote_branch.ts";

/** Who has had nothing to do for so long may prepare for what comes. */
const idleMs = 250;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<MainMessage>) => void;
  postMessage: (message: WorkerMessage<unknown>, transfer?: Transferable[]) => void;
};

// A library looks into the environment as it loads; here it finds an empty one and needs no permission.
Object.defineProperty(process, "env", { value: {} });

takeOrders(loadJobs(), new KnownServer());

async function loadJobs(): Promise<GitWorkerJobs> {
  const { GitWorkerJobs } = await import("./git_worker_jobs.ts");
  return new GitWorkerJobs();
}

function takeOrders(jobs: Promise<GitWorkerJobs>, server: KnownServer): void {
  // Said when there is an order.
  jobs.catch(() => {});
  // The answer is posted whatever happens, so nothing is left to wait for.
  let idle: ReturnType<typeof setTimeout> | undefined;
  let current = new AbortController();
  scope.onmessage = ({ data, ports }) => {
    if (data.kind === "stop") {
      scope.postMessage({ kind: "stopping" });
      return current.abort();
    }
    // What fails here is said with the order.
    if (data.kind === "secondGone") return void jobs.then((jobs) => jobs.loseSecond(), () => {});
    clearTimeout(idle);
    current = new AbortController();
    const stop = new JobStop(data.stop);
    void answer(data, ports[0], { jobs, server, stop, signal: current.signal }).then((message) => {
      scope.postMessage(message);
      // The next order is an update, mostly. What fails here fails then, and is said then.
      idle = setTimeout(() => loadNegotiation().catch(() => {}), idleMs);
    });
  };
}

interface Surroundings {
  readonly jobs: Promise<GitWorkerJobs>;
  readonly server: KnownServer;
  readonly stop: JobStop;
  /** Fires when the job is not wanted any more. */
  readonly signal: AbortSignal;
}

async function answer(
  order: WorkerOrder,
  links: MessagePort | undefined,
  { jobs, server, stop, signal }: Surroundings,
): Promise<JobAnswer<unknown>> {
  const redactor = new Redactor();
  const credentials = order.kind === "remove" ? undefined : accessOf(order.job).credentials;
  if (credentials) {
    redactor.add(credentials.password);
    redactor.add(basicAuthorization(credentials));
  }
  try {
    using remote = askedBranch(order, server, signal);
    const result = await (await jobs).carryOut(order, remote, {
      links,
      signal,
      assertWanted: stop.assertWanted,
      say: (progress) => scope.postMessage({ kind: "progress", progress }),
      // The main side starts it: a worker that a worker starts takes a second to answer.
      wantSecond: (port) => scope.postMessage({ kind: "secondWanted" }, [port]),
    });
    return { kind: "done", result };
  } catch (error) {
    const redact = (text: string) => redactor.redact(text);
    return { kind: "failed", error: postedError(error, attemptOf(order), redact) };
  } finally {
    links?.close();
  }
}

/** Where a checkout gets its branch from, already asked for it. */
function askedBranch(
  order: WorkerOrder,
  server: KnownServer,
  signal: AbortSignal,
): BranchSource | undefined {
  if (order.kind !== "checkOut" || order.job.transfer !== undefined) return undefined;
  const branch = branchOf(order.job, gitDirectoryAt(order.job.gitDirectory), { server, signal });
  // Who wants the answer hears of a failure.
  branch.choose().catch(() => {});
  return branch;
}
