import type { Clock } from "../base/clock.ts";

const mostWarm = 3;
/**
 * A worker is kept only while the process holds no more than so much more than before the worker
 * started: enough for a checkout of 20,000 files, and updates after it. Ending it would give back a part
 * only, the rest stays with the allocator.
 */
const mostGrowthBytes = 256 * 1024 * 1024;
const idleMs = 60_000;

interface WarmWorker {
  readonly worker: Worker;
  /** Works for it, and ends with it. */
  readonly second: Worker | undefined;
  /** Ends the waiting for its end. */
  readonly taken: AbortController;
}

/**
 * Workers that have done a job and wait for another one. One fits only what it was started for: its
 * permissions cannot change. It saves the start and the loading of the library, and costs memory, so
 * it ends after a minute without work, and there are never many.
 */
export class WarmWorkers implements Disposable {
  readonly #clock: Clock;
  readonly #residentBytes: () => number;
  /** What the process held before each worker started. */
  readonly #heldBefore = new WeakMap<Worker, number>();
  /** By permissions; the one that waits for longest first. */
  readonly #idle = new Map<string, WarmWorker>();
  #isClosed = false;

  /** @param residentBytes How much memory the process holds now. */
  constructor(clock: Clock, residentBytes = () => Deno.memoryUsage().rss) {
    this.#clock = clock;
    this.#residentBytes = residentBytes;
  }

  /** How many there are. */
  get size(): number {
    return this.#idle.size;
  }

  /** Starts a worker that may be kept later. */
  started(start: () => Worker): Worker {
    const before = this.#residentBytes();
    const worker = start();
    this.#heldBefore.set(worker, before);
    return worker;
  }

  /** A worker with exactly these permissions, and the one that works for it: the caller's from now on. */
  take(permissions: Deno.PermissionOptionsObject): Omit<WarmWorker, "taken"> | undefined {
    const key = JSON.stringify(permissions);
    const found = this.#idle.get(key);
    if (found === undefined) return undefined;
    this.#idle.delete(key);
    found.taken.abort();
    return found;
  }

  /** Keeps a worker that has nothing to do, or ends it when there are enough or it costs too much. */
  keep(permissions: Deno.PermissionOptionsObject, worker: Worker, second?: Worker): void {
    const key = JSON.stringify(permissions);
    if (this.#isClosed || this.#idle.has(key) || this.#isCostly(worker)) {
      worker.terminate();
      second?.terminate();
      return;
    }
    const [oldest] = this.#idle.keys();
    if (oldest !== undefined && this.#idle.size >= mostWarm) this.#end(oldest);
    const warm = { worker, second, taken: new AbortController() };
    this.#idle.set(key, warm);
    const end = () => this.#end(key);
    for (const idle of [worker, second]) {
      if (idle === undefined) continue;
      // What breaks down while it has nothing to do is nobody's failure.
      idle.onmessage = null;
      idle.onmessageerror = null;
      idle.onerror = (event) => {
        event.preventDefault();
        end();
      };
    }
    // Rejects only when it was taken, or ended.
    this.#clock.sleep(idleMs, warm.taken.signal).then(end, () => {});
  }

  /** Ends all, and each that comes later. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const key of [...this.#idle.keys()]) this.#end(key);
  }

  #isCostly(worker: Worker): boolean {
    const before = this.#heldBefore.get(worker) ?? 0;
    return this.#residentBytes() - before > mostGrowthBytes;
  }

  #end(key: string): void {
    const found = this.#idle.get(key);
    this.#idle.delete(key);
    found?.taken.abort();
    found?.worker.terminate();
    found?.second?.terminate();
  }
}
