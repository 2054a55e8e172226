import type { Clock } from "../base/clock.ts";
import { type Redact, shownLine } from "./shown_line.ts";
import type { Activity } from "./snapshot.ts";

/** How something ended. */
export type Outcome = NonNullable<Activity["outcome"]>;

/** Something that happened. */
export interface Happening {
  readonly kind: Activity["kind"];
  readonly title: string;
  /** What is done about it. */
  readonly effects?: readonly string[];
  /** Names of the work whose end is this one's outcome; ends of one name come in order. */
  readonly awaits?: readonly string[];
  /** Known at once. */
  readonly outcome?: Outcome;
  readonly detail?: string;
}

/** An activity with the number of its last change. */
export interface JournalEntry {
  readonly revision: number;
  readonly activity: Activity;
}

/** Entries that are kept. */
export const journalLimit = 500;
/** More than any lane keeps waiting; beyond, an end was never told. */
const mostAwaited = 1_000;
const mostEffects = 20;
const mostDetail = 3_000;

interface Slot {
  revision: number;
  activity: Activity;
  readonly startedMs: number;
  /** Names of work whose end is not known yet. */
  open: readonly string[];
}

/** What {@link ActivityJournal} needs. */
export interface JournalOptions {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly redact: Redact;
  /** Told of each change. */
  readonly onChange?: () => void;
}

/** What happened last and what came of it: a ring of {@link journalLimit} entries. */
export class ActivityJournal {
  readonly #options: JournalOptions;
  /** Oldest first; at most twice the limit, so that the ring is cut seldom. */
  #slots: Slot[] = [];
  /** By the name of work, the activities that wait for its end, in order. */
  readonly #awaiting = new Map<string, Slot[]>();
  #lastId = 0;
  #revision = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** Adds what happened. */
  record({ kind, title, effects = [], awaits = [], outcome, detail }: Happening): void {
    const { clock, redact } = this.#options;
    const shown = effects.slice(0, mostEffects).map((effect) => shownLine(effect, redact));
    const more = effects.length - shown.length;
    const slot: Slot = {
      revision: ++this.#revision,
      activity: {
        id: ++this.#lastId,
        at: new Date(clock.now()).toISOString(),
        kind,
        title: shownLine(title, redact),
        effects: more > 0 ? [...shown, `… and ${more} more`] : shown,
        ...(outcome === undefined ? {} : { outcome }),
        ...(detail === undefined ? {} : { detail: shownDetail(detail, redact) }),
      },
      startedMs: clock.monotonicMs(),
      open: awaits,
    };
    for (const name of awaits) {
      const waiting = this.#awaiting.get(name);
      if (waiting) waiting.push(slot);
      else this.#awaiting.set(name, [slot]);
      if (waiting && waiting.length > mostAwaited) waiting.shift();
    }
    this.#slots.push(slot);
    if (this.#slots.length >= 2 * journalLimit) this.#slots = this.#slots.slice(-journalLimit);
    this.#options.onChange?.();
  }

  /** The oldest work of that name that was awaited has ended. */
  end(name: string, outcome: Outcome, detail?: string): void {
    const slot = this.#awaiting.get(name)?.shift();
    if (slot) this.#close(name, slot, outcome, detail);
  }

  /** The newest work of that name will not be done: newer work takes its place. */
  supersede(name: string, keep: number): void {
    const waiting = this.#awaiting.get(name);
    if (!waiting || waiting.length <= keep) return;
    this.#close(name, waiting.pop()!, "cancelled");
  }

  /** Nothing that is awaited will end any more. */
  cancelAwaited(): void {
    for (const [name, slots] of [...this.#awaiting]) {
      for (const slot of slots.splice(0)) this.#close(name, slot, "cancelled");
    }
  }

  /** The newest activities, newest first. */
  newest(limit: number): readonly Activity[] {
    return this.#slots.slice(-Math.min(limit, journalLimit)).reverse()
      .map(({ activity }) => activity);
  }

  /** What has changed since a revision, in the order of the changes; what has left the ring is gone. */
  since(revision: number): readonly JournalEntry[] {
    if (revision >= this.#revision) return [];
    return this.#slots.slice(-journalLimit).filter((slot) => slot.revision > revision)
      .sort((a, b) => a.revision - b.revision)
      .map(({ revision, activity }) => ({ revision, activity }));
  }

  #close(name: string, slot: Slot, outcome: Outcome, detail?: string): void {
    if (this.#awaiting.get(name)?.length === 0) this.#awaiting.delete(name);
    const { clock, redact, onChange } = this.#options;
    slot.open = slot.open.toSpliced(slot.open.indexOf(name), 1);
    const { activity } = slot;
    const details = [activity.detail, detail && shownDetail(detail, redact)].filter((text) => text);
    slot.revision = ++this.#revision;
    slot.activity = {
      ...activity,
      outcome: worse(activity.outcome, outcome),
      ...(details.length === 0 ? {} : { detail: details.join("\n").slice(-mostDetail) }),
      ...(slot.open.length > 0 ? {} : { ms: Math.round(clock.monotonicMs() - slot.startedMs) }),
    };
    onChange?.();
  }
}

const ascending: readonly Outcome[] = ["none", "succeeded", "cancelled", "failed"];

function worse(a: Outcome | undefined, b: Outcome): Outcome {
  return a !== undefined && ascending.indexOf(a) > ascending.indexOf(b) ? a : b;
}

/** Several lines, the last of them first in importance. */
function shownDetail(text: string, redact: Redact): string {
  return redact(text.slice(-8 * mostDetail)).split("\n").slice(-20)
    .map((line) => shownLine(line, redact)).join("\n").slice(-mostDetail);
}
