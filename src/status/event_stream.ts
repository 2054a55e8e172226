import type { Clock } from "../base/clock.ts";
import type { ActivityJournal, JournalEntry } from "./activity_journal.ts";
import type { SharedSnapshot } from "./shared_snapshot.ts";

/** Streams at once. */
export const mostStreams = 16;

/** After a change others are waited for, so that a burst is one write. */
const gatherMs = 200;
const leastBetweenSnapshotsMs = 1_000;
const mostBetweenSnapshotsMs = 10_000;
const heartbeatMs = 5_000;
/** How soon a browser connects again. */
const retryMs = 2_000;

/** What {@link EventStreams} needs. */
export interface EventStreamsOptions {
  readonly journal: ActivityJournal;
  readonly snapshot: SharedSnapshot;
  readonly clock: Clock;
  /** Tells numbers of this run of the agent from those of another. */
  readonly epoch: string;
}

/**
 * Server-sent events: `snapshot` at first, after changes and every ten seconds, `activity` for each new
 * or changed activity, a comment every five seconds of silence.
 *
 * Nothing is queued for a client: what it gets is made when it has taken what came before.
 */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  #streams = 0;
  #changed = Promise.withResolvers<void>();

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Streams that are open. */
  get open(): number {
    return this.#streams;
  }

  /** The journal has changed. */
  changed(): void {
    if (this.#streams === 0) return;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /**
   * Opens a stream; `undefined` when there are {@link mostStreams} already.
   *
   * @param lastId The `Last-Event-ID` of a client that was there before: it gets what it missed.
   * @param signal Fires when the client is gone.
   */
  stream(lastId: string | null, signal: AbortSignal): ReadableStream<Uint8Array> | undefined {
    if (this.#streams >= mostStreams) return undefined;
    this.#streams++;
    const encoder = new TextEncoder();
    const parts = this.#parts(lastId, signal);
    let isOver = false;
    const end = () => {
      if (!isOver) this.#streams--;
      isOver = true;
    };
    // Also when nobody ever reads from it.
    signal.addEventListener("abort", end, { once: true });
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const next = await parts.next().catch(() => undefined); // the signal has fired
        if (next && !next.done) return controller.enqueue(encoder.encode(next.value));
        end();
        controller.close();
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }

  async *#parts(lastId: string | null, signal: AbortSignal): AsyncGenerator<string, void> {
    const { journal, snapshot, clock } = this.#options;
    const first = snapshot.numbered;
    let revision = Math.min(this.#missedSince(lastId) ?? first.revision, first.revision);
    const news = () => {
      const entries = journal.since(revision);
      revision = entries.at(-1)?.revision ?? revision;
      return entries.map((entry) => this.#activity(entry)).join("");
    };
    yield `retry: ${retryMs}\n\n${this.#snapshot(first.text, revision)}${news()}`;
    let snapshotMs = clock.monotonicMs();
    let saidMs = snapshotMs;
    // The first one may be a little older than what followed it.
    let isDue = revision > first.revision;
    while (true) {
      const restMs = Math.max(0, snapshotMs + leastBetweenSnapshotsMs - clock.monotonicMs());
      await this.#change(isDue ? restMs : heartbeatMs, revision, signal);
      await clock.sleep(gatherMs, signal);
      const text = news();
      isDue ||= text !== "";
      const nowMs = clock.monotonicMs();
      const sinceMs = nowMs - snapshotMs;
      const shows = sinceMs >= (isDue ? leastBetweenSnapshotsMs : mostBetweenSnapshotsMs);
      if (shows) [snapshotMs, isDue] = [nowMs, false];
      // One that is older than what was just told would take it back.
      while (shows && snapshot.numbered.revision < revision) await clock.sleep(gatherMs, signal);
      const all = text + (shows ? this.#snapshot(snapshot.text, revision) : "");
      if (all === "" && nowMs - saidMs < heartbeatMs) continue;
      saidMs = nowMs;
      yield all === "" ? ": still here\n\n" : all;
    }
  }

  /** Resolves when there is news or the time has passed. */
  async #change(limitMs: number, revision: number, signal: AbortSignal): Promise<void> {
    if (this.#options.journal.revision > revision) return;
    const over = new AbortController();
    try {
      const limit = this.#options.clock.sleep(limitMs, AbortSignal.any([signal, over.signal]));
      await Promise.race([limit, this.#changed.promise]);
      signal.throwIfAborted();
    } finally {
      over.abort(null);
    }
  }

  #snapshot(text: string, revision: number): string {
    return `event: snapshot\nid: ${this.#id(revision)}\ndata: ${text}\n\n`;
  }

  #activity({ revision, activity }: JournalEntry): string {
    return `event: activity\nid: ${this.#id(revision)}\ndata: ${JSON.stringify(activity)}\n\n`;
  }

  #id(revision: number): string {
    return `${this.#options.epoch}-${revision}`;
  }

  /** The revision that a client has seen in this run; undefined when it is new here. */
  #missedSince(lastId: string | null): number | undefined {
    const [, epoch, revision] = /^([0-9a-z]{1,32})-([0-9]{1,15})$/.exec(lastId ?? "") ?? [];
    return epoch === this.#options.epoch ? Number(revision) : undefined;
  }
}
