/** What a Git worker and the main thread say to each other. */
import type { JobAnswer, WorkerOrder } from "./git_job.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";

/**
 * How far it is, any number of times, and once at most that somebody should write files at the other
 * end of the port that comes with it; then the answer to its order.
 */
export type WorkerMessage<Result> =
  | JobAnswer<Result>
  | { readonly kind: "progress"; readonly progress: CheckoutProgress }
  | { readonly kind: "secondWanted" }
  /** It has heard that its job is not wanted any more. */
  | { readonly kind: "stopping" };

/**
 * An order, then perhaps that it is not wanted any more, or that nobody is at the other end of the port
 * any more.
 */
export type MainMessage =
  | WorkerOrder & {
    /** Of a {@link JobStop}. Absent: the job will be wanted. */
    readonly stop?: SharedArrayBuffer;
  }
  | { readonly kind: "stop" }
  | { readonly kind: "secondGone" };
