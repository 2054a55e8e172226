import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { GuardedStream } from "../broker/guarded_stream.ts";

/**
 * A socket of which `read()` returns everything that is buffered, as the embedded broker expects.
 *
 * The runtime's own streams return one chunk per call and announce the rest to nobody: a reader that
 * reads once per `readable` event then waits for ever.
 */
export class DrainedStream extends GuardedStream {
  constructor(socket: Socket) {
    super(socket, { push: (chunk) => [chunk] });
  }

  override read(size?: number): Buffer | null {
    if (typeof size === "number") return super.read(size);
    const chunks: Buffer[] = [];
    for (let chunk = super.read(); chunk !== null; chunk = super.read()) chunks.push(chunk);
    return chunks.length === 0 ? null : Buffer.concat(chunks);
  }
}
