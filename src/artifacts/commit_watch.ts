/** The cheap question whether there is anything to commit or to push; asked in every round. */
import type { Clock } from "../base/clock.ts";
import { RecordOnDemand, trackedFiles } from "./commit_record.ts";
import { unpushedBase } from "../git/unpushed_commits.ts";
import { surveyChanges } from "./commit_survey.ts";
import type { SurveyMemory, SurveyOptions, TrackedFiles } from "./local_changes.ts";
import { type GitDirectory, gitDirectoryAt, publishedCommit } from "../git/git_directory.ts";
import { placeAt } from "../git/physical_path.ts";
import { RememberedDirectory } from "./remembered_directory.ts";
import { SteadyStamp } from "./steady_stamp.ts";
import { lstatIfPresentSync } from "../git/synchronous_file.ts";

/** Where to look. */
export interface WatchedPlaces {
  readonly gitDirectory: string;
  readonly destination: string;
  readonly mostFileBytes: number;
  /** The remote is empty: the first commit may be ours. */
  readonly mayBegin: boolean;
}

/** Nobody else waits longer for a turn. */
const sliceMs = 8;
/** Some file systems give a directory no new stamp when a file is made in it. */
export const thoroughAfterMs = 300_000;
/** Files and directories; of more nothing is remembered. */
const mostRemembered = 200_000;

/**
 * Looks for changes of one tenant, and remembers from look to look what need not be looked at again:
 * the names in directories whose stamps stay the same, and the record of published files.
 *
 * Tells of nothing that is not there. What it should miss (on a file system whose stamps tell nothing)
 * it finds some minutes later; jobs that write look for themselves.
 */
export class LocalChangesWatch {
  readonly #clock: Clock;
  #places: WatchedPlaces | undefined;
  #recordStamp = new SteadyStamp();
  #root: RememberedDirectory | undefined;
  #placed: number | undefined;
  #thoroughAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Looks at names and stamps of files, reads none of them, and lets others have their turn.
   *
   * @throws AgentError when a directory cannot be read; the signal's reason.
   */
  async hasLocalChanges(places: WatchedPlaces, signal: AbortSignal): Promise<boolean> {
    const { gitDirectory, destination, mostFileBytes } = places;
    const former = this.#places;
    if (
      former?.gitDirectory !== gitDirectory || former.destination !== destination ||
      former.mostFileBytes !== mostFileBytes
    ) this.forget();
    this.#places = places;
    const directory = gitDirectoryAt(gitDirectory);
    if (unpushedBase(directory) !== undefined) return true;
    try {
      return await this.#look(places, directory, signal);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** The next look begins as the first one. */
  forget(): void {
    this.#recordStamp = new SteadyStamp();
    this.#root = undefined;
    this.#placed = undefined;
  }

  async #look(
    { destination, mostFileBytes, mayBegin }: WatchedPlaces,
    directory: GitDirectory,
    signal: AbortSignal,
  ): Promise<boolean> {
    const options = { root: destination, mostFileBytes, isQuick: true };
    const written = lstatIfPresentSync(directory.index);
    if (written === undefined || placeAt(directory.indexInProgress) !== "absent") {
      this.forget();
      const tracked = recordWithoutMemory(directory, mayBegin);
      if (typeof tracked === "boolean") return tracked;
      return await this.#survey({ ...options, tracked }, signal);
    }
    const monotonicMs = () => this.#clock.monotonicMs();
    const nowMs = monotonicMs();
    const isTentative = !this.#recordStamp.see(written, nowMs);
    if (isTentative) {
      this.#root = new RememberedDirectory();
      this.#placed = undefined;
      this.#thoroughAtMs = nowMs;
    }
    const isThorough = nowMs - this.#thoroughAtMs >= thoroughAfterMs;
    const tracked = new RecordOnDemand(directory, written);
    const memory: SurveyMemory | undefined = this.#root &&
      { root: this.#root, placed: this.#placed, monotonicMs, isThorough, isTentative };
    try {
      const isChanged = await this.#survey({ ...options, tracked, memory }, signal);
      this.#placed = memory?.placed;
      if (isThorough && !isChanged) this.#thoroughAtMs = nowMs;
      if ((memory?.entries ?? 0) > mostRemembered) this.#root = undefined;
      return isChanged;
    } catch (error) {
      if (!tracked.isDamaged) throw error;
      this.forget();
      // Whoever commits compares with the published commit.
      return true;
    }
  }

  async #survey(options: SurveyOptions, signal: AbortSignal): Promise<boolean> {
    const steps = surveyChanges(options);
    let sinceMs = this.#clock.monotonicMs();
    while (true) {
      const { done, value } = steps.next();
      if (done) return value.changed.length + value.deleted.length > 0;
      if (this.#clock.monotonicMs() - sinceMs < sliceMs) continue;
      await turnOfOthers(options.root);
      signal.throwIfAborted();
      sinceMs = this.#clock.monotonicMs();
    }
  }
}

/** @returns The answer where it is clear without a look. */
function recordWithoutMemory(
  directory: GitDirectory,
  mayBegin: boolean,
): TrackedFiles | boolean {
  const isBeginning = mayBegin && publishedCommit(directory) === undefined &&
    placeAt(directory.indexInProgress) === "absent";
  try {
    return trackedFiles(directory) ?? (isBeginning ? nothingTracked : false);
  } catch {
    // A damaged record: whoever commits compares with the published commit.
    return true;
  }
}

const nothingTracked: TrackedFiles = {
  entries: new Map(),
  announced: new Map(),
  writtenMs: 0,
  isInterrupted: false,
};

/**
 * One turn of the event loop: whoever waits for the network, a process or a timer is served. A timer
 * does that too and takes more than a millisecond; what takes no call of the system serves timers only.
 */
async function turnOfOthers(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch {
    // Whether it is there is no matter here.
  }
}
