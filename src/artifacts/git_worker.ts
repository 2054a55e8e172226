/** The worker that runs one Git job and then has nothing left to do; the main thread ends it. */
import process from "node:process";
import { Redactor } from "../base/redactor.ts";
import { runCheckout } from "./checkout_job.ts";
import { basicAuthorization } from "./credentials.ts";
import { accessOf, type CheckoutJob, type JobAnswer, postedError } from "./git_job.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<CheckoutJob>) => void;
  postMessage: (answer: JobAnswer) => void;
};

// A library looks into the environment as it loads; here it finds an empty one and needs no permission.
Object.defineProperty(process, "env", { value: {} });

// The answer is posted whatever happens, so nothing is left to wait for.
scope.onmessage = ({ data }) => void answer(data).then((message) => scope.postMessage(message));

async function answer(job: CheckoutJob): Promise<JobAnswer> {
  const redactor = new Redactor();
  const { credentials } = accessOf(job);
  if (credentials) {
    redactor.add(credentials.password);
    redactor.add(basicAuthorization(credentials));
  }
  try {
    return { kind: "done", result: await runCheckout(job) };
  } catch (error) {
    return { kind: "failed", error: postedError(error, job.url, (text) => redactor.redact(text)) };
  }
}
