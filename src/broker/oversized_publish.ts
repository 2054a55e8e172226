/** Fixed header, topic and packet identifier at their longest. */
const mostHeadBytes = 5 + 2 + 65_535 + 2;

/**
 * A PUBLISH that is larger than may be received: its head is kept, its payload is let go byte by byte.
 *
 * What is handed on instead has no payload. So it is acknowledged like any other, and the broker does
 * not send it again and again after every reconnect.
 */
export class OversizedPublish {
  readonly totalBytes: number;
  #receivedBytes = 0;
  #head = new Uint8Array(0);

  /** @param totalBytes Size of the whole packet. */
  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  /** Whether all bytes have been received. */
  get isComplete(): boolean {
    return this.#receivedBytes === this.totalBytes;
  }

  /** Takes what belongs to the packet from the beginning of `bytes`; returns how many it took. */
  take(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.totalBytes - this.#receivedBytes);
    this.#receivedBytes += part.length;
    const kept = part.subarray(0, mostHeadBytes - this.#head.length);
    if (kept.length > 0) {
      const head = new Uint8Array(this.#head.length + kept.length);
      head.set(this.#head);
      head.set(kept, this.#head.length);
      this.#head = head;
    }
    return part.length;
  }

  /** The packet without its payload; malformed when the packet is. */
  withoutPayload(): Uint8Array {
    const first = this.#head[0]!;
    let body = 1;
    while (this.#head[body]! >= 0x80) body++;
    body++;
    const idBytes = (first & 6) === 0 ? 0 : 2;
    const topicBytes = this.#head[body]! * 256 + this.#head[body + 1]!;
    const variable = this.#head.subarray(body, body + 2 + topicBytes + idBytes);
    return Uint8Array.from([first, ...remainingLength(variable.length), ...variable]);
  }
}

/** MQTT 3.1.1, section 2.2.3. */
function remainingLength(length: number): readonly number[] {
  return length < 128 ? [length] : [length % 128 | 0x80, ...remainingLength(length >> 7)];
}
