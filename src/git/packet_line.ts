/**
 * Git's packet lines: four hexadecimal digits that give the length including themselves, then the
 * payload. 0000 is a flush, 0001 a delimiter, 0002 the end of a response.
 */
import { cannot } from "../base/errors.ts";

/** One packet: its payload, or a special packet. */
export type Packet = Uint8Array | "flush" | "delimiter" | "end";

const lengthDigits = 4;

/** Encodes text as one packet line. */
export function packetLine(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  return concatBytes([utf8(hexLength(payload.length + lengthDigits)), payload]);
}

/** The flush packet. */
export const flushPacket = "0000";
/** The delimiter packet of protocol version 2. */
export const delimiterPacket = "0001";

/**
 * Cuts a byte stream into packets, however the chunks fall.
 *
 * Payloads are views of the pushed bytes: use them before the next push.
 */
export class PacketReader {
  readonly #onPacket: (packet: Packet) => void;
  /** Bytes of a packet that has not arrived completely; at most one packet. */
  #rest: Uint8Array<ArrayBufferLike> = new Uint8Array(0);

  /** @param onPacket Called for each packet, in order. What it throws ends the reading. */
  constructor(onPacket: (packet: Packet) => void) {
    this.#onPacket = onPacket;
  }

  /** @throws AgentError of kind `input` when the bytes are no packet lines. */
  push(chunk: Uint8Array): void {
    const begun = this.#complete(chunk);
    if (this.#rest.length > 0) return;
    this.#rest = chunk.slice(begun + this.#take(chunk.subarray(begun)));
  }

  /**
   * Adds to a packet that has begun what is still missing of it: the rest need not be copied.
   *
   * @returns How many bytes that took.
   */
  #complete(chunk: Uint8Array): number {
    let at = 0;
    while (this.#rest.length > 0 && at < chunk.length) {
      const wanted = this.#rest.length < lengthDigits
        ? lengthDigits
        : Math.max(lengthDigits, parseLength(this.#rest, 0));
      const missing = chunk.subarray(at, at + wanted - this.#rest.length);
      at += missing.length;
      const bytes = concatBytes([this.#rest, missing]);
      this.#rest = bytes.subarray(this.#take(bytes));
    }
    return at;
  }

  /** @returns Where the first packet begins that is not complete. */
  #take(bytes: Uint8Array): number {
    let at = 0;
    while (bytes.length - at >= lengthDigits) {
      const length = parseLength(bytes, at);
      if (length < lengthDigits) {
        this.#onPacket(specialPacket(length));
        at += lengthDigits;
      } else {
        if (bytes.length - at < length) break;
        this.#onPacket(bytes.subarray(at + lengthDigits, at + length));
        at += length;
      }
    }
    return at;
  }

  /** @throws AgentError of kind `input` when the stream ended inside a packet. */
  end(): void {
    if (this.#rest.length > 0) throw malformed("the answer ends inside a packet");
  }
}

/** More packets than this in one answer are somebody filling our memory. */
const mostPackets = 200_000;

/**
 * All packets of a complete answer.
 *
 * @param isWanted Others are passed over.
 * @throws AgentError of kind `input` or `limit`.
 */
export function parsePackets(
  bytes: Uint8Array,
  isWanted: (packet: Packet) => boolean = () => true,
): Packet[] {
  const packets: Packet[] = [];
  const reader = new PacketReader((packet) => {
    if (!isWanted(packet)) return;
    if (packets.length >= mostPackets) throw tooMany();
    packets.push(packet);
  });
  reader.push(bytes);
  reader.end();
  return packets;
}

/** Joins byte arrays. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function parseLength(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let digit = 0; digit < lengthDigits; digit++) {
    const value = hexValue(bytes[at + digit] ?? 0);
    if (value === undefined) throw malformed("the answer is not in Git's packet format");
    length = length * 16 + value;
  }
  return length;
}

function hexValue(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}

function specialPacket(length: number): Packet {
  switch (length) {
    case 0:
      return "flush";
    case 1:
      return "delimiter";
    case 2:
      return "end";
    default:
      throw malformed(`a packet claims to be ${length} bytes long`);
  }
}

function hexLength(length: number): string {
  return length.toString(16).padStart(lengthDigits, "0");
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function tooMany() {
  return cannot(
    "read the answer of",
    "the repository server",
    `it has more than ${mostPackets} lines`,
    { kind: "limit" },
  );
}

function malformed(reason: string) {
  // A proxy's error page in place of the answer is gone the next time: worth a repetition.
  return cannot("read the answer of", "the repository server", reason, {
    kind: "unavailable",
    retryable: true,
  });
}
