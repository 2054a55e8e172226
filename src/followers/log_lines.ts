import { maxMessageBytes } from "./log_message.ts";

const lineFeed = 10;
const carriageReturn = 13;
/** Bytes of a line that decide whether it starts a message. */
const decisiveBytes = 128;

/** Whether a line starts a message, by its first bytes. */
export type StartsMessage = (line: Uint8Array) => boolean;

/** How far a file is read, as far as the next message depends on it. */
export interface CutContext {
  /** The rest of a message that was too long is left out. */
  readonly skipping: boolean;
  /** Nothing will follow: what has no end yet is a message, too. */
  readonly ended: boolean;
  /** Nothing has followed for a while: joined lines are not waited for any longer. */
  readonly quiet: boolean;
  /** Absent: every line is a message. */
  readonly startsMessage: StartsMessage | undefined;
}

/** What the bytes hold next; `next` is where to go on. */
export type Cut =
  | {
    readonly kind: "message";
    readonly start: number;
    readonly end: number;
    /** Longer than a message may be; the rest was left out. */
    readonly isCut: boolean;
    readonly next: number;
    /** The rest of it is still to be left out. */
    readonly skipping: boolean;
  }
  | { readonly kind: "skipped"; readonly next: number; readonly skipping: boolean }
  /** More bytes are needed. */
  | { readonly kind: "waiting" };

const waiting: Cut = { kind: "waiting" };

/**
 * Finds the next message in bytes of a file; pure.
 *
 * A line ends with LF or CR LF, which is no part of it. NUL bytes at the start of a line are left out: a
 * writer that does not append leaves a hole of them when its file is truncated.
 */
export function nextMessage(
  bytes: Uint8Array,
  from: number,
  to: number,
  context: CutContext,
): Cut {
  if (from >= to) return waiting;
  if (context.skipping) return skip(bytes, from, to, context);
  if (bytes[from] === 0) {
    let next = from;
    while (next < to && bytes[next] === 0) next++;
    return { kind: "skipped", next, skipping: false };
  }
  const { startsMessage, ended } = context;
  let feed = indexOfFeed(bytes, from, to);
  if (startsMessage) {
    while (feed >= 0 && feed + 1 - from <= maxMessageBytes) {
      const follows = isStart(bytes, feed + 1, to, startsMessage);
      if (follows) break;
      const nextFeed = indexOfFeed(bytes, feed + 1, to);
      if (follows === undefined && nextFeed < 0) {
        if (ended && feed + 1 < to) return message(bytes, from, to, to);
        if (ended || context.quiet) break;
        return to - from > maxMessageBytes ? tooLong(from) : waiting;
      }
      // A line whose end is not here yet, and which belongs to this message.
      if (nextFeed < 0) {
        if (to - from > maxMessageBytes) return tooLong(from);
        if (ended) return message(bytes, from, to, to);
        return context.quiet ? message(bytes, from, feed, feed + 1) : waiting;
      }
      feed = nextFeed;
    }
    if (feed - from > maxMessageBytes) return tooLong(from);
  }
  if (feed >= 0) return message(bytes, from, feed, feed + 1);
  if (to - from > maxMessageBytes) return tooLong(from);
  return ended ? message(bytes, from, to, to) : waiting;
}

function message(bytes: Uint8Array, start: number, feed: number, next: number): Cut {
  const end = feed > start && bytes[feed - 1] === carriageReturn ? feed - 1 : feed;
  if (end - start <= maxMessageBytes) {
    return { kind: "message", start, end, isCut: false, next, skipping: false };
  }
  return { ...tooLong(start), next, skipping: false };
}

function tooLong(start: number): Cut & { readonly kind: "message" } {
  const end = start + maxMessageBytes;
  return { kind: "message", start, end, isCut: true, next: end, skipping: true };
}

function skip(bytes: Uint8Array, from: number, to: number, context: CutContext): Cut {
  const { startsMessage, ended } = context;
  let next = from;
  while (true) {
    const feed = indexOfFeed(bytes, next, to);
    if (feed < 0) return { kind: "skipped", next: to, skipping: !ended };
    next = feed + 1;
    const follows = startsMessage ? isStart(bytes, next, to, startsMessage) : true;
    if (follows) return { kind: "skipped", next, skipping: false };
    // The feed before a line that cannot be judged yet stays, so that it is judged at its start.
    if (follows === undefined) {
      if (context.quiet || ended) return { kind: "skipped", next, skipping: false };
      return feed > from ? { kind: "skipped", next: feed, skipping: true } : waiting;
    }
  }
}

/** Whether the line at `start` starts a message; `undefined` when too little of it is here. */
function isStart(
  bytes: Uint8Array,
  start: number,
  to: number,
  startsMessage: StartsMessage,
): boolean | undefined {
  const feed = indexOfFeed(bytes, start, Math.min(to, start + decisiveBytes));
  const end = feed >= 0 ? feed : start + decisiveBytes;
  if (end > to) return undefined;
  return startsMessage(bytes.subarray(start, end));
}

function indexOfFeed(bytes: Uint8Array, from: number, to: number): number {
  const feed = bytes.indexOf(lineFeed, from);
  return feed < to ? feed : -1;
}
