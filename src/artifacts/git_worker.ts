/** The worker that carries out one order and then has nothing left to do; the main thread ends it. */
import process from "node:process";
import { Redactor } from "../base/redactor.ts";
import { runCheckout } from "./checkout_job.ts";
import { basicAuthorization } from "./credentials.ts";
import { accessOf, attemptOf, type JobAnswer, postedError, type WorkerOrder } from "./git_job.ts";
import { runRemoval } from "./removal_job.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerOrder>) => void;
  postMessage: (answer: JobAnswer<unknown>) => void;
};

// A library looks into the environment as it loads; here it finds an empty one and needs no permission.
Object.defineProperty(process, "env", { value: {} });

// The answer is posted whatever happens, so nothing is left to wait for.
scope.onmessage = ({ data }) => void answer(data).then((message) => scope.postMessage(message));

async function answer(order: WorkerOrder): Promise<JobAnswer<unknown>> {
  const redactor = new Redactor();
  const credentials = order.kind === "checkOut" ? accessOf(order.job).credentials : undefined;
  if (credentials) {
    redactor.add(credentials.password);
    redactor.add(basicAuthorization(credentials));
  }
  try {
    const result = order.kind === "checkOut" ? await runCheckout(order.job) : runRemoval(order.job);
    return { kind: "done", result };
  } catch (error) {
    const redact = (text: string) => redactor.redact(text);
    return { kind: "failed", error: postedError(error, attemptOf(order), redact) };
  }
}
