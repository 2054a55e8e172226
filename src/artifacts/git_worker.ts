/** The worker that carries out one order and then has nothing left to do; the main thread ends it. */
import process from "node:process";
import { systemClock } from "../base/clock.ts";
import { Redactor } from "../base/redactor.ts";
import { runCheckout } from "./checkout_job.ts";
import { basicAuthorization } from "../git/credentials.ts";
import { accessOf, attemptOf, type JobAnswer, postedError, type WorkerOrder } from "./git_job.ts";
import type { WorkerMessage } from "./git_worker_messages.ts";
import { JobMemory } from "./job_memory.ts";
import { askForLinks } from "./link_exchange.ts";
import { ProgressMeter } from "../git/progress_meter.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";
import { runRemoval } from "./removal_job.ts";
import { SecondWriter } from "./second_writer.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerOrder>) => void;
  postMessage: (message: WorkerMessage<unknown>, transfer?: Transferable[]) => void;
};

// A library looks into the environment as it loads; here it finds an empty one and needs no permission.
Object.defineProperty(process, "env", { value: {} });

takeOrders(new JobMemory());

function takeOrders(memory: JobMemory): void {
  // The answer is posted whatever happens, so nothing is left to wait for.
  scope.onmessage = ({ data, ports }) =>
    void answer(data, ports[0], memory).then((message) => scope.postMessage(message));
}

async function answer(
  order: WorkerOrder,
  links: MessagePort | undefined,
  memory: JobMemory,
): Promise<JobAnswer<unknown>> {
  const redactor = new Redactor();
  const credentials = order.kind === "remove" ? undefined : accessOf(order.job).credentials;
  if (credentials) {
    redactor.add(credentials.password);
    redactor.add(basicAuthorization(credentials));
  }
  try {
    return { kind: "done", result: await carriedOut(order, links, memory) };
  } catch (error) {
    const redact = (text: string) => redactor.redact(text);
    return { kind: "failed", error: postedError(error, attemptOf(order), redact) };
  } finally {
    links?.close();
  }
}

/** The main side starts the other thread: one that a worker starts takes a second to answer. */
function startWriter(): SecondWriter {
  const { port1, port2 } = new MessageChannel();
  scope.postMessage({ kind: "writerWanted" }, [port2]);
  return new SecondWriter(port1);
}

async function carriedOut(
  order: WorkerOrder,
  links: MessagePort | undefined,
  memory: JobMemory,
): Promise<unknown> {
  const say = (progress: CheckoutProgress) => scope.postMessage({ kind: "progress", progress });
  const runtime = {
    ...askForLinks(links),
    startWriter,
    progress: new ProgressMeter(say, systemClock),
    memory,
  };
  switch (order.kind) {
    case "checkOut":
      return await runCheckout(order.job, runtime);
    case "commit":
      return await (await import("./commit_job.ts")).runCommit(order.job, runtime);
    case "remove":
      return runRemoval(order.job);
  }
}
