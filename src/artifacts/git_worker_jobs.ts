/** The jobs of a Git worker, with all that they need to be loaded. */
import { systemClock } from "../base/clock.ts";
import type { BranchSource } from "./branch_source.ts";
import { runCheckout } from "./checkout_job.ts";
import type { WorkerOrder } from "./git_job.ts";
import { JobMemory } from "./job_memory.ts";
import { askForLinks } from "./link_exchange.ts";
import { ProgressMeter } from "../git/progress_meter.ts";
import type { CheckoutProgress } from "../git/progress_snapshot.ts";
import { runRemoval } from "./removal_job.ts";
import { SecondThread } from "./second_thread.ts";

/** What the main side does for a job. */
export interface MainSide {
  /** Absent: nobody makes links. */
  readonly links: MessagePort | undefined;
  /** Fires when the job is not wanted any more. */
  readonly signal: AbortSignal;
  /** Throws when the job is not wanted any more. */
  readonly assertWanted: () => void;
  /** Is told of how far a job is. */
  readonly say: (progress: CheckoutProgress) => void;
  /** Has somebody work at the other end of the port. */
  readonly wantSecond: (port: MessagePort) => void;
}

/** Carries out one order after the other. */
export class GitWorkerJobs {
  readonly #memory = new JobMemory();
  /** Ends together with this one. */
  #second: SecondThread | undefined;

  /** Whoever was at the other end of the port is gone. */
  loseSecond(): void {
    this.#second?.lose();
  }

  /**
   * Carries out an order.
   *
   * @param remote For a checkout: where it gets its branch from, if that was asked already.
   */
  async carryOut(
    order: WorkerOrder,
    remote: BranchSource | undefined,
    { links, signal, assertWanted, say, wantSecond }: MainSide,
  ): Promise<unknown> {
    const runtime = {
      ...askForLinks(links),
      ...(remote === undefined ? {} : { remote }),
      ...(this.#second === undefined ? {} : { second: this.#second }),
      startSecond: () => {
        if (this.#second) return this.#second;
        const { port1, port2 } = new MessageChannel();
        wantSecond(port2);
        return this.#second = new SecondThread(port1);
      },
      progress: new ProgressMeter(say, systemClock),
      signal,
      assertWanted,
      // Where a crash does no harm, the end of a job does none.
      faultPoint: assertWanted,
      memory: this.#memory,
    };
    switch (order.kind) {
      case "checkOut":
        return await runCheckout(order.job, runtime);
      case "commit":
        return await (await import("./commit_job.ts")).runCommit(order.job, runtime);
      case "remove":
        return runRemoval(order.job, runtime);
    }
  }
}
