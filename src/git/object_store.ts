import { join } from "node:path";
import { AgentError, cannot } from "../base/errors.ts";
import { LooseObjects } from "./loose_objects.ts";
import { forgetOldRebased, hasOwnCommits, isMarkedPack } from "./unpushed_commits.ts";
import { forgetObjects, type GitDirectory, incomingPackName } from "./git_directory.ts";
import { ObjectCache, PackFile } from "./pack_file.ts";
import { encodePackIndex, PackIndex } from "./pack_index_file.ts";
import type { GitObject, ObjectType } from "./pack_object.ts";
import { type OnObject, type PackLimits, PackReceiver } from "./pack_receiver.ts";
import type { ProgressMeter } from "./progress_meter.ts";
import { removeSync, replaceFileSync } from "./synchronous_file.ts";

interface OpenPack extends Disposable {
  readonly name: string;
  readonly bytes: number;
  /** When it arrived, in milliseconds since the epoch. */
  readonly arrivedMs: number;
  readonly index: PackIndex;
  readonly file: PackFile;
}

/** Every update that brings objects adds a pack; from so many on all are replaced by one. */
const mostPacks = 50;
/** What updates may add to a small pack before all are replaced by one. */
const spareBytes = 16 * 1024 * 1024;

/** The objects of a Git directory: all its packs, and what the agent wrote. Synchronous, for use in a worker. */
export class ObjectStore implements Disposable {
  readonly #directory: GitDirectory;
  readonly #limits: PackLimits;
  readonly #progress: ProgressMeter | undefined;
  /** Newest first: what is asked for came last. */
  readonly #packs: OpenPack[] = [];
  readonly #loose: LooseObjects;

  constructor(directory: GitDirectory, limits: PackLimits, progress?: ProgressMeter) {
    this.#directory = directory;
    this.#limits = limits;
    this.#progress = progress;
    this.#loose = new LooseObjects(directory.path);
    for (const { name } of Deno.readDirSync(directory.packs)) {
      if (name.endsWith(".idx")) this.#openOrForget(name.slice(0, -".idx".length));
    }
  }

  /** Closes all files. */
  [Symbol.dispose](): void {
    for (const pack of this.#packs.splice(0)) pack[Symbol.dispose]();
  }

  /** Whether there are no objects at all. */
  get isEmpty(): boolean {
    return this.#packs.length === 0;
  }

  /**
   * Whether one pack with what the branch has now should replace all: there are many, or together
   * they are more than twice as large as the complete one among them, and 16 MiB.
   */
  get isCrowded(): boolean {
    // Those that hold kept commits stay in any case.
    const packs = this.#packs.filter(({ name }) => !isMarkedPack(this.#directory, name));
    if (packs.length < 2) return false;
    // A complete pack removes all others when it arrives: what came later are updates.
    const complete = packs.reduce((a, b) => b.arrivedMs < a.arrivedMs ? b : a);
    const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0);
    return packs.length >= mostPacks || bytes > 2 * complete.bytes + spareBytes;
  }

  /** Whether the object is here. */
  has(id: string): boolean {
    return this.#packs.some(({ index }) => index.find(id) !== undefined) || this.#loose.has(id);
  }

  /**
   * The content of an object.
   *
   * @throws AgentError of kind `input` when it is missing, of another type, or damaged.
   */
  read(id: string, type: ObjectType): Uint8Array {
    const object = this.#find(id);
    if (object === undefined) throw missing(id, "it is missing");
    if (object.type !== type) throw missing(id, `it is a ${object.type}, not a ${type}`);
    return object.data;
  }

