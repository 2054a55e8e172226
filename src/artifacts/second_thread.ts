/**
 * Has files written, or looked at, by another thread while this one goes on with what else is to be
 * done: half of the work of a first checkout is making files, most of an update's is looking at them.
 */
import type { FileStamp } from "../git/file_stamp.ts";

/** Files for the other thread; their contents follow each other in `content`. */
export interface WriteOrder {
  readonly content: ArrayBuffer;
  readonly files: readonly OrderedFile[];
}

/** A file that must not be there yet, in a directory that is. */
export interface OrderedFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: number;
}

/** Files to look at. */
export interface LookOrder {
  readonly root: string;
  /** Relative, with a NUL between two: one text is posted faster than thousands. */
  readonly paths: string;
}

/** How many numbers of {@link LookedAt} belong to a file. */
export const factsPerFile = 8;

/**
 * For each file {@link factsPerFile} numbers: 0 when there is none, 1 for a file, 2 for an executable
 * one, then its stamp in the order of `FileStamp`.
 */
export type LookedAt = Float64Array<ArrayBuffer>;

/** What the other thread says: that it is there, then an answer to each order. */
export type SecondAnswer =
  | { readonly kind: "ready" }
  /** In the order of the files; `content` comes back to be used again. */
  | {
    readonly kind: "written";
    readonly content: ArrayBuffer;
    readonly stamps: readonly FileStamp[];
  }
  | { readonly kind: "looked"; readonly facts: LookedAt }
  | { readonly kind: "failed" };

/** Files go in parcels: a message costs as much as a small file. */
const parcelBytes = 512 * 1024;
/** What may wait for the other thread. Above that it is slower than this one, which then helps. */
const mostWaitingBytes = 8 * 1024 * 1024;

interface Parcel {
  readonly content: Uint8Array<ArrayBuffer>;
  filled: number;
  readonly files: OrderedFile[];
  readonly onWritten: ((stamp: FileStamp) => void)[];
}

/** This thread's side. */
export class SecondThread implements Disposable {
  readonly #port: MessagePort;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  readonly #sent: Parcel[] = [];
  #parcel: Parcel | undefined;
  #waitingBytes = 0;
  #state: "starting" | "ready" | "failed" = "starting";
  #settled: PromiseWithResolvers<void> | undefined;
  #looked: PromiseWithResolvers<LookedAt | undefined> | undefined;

  /** @param port To where `second_worker.ts` is, or will be. */
  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<SecondAnswer>) => this.#hear(data);
  }

  /**
   * Gives a file away.
   *
   * @param data Copied.
   * @param onWritten Called with how the file looks, before {@link settle} resolves.
   * @returns `false` when the caller should write it himself: nobody is there yet, or he has enough
   *   to do.
   */
  offer(
    path: string,
    mode: number,
    data: Uint8Array,
    onWritten: (stamp: FileStamp) => void,
  ): boolean {
    if (this.#state !== "ready" || this.#waitingBytes + data.length > mostWaitingBytes) {
      return false;
    }
    if (data.length > parcelBytes) return false;
    if (this.#parcel && this.#parcel.filled + data.length > parcelBytes) this.#send();
    const parcel = this.#parcel ??= {
      content: this.#spare.pop() ?? new Uint8Array(parcelBytes),
      filled: 0,
      files: [],
      onWritten: [],
    };
    parcel.content.set(data, parcel.filled);
    parcel.filled += data.length;
    parcel.files.push({ path, mode, bytes: data.length });
    parcel.onWritten.push(onWritten);
    this.#waitingBytes += data.length;
    return true;
  }

  /**
   * Resolves when nothing is being written any more.
   *
   * @returns Whether all that was given away is written. Why not is told to whoever tries again.
   */
  async settle(): Promise<boolean> {
    if (this.#state === "ready") {
      this.#send();
      if (this.#sent.length > 0) {
        this.#settled = Promise.withResolvers();
        await this.#settled.promise;
      }
    }
    this.#spare.length = 0;
    return this.#state !== "failed";
  }

  /**
   * Has files looked at.
   *
   * @param root Where they are.
   * @returns `undefined` at once when nobody is there or he has something to do, later when it failed.
   */
  look(root: string, paths: readonly string[]): Promise<LookedAt | undefined> | undefined {
    const isBusy = this.#looked !== undefined || this.#parcel !== undefined ||
      this.#sent.length > 0;
    if (this.#state !== "ready" || isBusy) return undefined;
    this.#looked = Promise.withResolvers();
    this.#port.postMessage({ root, paths: paths.join("\0") } satisfies LookOrder);
    return this.#looked.promise;
  }

  /** The other thread is gone, and with it what it was given. */
  lose(): void {
    this.#hear({ kind: "failed" });
  }

  /** Takes no more. */
  [Symbol.dispose](): void {
    this.#port.close();
  }

  #send(): void {
    const parcel = this.#parcel;
    if (parcel === undefined) return;
    this.#parcel = undefined;
    this.#sent.push(parcel);
    const { content, files } = parcel;
    this.#port.postMessage({ content: content.buffer, files } satisfies WriteOrder, [
      content.buffer,
    ]);
  }

  #hear(answer: SecondAnswer): void {
    // What it said before its end may be heard later.
    if (this.#state === "failed") return;
    switch (answer.kind) {
      case "ready":
        this.#state = "ready";
        break;
      case "failed":
        this.#state = "failed";
        // It does nothing more: what was sent after that is passed over.
        this.#sent.length = 0;
        this.#tellLook(undefined);
        break;
      case "looked":
        this.#tellLook(answer.facts);
        break;
      case "written": {
        const parcel = this.#sent.shift();
        this.#spare.push(new Uint8Array(answer.content));
        this.#waitingBytes -= parcel?.filled ?? 0;
        for (const [index, stamp] of answer.stamps.entries()) parcel?.onWritten[index]?.(stamp);
      }
    }
    if (this.#sent.length === 0) this.#settled?.resolve();
  }

  #tellLook(facts: LookedAt | undefined): void {
    this.#looked?.resolve(facts);
    this.#looked = undefined;
  }
}
