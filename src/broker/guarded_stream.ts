import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** Turns received bytes into the chunks that are handed on; what it throws ends the stream. */
export interface Guard {
  push(chunk: Uint8Array): readonly Uint8Array[];
}

/**
 * A socket behind a guard: what the guard lets through is read, everything else as the socket's.
 *
 * With a packet framer as guard only whole, well-formed MQTT packets are ever read.
 */
export class GuardedStream extends Duplex {
  readonly #socket: Socket;
  #heardBytes = 0;
  #handedOn = 0;

  constructor(socket: Socket, guard: Guard) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.#heardBytes += chunk.length;
      try {
        let wantsMore = true;
        for (const packet of guard.push(chunk)) {
          this.#handedOn++;
          wantsMore = this.push(asBuffer(packet));
        }
        if (!wantsMore) socket.pause();
      } catch (error) {
        this.destroy(error as Error);
      }
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error: Error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /** Bytes received so far: the sign that the peer lives, also within a large packet. */
  get heardBytes(): number {
    return this.#heardBytes;
  }

  /** Chunks that the guard let through so far. */
  get handedOn(): number {
    return this.#handedOn;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: Done): void {
    this.#socket.write(Buffer.concat(chunks.map((each) => each.chunk)), done);
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }
}

/** A view, as `push` takes Buffers without copying. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
