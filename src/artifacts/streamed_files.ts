/** Writes the files of a first checkout while their pack still arrives, where nobody sees them yet. */
import type { CheckoutJob } from "./git_job.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import type { JobRuntime } from "./job_runtime.ts";
import { openStaging } from "./job_staging.ts";
import type { ArrivingPack, OnObject } from "../git/pack_receiver.ts";
import { placeAt } from "../git/physical_path.ts";
import { PublishedRecord } from "./published_record.ts";
import type { SecondThread } from "./second_thread.ts";
import type { StagingArea } from "./staging_area.ts";
import { rootPlace, TreeChecks, type TreePlace } from "../git/tree_checks.ts";
import { directoryMode, treeOfCommit } from "../git/tree_object.ts";
import { type PlannedFile, plannedFile } from "../git/tree_plan.ts";
import { isEmptySync } from "../git/synchronous_file.ts";

const leftOutModes: readonly number[] = [0o120000, 0o160000];
/** From so many on, most of them files, another thread is worth its start. */
const objectsForTwo = 400;

/**
 * Takes objects in the order of a pack, where a tree mostly comes before what is in it. A file is
 * written only below trees that have come and were checked as `planTree` checks them, and the whole is
 * planned from the finished pack all the same. What came earlier and is not at hand any more is
 * written then, and what is otherwise than expected ends this way of doing it: what is wrong is said
 * then, too.
 */
export class StreamedFiles implements AsyncDisposable {
  readonly #job: CheckoutJob;
  readonly #runtime: JobRuntime;
  readonly #commit: string;
  /** By object id: trees that are to come. */
  readonly #awaited = new Map<string, TreePlace[]>();
  /** By object id: files that are to come. */
  readonly #wanted = new Map<string, PlannedFile[]>();
  readonly #checks: TreeChecks;
  #leftBytes: number;
  #hasEnded = false;
  #staging: StagingArea | undefined;
  #second: SecondThread | undefined;

  private constructor(job: CheckoutJob, commit: string, runtime: JobRuntime) {
    this.#job = job;
    this.#runtime = runtime;
    this.#commit = commit;
    this.#checks = new TreeChecks(job.limits.files);
    this.#leftBytes = job.limits.bytes;
  }

  /**
   * For a job that will fetch a commit with all that belongs to it.
   *
   * @returns `undefined` when its files must wait: it is not the first checkout, or not of everything.
   */
  static of(
    job: CheckoutJob,
    directory: GitDirectory,
    commit: string,
    runtime: JobRuntime = {},
  ): StreamedFiles | undefined {
    const { transfer, publish, sparse, backup, destination } = job;
    if (transfer !== undefined || sparse !== undefined) return undefined;
    if (!new PublishedRecord(directory).isUntouched) return undefined;
    // A backup of what others will go on working in is made beforehand.
    const needsNone = publish === "symlink" || backup === undefined ||
      placeAt(backup) !== "absent" ||
      isEmptySync(destination);
    return needsNone ? new StreamedFiles(job, commit, runtime) : undefined;
  }

  /**
   * Takes an object of the pack. Throws only when the job is not wanted any more.
   *
   * @param id As computed from the content.
   */
  readonly take: OnObject = (id, object, pack): void => {
    this.#runtime.assertWanted?.();
    if (this.#hasEnded) return;
    if (pack.objectsTotal >= objectsForTwo) this.#second ??= this.#runtime.startSecond?.();
    try {
      if (object.type === "blob") this.#takeBlob(id, object.data);
      else if (object.type === "tree") this.#takeTree(id, object.data, pack);
      else if (id === this.#commit) this.#await(treeOfCommit(object.data), rootPlace, pack);
    } catch {
      // Said when it happens again, with the finished pack.
      this.#end();
    }
  };

  /**
   * Gives away the place with the files that are written.
   *
   * @param files All that are to be written.
   * @returns `undefined` when there is none, or it holds what is not to be written.
   */
  async handOver(files: readonly PlannedFile[]): Promise<StagingArea | undefined> {
    const isWritten = await this.#settled();
    const staging = this.#staging;
    if (this.#hasEnded || !isWritten || staging?.holdsOnly(files) !== true) {
      await this[Symbol.asyncDispose]();
      return undefined;
    }
    this.#staging = undefined;
    this.#end();
    return staging;
  }

  /** Removes what was not given away. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    // Nobody may write any more where a directory is being removed.
    await this.#settled();
    this.#staging?.[Symbol.dispose]();
    this.#second = this.#staging = undefined;
  }

  /** Whether nothing that was given to the other thread failed. */
  async #settled(): Promise<boolean> {
    return await this.#second?.settle() ?? true;
  }

  #await(tree: string, place: TreePlace, pack: ArrivingPack): void {
    const places = this.#awaited.get(tree);
    if (places) places.push(place);
    else this.#awaited.set(tree, [place]);
    const early = pack.recall(tree);
    if (early?.type === "tree") this.#takeTree(tree, early.data, pack);
  }

  #takeTree(id: string, data: Uint8Array, pack: ArrivingPack): void {
    const places = this.#awaited.get(id);
    if (places === undefined) return;
    this.#awaited.delete(id);
    for (const place of places) {
      for (const entry of this.#checks.entriesOf(data, place)) {
        if (entry.mode === directoryMode) {
          this.#await(entry.id, this.#checks.inside(place, entry), pack);
        } // Links come after all files.
        else if (!leftOutModes.includes(entry.mode)) {
          this.#want(plannedFile(place.prefix, entry), pack);
        }
      }
    }
  }

  #want(file: PlannedFile, pack: ArrivingPack): void {
    const early = pack.recall(file.id);
    if (early?.type === "blob") return this.#write([file], early.data);
    const files = this.#wanted.get(file.id);
    if (files) files.push(file);
    else this.#wanted.set(file.id, [file]);
  }

  #takeBlob(id: string, data: Uint8Array): void {
    const files = this.#wanted.get(id);
    if (files === undefined) return;
    this.#wanted.delete(id);
    this.#write(files, data);
  }

  #write(files: readonly PlannedFile[], data: Uint8Array): void {
    const staging = this.#staging ??= openStaging(this.#job);
    for (const file of files) {
      this.#leftBytes -= data.length;
      if (this.#leftBytes < 0) return this.#end();
      staging.writeFile(file, data, this.#second);
    }
  }

  #end(): void {
    this.#hasEnded = true;
    this.#awaited.clear();
    this.#wanted.clear();
  }
}
