import { lineText } from "./line_text.ts";

/** How much of an output is passed on. */
export interface OutputLimits {
  /** The first bytes of a longer line; the rest of the line is left out. */
  readonly lineBytes: number;
  /** Of the whole output; what follows is read and left out. */
  readonly bytes: number;
  readonly lines: number;
}

const newline = 0x0a;
/** Bytes behind the cut of a line that are looked at for secrets: more than any secret has. */
const secretMargin = 4 * 1024;

/**
 * Reads a program's output to its end and passes it on line by line, within limits.
 *
 * Reading goes on when a limit is passed, or the program would stand still on a full pipe.
 */
export class OutputReader implements AsyncDisposable {
  /** Resolves when there is nothing more to read: the output ended or the reader was closed. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #limits: OutputLimits;
  readonly #onLine: (line: string) => void;
  readonly #redact: ((text: string) => string) | undefined;
  /** Bytes of the line in progress, at most {@link OutputReader.#mostKept}. */
  #line: Uint8Array[] = [];
  #lineKept = 0;
  #lineLeftOut = 0;
  #bytes = 0;
  #lines = 0;
  #leftOut = 0;
  #closesWhenFull = false;
  #closed = false;
  #done = false;

  /**
   * @param onLine Gets each line, printable, without its end.
   * @param redact Takes secrets out of lines that are cut: cut in two, one would not be known again.
   */
  constructor(
    output: ReadableStream<Uint8Array>,
    limits: OutputLimits,
    onLine: (line: string) => void,
    redact?: (text: string) => string,
  ) {
    this.#reader = output.getReader();
    this.#limits = limits;
    this.#onLine = onLine;
    this.#redact = redact;
    this.ended = this.#read();
  }

  /** Bytes that were read and not passed on because of the limits. */
  get bytesLeftOut(): number {
    return this.#leftOut;
  }

  /** Whether nobody can write any more, once {@link ended} has resolved; else the reader was closed. */
  get endedByItself(): boolean {
    return !this.#closed;
  }

  /** Passes on a line that has no end yet. */
  flush(): void {
    if (this.#lineKept > 0 || this.#lineLeftOut > 0) this.#endLine();
  }

  /** From now on the output is read only until a limit is reached. */
  closeWhenFull(): void {
    this.#closesWhenFull = true;
    if (this.#isFull) void this.#close(); // `ended` tells the end
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await this.ended;
  }

  async #close(): Promise<void> {
    if (!this.#done) this.#closed = true;
    await this.#reader.cancel().catch(() => {});
  }

  get #isFull(): boolean {
    return this.#bytes >= this.#limits.bytes || this.#lines >= this.#limits.lines;
  }

  async #read(): Promise<void> {
    try {
      while (true) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#take(value);
        if (this.#closesWhenFull && this.#isFull) await this.#close();
      }
    } catch {
      // A pipe that breaks has ended.
    }
    this.#done = true;
    this.flush();
  }

  #take(chunk: Uint8Array): void {
    let start = 0;
    while (start < chunk.length) {
      if (this.#isFull) {
        this.#leftOut += chunk.length - start;
        return;
      }
      const found = chunk.indexOf(newline, start);
      const end = found < 0 ? chunk.length : found;
      this.#addToLine(chunk.subarray(start, end));
      this.#bytes += end - start + 1;
      if (found >= 0) this.#endLine();
      start = end + 1;
    }
  }

  get #mostKept(): number {
    return this.#limits.lineBytes + (this.#redact ? secretMargin : 0);
  }

  #addToLine(part: Uint8Array): void {
    const kept = part.subarray(0, this.#mostKept - this.#lineKept);
    // Copied: the chunk is the stream's.
    if (kept.length > 0) this.#line.push(kept.slice());
    this.#lineKept += kept.length;
    this.#lineLeftOut += part.length - kept.length;
  }

  #endLine(): void {
    const bytes = new Uint8Array(this.#lineKept);
    let at = 0;
    for (const part of this.#line) {
      bytes.set(part, at);
      at += part.length;
    }
    const leftOut = this.#lineLeftOut + Math.max(0, bytes.length - this.#limits.lineBytes);
    const text = leftOut > 0 ? this.#cut(bytes) : lineText(bytes);
    const cut = leftOut > 0 ? ` … (${leftOut} more bytes)` : "";
    this.#line = [];
    this.#lineKept = 0;
    this.#lineLeftOut = 0;
    this.#lines++;
    this.#onLine(text + cut);
  }

  /** The beginning of a line that is too long, without secrets and without the beginning of one. */
  #cut(bytes: Uint8Array): string {
    const { lineBytes } = this.#limits;
    if (!this.#redact) return lineText(bytes.subarray(0, lineBytes));
    const text = this.#redact(lineText(bytes));
    // What is taken out makes it shorter: its end may be the beginning of a secret all the same.
    const whole = this.#lineLeftOut === 0 ? text.length : Math.max(0, text.length - secretMargin);
    return text.slice(0, Math.min(lineBytes, whole)).toWellFormed();
  }
}
