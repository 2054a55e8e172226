import { getFileSink } from "@logtape/file";
import { getStreamSink, type LogRecord } from "@logtape/logtape";
import { moveAside, moveOn } from "./rotated_files.ts";
import { nextRotationMs, type TimedRotation } from "./timed_rotation.ts";

/** Somewhere that finished lines are written to. */
export interface LineTarget {
  /** Writes lines, each with its end. Rejects when they could not be written; then it is closed. */
  write(lines: string): Promise<void>;
  /** Closing twice is closing once; never rejects. */
  close(): Promise<void>;
}

/** Bounds of a log file. */
export interface Rotation {
  /** Size at which a new file is begun. */
  readonly maxBytes: number;
  /** How many earlier files are kept: `agent.log.1` is the youngest. */
  readonly backups: number;
  /** When a new file is begun beside that; then earlier ones are named by their time. */
  readonly timed?: TimedRotation;
}

/** How a log file is opened. */
export interface FileOpening {
  readonly rotation: Rotation;
  /** What is there is moved aside first. */
  readonly startsAnew: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Log lines name hosts, paths and members: not for every user of the machine. */
const fileMode = 0o640;

/**
 * A file of LogTape that is rotated by size and time. It is made with mode 0640, before and after a
 * rotation; a file that is there keeps its mode.
 *
 * The sinks are used by themselves: LogTape's own `configure` is one for the whole process, and two
 * agents can live in one. Their buffers are switched off (they are flushed by the next record only, or
 * lose errors); what is written together is decided by who calls. Every write reaches the disk before
 * it returns. LogTape's own rotation is not used: the files that it makes can be read by everybody.
 *
 * @throws What Deno throws when the file cannot be opened for appending.
 */
export function openRotatingFile(
  path: string,
  { rotation, startsAnew, now }: FileOpening,
): LineTarget {
  const { timed } = rotation;
  const open = () => {
    using file = Deno.openSync(path, { append: true, create: true, mode: fileMode });
    const { size, mtime } = file.statSync();
    const begunMs = size > 0 && mtime !== null ? mtime.getTime() : now();
    return {
      size,
      ...agesFrom(begunMs),
      sink: getFileSink(path, { formatter: linesOf, bufferSize: 0 }),
    };
  };
  let current = open();
  let isOpen = true;
  const close = () => {
    // First, since closing may fail: then there is still nothing to be closed again.
    const wasOpen = isOpen;
    isOpen = false;
    if (wasOpen) current.sink[Symbol.dispose]();
  };
  const beginNew = () => {
    close();
    if (timed === undefined) moveOn(path, rotation.backups);
    else moveAside(path, timed, current.begunMs, rotation.backups);
    current = open();
    isOpen = true;
  };
  if (startsAnew && current.size > 0) beginNew();
  return {
    write: (lines) =>
      attempt(() => {
        const bytes = new TextEncoder().encode(lines).length;
        const isFull = current.size + bytes > rotation.maxBytes || now() >= current.endMs;
        if (isFull && current.size > 0) beginNew();
        // An empty file is as old as its first line.
        else if (isFull) current = { ...current, ...agesFrom(now()) };
        current.sink(recordOf(lines));
        current.size += bytes;
      }),
    close: closeOnce(close),
  };

  function agesFrom(begunMs: number) {
    return { begunMs, endMs: timed === undefined ? Infinity : nextRotationMs(timed, begunMs) };
  }
}

/**
 * Standard output, or what stands for it, through LogTape's stream sink.
 *
 * @param write Writes all bytes; called again only after it has settled.
 */
export function openConsole(write: (bytes: Uint8Array) => Promise<void>): LineTarget {
  const sink = getStreamSink(new WritableStream<Uint8Array>({ write }), { formatter: linesOf });
  return {
    write: (lines) => {
      sink(recordOf(lines));
      return sink.drain();
    },
    close: closeOnce(() => sink[Symbol.asyncDispose]()),
  };
}

/** The lines come finished; LogTape only carries them. */
function linesOf(record: LogRecord): string {
  return String(record.rawMessage);
}

function recordOf(lines: string): LogRecord {
  return {
    category: [],
    level: "info",
    message: [lines],
    rawMessage: lines,
    timestamp: 0,
    properties: {},
  };
}

function attempt(work: () => void): Promise<void> {
  return new Promise((resolve) => resolve(work()));
}

function closeOnce(close: () => void | PromiseLike<void>): () => Promise<void> {
  let closed = false;
  return async () => {
    if (closed) return;
    closed = true;
    try {
      await close();
    } catch {
      // A target that failed to write may fail again here; that was reported when it wrote.
    }
  };
}
