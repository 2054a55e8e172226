/** Writes the files of a first checkout while their pack still arrives, where nobody sees them yet. */
import type { CheckoutJob } from "./git_job.ts";
import type { GitDirectory } from "../git/git_directory.ts";
import type { GitObject } from "../git/pack_object.ts";
import { placeAt } from "../git/physical_path.ts";
import { PublishedRecord } from "./published_record.ts";
import { StagingArea, stagingPlaces } from "./staging_area.ts";
import { rootPlace, TreeChecks, type TreePlace } from "../git/tree_checks.ts";
import { directoryMode, treeOfCommit } from "../git/tree_object.ts";
import { type PlannedFile, plannedFile } from "../git/tree_plan.ts";

const leftOutModes: readonly number[] = [0o120000, 0o160000];

/**
 * Takes objects in the order of a pack, where a tree comes before what is in it. A file is written only
 * below trees that have come and were checked as `planTree` checks them, and the whole is planned
 * from the finished pack all the same. What comes in another order is written then, and what is
 * otherwise than expected ends this way of doing it: what is wrong is said then, too.
 */
export class StreamedFiles implements Disposable {
  readonly #job: CheckoutJob;
  readonly #commit: string;
  /** By object id: trees that are to come. */
  readonly #awaited = new Map<string, TreePlace[]>();
  /** By object id: files that are to come. */
  readonly #wanted = new Map<string, PlannedFile[]>();
  readonly #checks: TreeChecks;
  #leftBytes: number;
  #hasEnded = false;
  #staging: StagingArea | undefined;

  private constructor(job: CheckoutJob, commit: string) {
    this.#job = job;
    this.#commit = commit;
    this.#checks = new TreeChecks(job.limits.files);
    this.#leftBytes = job.limits.bytes;
  }

  /**
   * For a job that will fetch a commit with all that belongs to it.
   *
   * @returns `undefined` when its files must wait: it is not the first checkout, or not one by files.
   */
  static of(
    job: CheckoutJob,
    directory: GitDirectory,
    commit: string,
  ): StreamedFiles | undefined {
    const { transfer, publish, sparse, backup, destination } = job;
    if (transfer !== undefined || publish === "symlink" || sparse !== undefined) return undefined;
    if (!new PublishedRecord(directory).isUntouched) return undefined;
    // A backup is made beforehand, in the same place.
    const needsNone = backup === undefined || placeAt(backup) !== "absent" ||
      Deno.readDirSync(destination)[Symbol.iterator]().next().done === true;
    return needsNone ? new StreamedFiles(job, commit) : undefined;
  }

  /**
   * Takes an object of the pack. Throws only when what is given up cannot be removed.
   *
   * @param id As computed from the content.
   */
  readonly take = (id: string, object: GitObject): void => {
    if (this.#hasEnded) return;
    try {
      if (object.type === "blob") this.#takeBlob(id, object.data);
      else if (object.type === "tree") this.#takeTree(id, object.data);
      else if (id === this.#commit) this.#await(treeOfCommit(object.data), rootPlace);
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
  handOver(files: readonly PlannedFile[]): StagingArea | undefined {
    const staging = this.#staging;
    if (staging === undefined || !staging.holdsOnly(files)) {
      this.#end();
      return undefined;
    }
    this.#staging = undefined;
    this.#hasEnded = true;
    return staging;
  }

  /** Removes what was not given away. */
  [Symbol.dispose](): void {
    this.#end();
  }

  #await(tree: string, place: TreePlace): void {
    const places = this.#awaited.get(tree);
    if (places) places.push(place);
    else this.#awaited.set(tree, [place]);
  }

  #takeTree(id: string, data: Uint8Array): void {
    const places = this.#awaited.get(id);
    if (places === undefined) return;
    this.#awaited.delete(id);
    for (const place of places) {
      for (const entry of this.#checks.entriesOf(data, place)) {
        if (entry.mode === directoryMode) this.#await(entry.id, this.#checks.inside(place, entry));
        // Links come after all files.
        else if (!leftOutModes.includes(entry.mode)) this.#want(plannedFile(place.prefix, entry));
      }
    }
  }

  #want(file: PlannedFile): void {
    const files = this.#wanted.get(file.id);
    if (files) files.push(file);
    else this.#wanted.set(file.id, [file]);
  }

  #takeBlob(id: string, data: Uint8Array): void {
    const files = this.#wanted.get(id);
    if (files === undefined) return;
    this.#wanted.delete(id);
    const staging = this.#staging ??= StagingArea.open(
      stagingPlaces(this.#job),
      this.#job.destination,
    );
    for (const file of files) {
      this.#leftBytes -= data.length;
      if (this.#leftBytes < 0) return this.#end();
      staging.writeFile(file, data);
    }
  }

  #end(): void {
    this.#hasEnded = true;
    this.#awaited.clear();
    this.#wanted.clear();
    const staging = this.#staging;
    this.#staging = undefined;
    staging?.[Symbol.dispose]();
  }
}
