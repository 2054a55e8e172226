import type { Log } from "../base/log.ts";
import type { LogFile } from "./log_file.ts";
import type { Position } from "./log_position.ts";

/** Ended files that are remembered, so that they are known again under another name. */
const endedLimit = 256;

/** What could not be published. */
export interface MissedLines {
  /** Files that a rotation removed or compressed, or a truncation emptied, before they were read. */
  readonly files: number;
  /** Bytes of them that are known of. */
  readonly bytes: number;
}

/** The files that are or were followed, over all names, by device and inode. */
export class LogBook {
  readonly #files = new Map<string, LogFile>();
  readonly #ended = new Map<string, Position>();
  readonly #changed = new Set<LogFile>();
  readonly #changedEnded = new Map<string, Position>();
  readonly #log: Log;
  #nextOrder = 0;
  #missed: MissedLines = { files: 0, bytes: 0 };

  /** @param remembered From the last time, followed and ended ones. */
  constructor(remembered: readonly Position[], log: Log) {
    this.#log = log;
    for (const position of remembered) {
      this.#nextOrder = Math.max(this.#nextOrder, position.order + 1);
      if (position.ended) this.#ended.set(position.id, position);
    }
  }

  /** Counted since the start. */
  get missed(): MissedLines {
    return this.#missed;
  }

  /** A number above all that were given out. */
  nextOrder(): number {
    return this.#nextOrder++;
  }

  /** The file with that identity if it is followed under some name. */
  followed(id: string): LogFile | undefined {
    return this.#files.get(id);
  }

  /** Where a file was read to that is not followed any more. */
  ended(id: string): Position | undefined {
    return this.#ended.get(id);
  }

  /** Positions of all, followed first. */
  get positions(): readonly Position[] {
    return [...[...this.#files.values()].map(({ position }) => position), ...this.#ended.values()];
  }

  /** Follows a file. */
  add(file: LogFile): void {
    this.#files.set(file.id, file);
    this.#ended.delete(file.id);
    this.#changed.add(file);
  }

  /** A position that has to be written. */
  changed(file: LogFile): void {
    this.#changed.add(file);
  }

  /** Follows a file no more; what is read of it is remembered. */
  end(file: LogFile): void {
    file.ended = true;
    file[Symbol.dispose]();
    if (this.#files.get(file.id) === file) this.#files.delete(file.id);
    this.#changed.delete(file);
    this.#ended.delete(file.id);
    this.#ended.set(file.id, file.position);
    this.#changedEnded.set(file.id, file.position);
    for (const id of this.#ended.keys()) {
      if (this.#ended.size <= endedLimit) break;
      this.#ended.delete(id);
    }
  }

  /** Counts what can no longer be read, and says so. */
  miss(path: string, files: number, bytes: number, why: string): void {
    this.#missed = { files: this.#missed.files + files, bytes: this.#missed.bytes + bytes };
    this.#log.warning(`log lines of ${path} were missed: ${why}`, { path, files, bytes });
  }

  /** Positions that changed since the last time this was asked. */
  takeChanged(): readonly Position[] {
    const positions = [
      ...this.#changedEnded.values(),
      ...[...this.#changed].map(({ position }) => position),
    ];
    this.#changed.clear();
    this.#changedEnded.clear();
    return positions;
  }
}
