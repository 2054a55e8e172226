/**
 * How a worker, which may start no program, has symbolic links made: it names a directory, the main
 * side starts the launcher there.
 */
import { join } from "node:path";
import { reasonOf } from "../base/errors.ts";
import type { JobPlaces } from "./git_job.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { stagingPlaces } from "./staging_area.ts";

/**
 * Makes the links that `links.list` in a directory names, below `links` in the directory.
 *
 * @returns Why links are missing; `undefined` when none is.
 * @throws The signal's reason when that fired.
 */
export type MakeLinks = (directory: string, signal: AbortSignal) => Promise<string | undefined>;

interface Question {
  readonly directory: string;
}

interface Answer {
  readonly reason: string | undefined;
}

/** The main side, open as long as the job runs. */
export class LinkService implements Disposable {
  readonly #channel = new MessageChannel();
  readonly #closed = new AbortController();
  readonly #permitted: ReadonlySet<string>;

  constructor(job: JobPlaces, makeLinks: MakeLinks) {
    // Nowhere else, whatever the worker says.
    this.#permitted = new Set(
      stagingPlaces(job).flatMap((place) => [place, join(place, "switch")]),
    );
    const { port1 } = this.#channel;
    port1.onmessage = ({ data }: MessageEvent<Question>) =>
      // Whatever happens is answered.
      void this.#answer(data.directory, makeLinks).then((reason) => {
        if (!this.#closed.signal.aborted) port1.postMessage({ reason } satisfies Answer);
      });
  }

  /** The worker's end, for {@link askForLinks}. */
  get port(): MessagePort {
    return this.#channel.port2;
  }

  /** Ends what is in progress. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#channel.port1.close();
  }

  async #answer(directory: string, makeLinks: MakeLinks): Promise<string | undefined> {
    if (!this.#permitted.has(directory)) return "no directory of this job";
    try {
      return await makeLinks(directory, this.#closed.signal);
    } catch (error) {
      return reasonOf(error);
    }
  }
}

/**
 * The worker's side.
 *
 * @param port Absent: nobody makes links.
 */
export function askForLinks(port: MessagePort | undefined): Pick<JobRuntime, "makeLinks"> {
  if (port === undefined) return {};
  return {
    makeLinks: (directory) => {
      const answered = Promise.withResolvers<string | undefined>();
      port.onmessage = ({ data }: MessageEvent<Answer>) => answered.resolve(data.reason);
      port.postMessage({ directory } satisfies Question);
      return answered.promise;
    },
  };
}
