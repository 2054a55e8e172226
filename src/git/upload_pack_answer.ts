import { cannot } from "../base/errors.ts";
import { flushPacket, type Packet } from "./packet_line.ts";
import { shown } from "./remote_refs.ts";

const packBand = 1;
const progressBand = 2;
const errorBand = 3;
/** Acknowledgements and shallow commits: a few lines; more is somebody filling our memory. */
const bytesPerEntry = 100;
const mostOtherBytes = 4 * 1024 * 1024;

/**
 * Takes the answer to a request for a pack apart: the pack goes one way, everything else, still as
 * packet lines, is kept for the library that negotiates.
 */
export class UploadPackAnswer {
  readonly #onPack: (bytes: Uint8Array) => void;
  readonly #others: Uint8Array[] = [];
  #otherBytes = 0;

  /** @param onPack Gets the pack in pieces, which are valid during the call only. */
  constructor(onPack: (bytes: Uint8Array) => void) {
    this.#onPack = onPack;
  }

  /** Everything but the pack and progress reports. */
  get others(): readonly Uint8Array[] {
    return this.#others;
  }

  /** @throws AgentError when the server reports an error or sends too much. */
  take(packet: Packet): void {
    if (packet === "flush") return this.#keep(new TextEncoder().encode(flushPacket));
    if (!(packet instanceof Uint8Array)) return;
    const payload = packet.subarray(1);
    switch (packet[0]) {
      case packBand:
        return this.#onPack(payload);
      case progressBand:
        return;
      case errorBand:
        throw serverError(payload);
    }
    if (startsWith(packet, "ERR ")) throw serverError(packet.subarray("ERR ".length));
    if (startsWith(packet, "PACK")) {
      throw cannot("fetch from", "the repository server", "it does not speak side-band-64k", {
        kind: "unavailable",
      });
    }
    const length = (packet.length + 4).toString(16).padStart(4, "0");
    this.#keep(new TextEncoder().encode(length));
    this.#keep(packet.slice());
  }

  #keep(bytes: Uint8Array): void {
    this.#otherBytes += bytes.length + bytesPerEntry;
    if (this.#otherBytes > mostOtherBytes) {
      throw cannot("fetch from", "the repository server", "its answer is endless", {
        kind: "limit",
      });
    }
    this.#others.push(bytes);
  }
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder().decode(bytes.subarray(0, text.length)) === text;
}

function serverError(message: Uint8Array) {
  const text = new TextDecoder().decode(message.subarray(0, 1000));
  return cannot("fetch from", "the repository server", `it says: ${shown(text)}`, {
    kind: "refused",
    retryable: true,
  });
}
