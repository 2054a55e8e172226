/** Git's pack index, version 2: object id → offset in the pack. */
import { createHash } from "node:crypto";
import { damaged } from "./pack_object.ts";

/** An object in a pack. */
export interface PackedObject {
  readonly id: string;
  /** Where its header begins. */
  readonly offset: number;
  /** CRC-32 of header and compressed bytes. */
  readonly crc: number;
}

const magic = 0xff744f63;
const version = 2;
const fanOutAt = 8;
const idsAt = fanOutAt + 256 * 4;
const idBytes = 20;
const largeOffset = 0x80000000;

/**
 * Encodes an index.
 *
 * @param objects In any order.
 * @param packTrailer The pack's last 20 bytes.
 */
export function encodePackIndex(
  objects: readonly PackedObject[],
  packTrailer: Uint8Array,
): Uint8Array {
  const sorted = [...objects].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  const large = sorted.filter(({ offset }) => offset >= largeOffset).length;
  const count = sorted.length;
  const bytes = new Uint8Array(idsAt + count * (idBytes + 8) + large * 8 + 2 * idBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint32(4, version);
  const crcsAt = idsAt + count * idBytes;
  const offsetsAt = crcsAt + count * 4;
  const largeAt = offsetsAt + count * 4;
  let largeCount = 0;
  let fanOut = 0;
  for (const [index, object] of sorted.entries()) {
    bytes.subarray(idsAt + index * idBytes).setFromHex(object.id);
    for (const first = parseInt(object.id.slice(0, 2), 16); fanOut < first; fanOut++) {
      view.setUint32(fanOutAt + fanOut * 4, index);
    }
    view.setUint32(crcsAt + index * 4, object.crc);
    if (object.offset < largeOffset) {
      view.setUint32(offsetsAt + index * 4, object.offset);
    } else {
      view.setUint32(offsetsAt + index * 4, largeOffset + largeCount);
      view.setBigUint64(largeAt + largeCount++ * 8, BigInt(object.offset));
    }
  }
  for (; fanOut < 256; fanOut++) view.setUint32(fanOutAt + fanOut * 4, count);
  const trailerAt = largeAt + large * 8;
  bytes.set(packTrailer, trailerAt);
  const covered = bytes.subarray(0, trailerAt + idBytes);
  bytes.set(createHash("sha1").update(covered).digest(), trailerAt + idBytes);
  return bytes;
}

/** Looks objects up in an index without unpacking it. */
export class PackIndex {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #count: number;

  /** @throws AgentError of kind `input` when the bytes are no index of version 2. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (
      bytes.length < idsAt + 2 * idBytes || this.#view.getUint32(0) !== magic ||
      this.#view.getUint32(4) !== version
    ) throw damaged("a pack index is not one");
    this.#count = this.#view.getUint32(idsAt - 4);
    if (bytes.length < idsAt + this.#count * (idBytes + 8) + 2 * idBytes) {
      throw damaged("a pack index is cut off");
    }
  }

  /** Where the object begins in the pack, or `undefined` when it is not in it. */
  find(id: string): number | undefined {
    const first = parseInt(id.slice(0, 2), 16);
    let low = first === 0 ? 0 : this.#fanOut(first - 1);
    let high = this.#fanOut(first);
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = idsAt + middle * idBytes;
      const found = this.#bytes.subarray(at, at + idBytes).toHex();
      if (found === id) return this.#offset(middle);
      if (found < id) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** All offsets, ascending. */
  offsets(): Float64Array {
    return Float64Array.from({ length: this.#count }, (_, index) => this.#offset(index)).sort();
  }

  #fanOut(first: number): number {
    return Math.min(this.#count, this.#view.getUint32(fanOutAt + first * 4));
  }

  #offset(index: number): number {
    const offsetsAt = idsAt + this.#count * (idBytes + 4);
    const offset = this.#view.getUint32(offsetsAt + index * 4);
    if (offset < largeOffset) return offset;
    const largeAt = offsetsAt + this.#count * 4 + (offset - largeOffset) * 8;
    return Number(this.#view.getBigUint64(largeAt));
  }
}
