import { getRotatingFileSink } from "@logtape/file";
import { getStreamSink, type LogRecord } from "@logtape/logtape";

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
}

/**
 * A file of LogTape that is rotated by size.
 *
 * The sinks are used by themselves: LogTape's own `configure` is one for the whole process, and two
 * agents can live in one. Their buffers are switched off (they are flushed by the next record only, or
 * lose errors); what is written together is decided by who calls. Every write reaches the disk before
 * it returns.
 *
 * @throws What Deno throws when the file cannot be opened for appending.
 */
export function openRotatingFile(path: string, rotation: Rotation): LineTarget {
  const sink = getRotatingFileSink(path, {
    formatter: linesOf,
    bufferSize: 0,
    maxSize: rotation.maxBytes,
    maxFiles: rotation.backups,
  });
  return {
    write: (lines) => attempt(() => sink(recordOf(lines))),
    close: closeOnce(() => sink[Symbol.dispose]()),
  };
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
