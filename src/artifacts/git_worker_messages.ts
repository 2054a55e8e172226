/** What a Git worker says to the main thread. */
import type { JobAnswer } from "./git_job.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";

/**
 * How far it is, any number of times, and once at most that somebody should write files at the other
 * end of the port that comes with it; then the answer to its order.
 */
export type WorkerMessage<Result> =
  | JobAnswer<Result>
  | { readonly kind: "progress"; readonly progress: CheckoutProgress }
  | { readonly kind: "writerWanted" };
