import { AgentError } from "../base/errors.ts";
import { OversizedPublish } from "./oversized_publish.ts";

/** Room for a packet before more of it has arrived, in bytes. */
const firstBufferBytes = 64 * 1024;

/** The packets a server may send, with the fixed header flags that MQTT 3.1.1 demands of them. */
const names: Readonly<Record<number, { readonly name: string; readonly flags?: number }>> = {
  2: { name: "CONNACK", flags: 0 },
  3: { name: "PUBLISH" },
  4: { name: "PUBACK", flags: 0 },
  6: { name: "PUBREL", flags: 2 },
  9: { name: "SUBACK", flags: 0 },
  11: { name: "UNSUBACK", flags: 0 },
  13: { name: "PINGRESP", flags: 0 },
};

/**
 * Cuts what a broker sends into whole MQTT 3.1.1 packets and refuses what is none.
 *
 * It stands before the library's parser, which has no size limit, keeps every small chunk of a large
 * packet and throws on some malformed ones: a hostile server could fill or end the agent. Here a
 * packet is refused as soon as its header is complete, memory grows only with the bytes that really
 * arrive, and a packet is handed on whole, so that the parser copies nothing. A PUBLISH over the limit
 * is handed on without its payload.
 *
 * PUBREC and PUBCOMP are refused because the agent publishes at QoS 1 at most.
 */
export class PacketFramer {
  readonly #maxPacketBytes: number;
  readonly #onOversized: (bytes: number) => void;
  #oversized: OversizedPublish | undefined;
  #partial = new Uint8Array(0);
  #filled = 0;
  /** Bytes of the packet in progress, unknown while its header is incomplete. */
  #total: number | undefined;
  #acknowledged = false;

  /**
   * @param maxPacketBytes Largest packet, header included.
   * @param onOversized Told of each PUBLISH whose payload was let go, with the size of the packet.
   */
  constructor(maxPacketBytes: number, onOversized: (bytes: number) => void) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#onOversized = onOversized;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @returns The packets that are now complete, in order; views of `chunk` where possible.
   * @throws AgentError of kind `limit` (too large) or `input` (not MQTT); the stream is then useless.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#oversized) {
        at += this.#skip(this.#oversized, chunk.subarray(at), packets);
        continue;
      }
      if (this.#filled === 0) {
        const total = this.#totalOf(chunk.subarray(at, at + 5));
        if (total !== undefined && total > this.#maxPacketBytes) {
          this.#oversized = new OversizedPublish(total);
          continue;
        }
        if (total !== undefined && at + total <= chunk.length) {
          packets.push(this.#checked(chunk.subarray(at, at + total)));
          at += total;
          continue;
        }
        this.#total = total;
      }
      // An incomplete header is taken byte by byte, as nobody knows yet how long it is.
      const wanted = this.#total === undefined ? 1 : this.#total - this.#filled;
      const part = chunk.subarray(at, at + wanted);
      at += part.length;
      this.#keep(part);
      this.#total ??= this.#totalOf(this.#partial.subarray(0, this.#filled));
      if (this.#total !== undefined && this.#total > this.#maxPacketBytes) {
        this.#oversized = new OversizedPublish(this.#total);
        this.#skip(this.#oversized, this.#partial.subarray(0, this.#filled), packets);
        this.#reset();
      } else if (this.#filled === this.#total) {
        packets.push(this.#checked(this.#partial.subarray(0, this.#filled)));
        this.#reset();
      }
    }
    return packets;
  }

  #reset(): void {
    this.#partial = new Uint8Array(0);
    this.#filled = 0;
    this.#total = undefined;
  }

  /** Lets bytes of an oversized packet go; returns how many. */
  #skip(oversized: OversizedPublish, bytes: Uint8Array, packets: Uint8Array[]): number {
    const taken = oversized.take(bytes);
    if (oversized.isComplete) {
      this.#oversized = undefined;
      this.#onOversized(oversized.totalBytes);
      packets.push(this.#checked(oversized.withoutPayload()));
    }
    return taken;
  }

  #keep(part: Uint8Array): void {
    const needed = this.#filled + part.length;
    if (needed > this.#partial.length) {
      const most = this.#total ?? firstBufferBytes;
      const size = Math.max(needed, Math.min(most, Math.max(firstBufferBytes, 2 * needed)));
      const larger = new Uint8Array(size);
      larger.set(this.#partial.subarray(0, this.#filled));
      this.#partial = larger;
    }
    this.#partial.set(part, this.#filled);
    this.#filled = needed;
  }

  /** Bytes of the packet that starts with `head`, or `undefined` when its length is incomplete. */
  #totalOf(head: Uint8Array): number | undefined {
    const first = head[0]!;
    const known = names[first >> 4];
    if (!known || (known.flags ?? first & 15) !== (first & 15) || (first & 6) === 6) {
      throw violation(`a packet begins with 0x${first.toString(16).padStart(2, "0")}`);
    }
    if (!this.#acknowledged && known.name !== "CONNACK") {
      throw violation(`${known.name} came before CONNACK`);
    }
    let length = 0;
    for (let at = 1; at <= 4; at++) {
      const byte = head[at];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 128 ** (at - 1);
      if (byte < 0x80) {
        const total = 1 + at + length;
        if (total <= this.#maxPacketBytes || known.name === "PUBLISH") return total;
        throw new AgentError(
          `a ${known.name} packet of ${total} bytes is larger than the limit of ${this.#maxPacketBytes}`,
          { kind: "limit", data: { bytes: total, maxBytes: this.#maxPacketBytes } },
        );
      }
    }
    throw violation(`${known.name} has an endless length`);
  }

  /** The packet, if it has the form of its kind. */
  #checked(packet: Uint8Array): Uint8Array {
    const first = packet[0]!;
    const { name } = names[first >> 4]!;
    let body = 1;
    while (packet[body]! >= 0x80) body++;
    const content = packet.subarray(body + 1);
    if (!hasForm(name, first, content)) throw violation(`${name} is malformed`);
    if (name === "CONNACK") {
      if (this.#acknowledged) throw violation("CONNACK came twice");
      this.#acknowledged = true;
    }
    return packet;
  }
}

function hasForm(name: string, first: number, content: Uint8Array): boolean {
  switch (name) {
    case "CONNACK":
      return content.length === 2 && content[0]! <= 1;
    case "PUBLISH": {
      if (content.length < 2) return false;
      const afterTopic = 2 + content[0]! * 256 + content[1]!;
      if ((first & 6) === 0) return content.length >= afterTopic;
      return content.length >= afterTopic + 2 &&
        (content[afterTopic]! | content[afterTopic + 1]!) !== 0;
    }
    case "SUBACK":
      return content.length >= 3 &&
        content.subarray(2).every((code) => code <= 2 || code === 0x80);
    case "PINGRESP":
      return content.length === 0;
    default:
      return content.length === 2;
  }
}

function violation(what: string): AgentError {
  return new AgentError(`what it sends is not MQTT 3.1.1: ${what}`, { kind: "input" });
}