  /**
   * Takes a pack in.
   *
   * @param isThinAllowed Whether its deltas may refer to objects that are here already.
   * @param receive Hands the pieces to the function it is given; the pack counts once it resolves.
   *   When no piece came, nothing is added.
   * @param onObject Given every object as it arrives, before the pack counts.
   */
  async receive(
    isThinAllowed: boolean,
    receive: (push: (chunk: Uint8Array) => void) => Promise<void>,
    onObject?: OnObject,
  ): Promise<void> {
    const incoming = join(this.#directory.packs, incomingPackName);
    const cache = new ObjectCache();
    let name: string;
    {
      using file = Deno.openSync(incoming, {
        read: true,
        write: true,
        create: true,
        truncate: true,
        mode: 0o600,
      });
      const receiver = new PackReceiver(file, this.#limits, {
        cache,
        onResolved: (objects) => this.#progress?.resolving(objects),
        ...(onObject ? { onObject } : {}),
        ...(isThinAllowed ? { findElsewhere: (id: string) => this.#find(id) } : {}),
      });
      let received = 0;
      await receive((chunk) => {
        received += chunk.length;
        receiver.push(chunk);
        this.#progress?.received(received, receiver.objectsSeen, receiver.objectsTotal);
      });
      if (received === 0) return;
      const { objects, trailer } = receiver.finish();
      if (objects.length === 0) return;
      // Not forced to disk: a pack that a power cut damaged is noticed and fetched again.
      name = `pack-${trailer.toHex()}`;
      Deno.renameSync(incoming, join(this.#directory.packs, `${name}.pack`));
      // The index comes last: a pack counts once it has one.
      const indexPath = join(this.#directory.packs, `${name}.idx`);
      replaceFileSync(indexPath, encodePackIndex(objects, trailer));
    }
    // The same pack again, because the one on disk was damaged.
    const former = this.#packs.findIndex((pack) => pack.name === name);
    if (former >= 0) this.#packs.splice(former, 1)[0]?.[Symbol.dispose]();
    this.#open(name, cache);
  }

  /**
   * Removes all but the pack taken in last, and what commits need that the agent keeps.
   *
   * @param commit Without it the pack is not what was asked for, and nothing is removed.
   */
  keepNewest(commit: string): void {
    const [newest, ...others] = this.#packs;
    if (newest?.index.find(commit) === undefined) return;
    forgetOldRebased(this.#directory, new Date());
    const keeps = hasOwnCommits(this.#directory);
    const kept = new Set([newest.name]);
    for (const pack of others) {
      if (keeps && isMarkedPack(this.#directory, pack.name)) kept.add(pack.name);
      else pack[Symbol.dispose]();
    }
    this.#packs.splice(0, Infinity, ...this.#packs.filter(({ name }) => kept.has(name)));
    forgetObjects(this.#directory, kept);
    if (!keeps) this.#loose.forget();
  }

  #find(id: string): GitObject | undefined {
    for (const { index, file } of this.#packs) {
      const offset = index.find(id);
      if (offset !== undefined) return file.read(offset);
    }
    return this.#loose.find(id);
  }

  /** A pack whose index is damaged is worth nothing: what was in it is fetched anew. */
  #openOrForget(name: string): void {
    try {
      this.#open(name, new ObjectCache());
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      for (const ending of ["idx", "pack"]) {
        removeSync(join(this.#directory.packs, `${name}.${ending}`));
      }
    }
  }

  #open(name: string, cache: ObjectCache): void {
    const path = join(this.#directory.packs, name);
    const index = new PackIndex(Deno.readFileSync(`${path}.idx`));
    const { size: bytes, mtime } = Deno.statSync(`${path}.pack`);
    const arrivedMs = mtime?.getTime() ?? 0;
    let offsets: Float64Array | undefined;
    const endOf = (offset: number) => {
      offsets ??= index.offsets();
      const at = positionOf(offsets, offset);
      return at === undefined ? undefined : offsets[at + 1] ?? bytes - 20;
    };
    const layout = { endOf, find: (id: string) => index.find(id) };
    const descriptor = Deno.openSync(`${path}.pack`, { read: true });
    const file = new PackFile(descriptor, layout, this.#limits.inflatedBytes, cache);
    const close = () => file[Symbol.dispose]();
    this.#packs.unshift({ name, bytes, arrivedMs, index, file, [Symbol.dispose]: close });
  }
}

/** Binary search in ascending numbers. */
function positionOf(sorted: Float64Array, wanted: number): number | undefined {
  let [low, high] = [0, sorted.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = sorted[middle] ?? NaN;
    if (found === wanted) return middle;
    if (found < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

function missing(id: string, reason: string) {
  return cannot("read object", id, reason, { kind: "input", data: { damaged: true, missing: id } });
}
