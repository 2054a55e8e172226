/** Bytes of MQTT 3.1.1 packets, for servers that do as a test wants. */

/** A packet with any content. */
export function packet(first: number, content: Uint8Array | readonly number[]): Uint8Array {
  const bytes = Uint8Array.from(content);
  return Uint8Array.from([first, ...lengthOf(bytes.length), ...bytes]);
}

/** A remaining length. */
export function lengthOf(length: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(length / 128);
    bytes.push((length % 128) | (rest > 0 ? 0x80 : 0));
    length = rest;
  } while (length > 0);
  return bytes;
}

export const connack = (code = 0, sessionPresent = 0): Uint8Array =>
  packet(0x20, [sessionPresent, code]);

/** SUBACK for the packet id in a SUBSCRIBE. */
export const suback = (subscribe: Uint8Array, codes: readonly number[]): Uint8Array =>
  packet(0x90, [...contentOf(subscribe).subarray(0, 2), ...codes]);

/** PUBACK for the packet id in a PUBLISH of QoS 1. */
export function puback(publish: Uint8Array): Uint8Array {
  const content = contentOf(publish);
  const at = 2 + content[0]! * 256 + content[1]!;
  return packet(0x40, content.subarray(at, at + 2));
}

export const publish = (topic: string, payload: string, qos: 0 | 1 | 2 = 0, id = 1): Uint8Array => {
  const name = new TextEncoder().encode(topic);
  return packet(0x30 | qos << 1, [
    name.length >> 8,
    name.length & 255,
    ...name,
    ...(qos > 0 ? [id >> 8, id & 255] : []),
    ...new TextEncoder().encode(payload),
  ]);
};

/** A packet without its fixed header. */
export function contentOf(whole: Uint8Array): Uint8Array {
  let at = 1;
  while (whole[at]! >= 0x80) at++;
  return whole.subarray(at + 1);
}

/** The kinds of packets by the upper half of their first byte. */
export const kind = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubcomp: 7,
  subscribe: 8,
  ping: 12,
  bye: 14,
};
