import { isUtf8 } from "node:buffer";

/** Longest message, in bytes, with the mark of a cut. */
export const maxMessageBytes = 64 * 1024;

const encoder = new TextEncoder();
/** Ends a message that was cut. */
export const cutMark = " …[cut at 64 KiB]";
const cutMarkBytes = encoder.encode(cutMark);

/** Bytes of a message in some buffer. */
export interface MessageBytes {
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * What is sent for some bytes of a file: valid UTF-8 of at most 64 KiB. What is no UTF-8 becomes U+FFFD.
 *
 * @param isCut Whether the rest of the line was left out already.
 */
export function messageOf(
  source: Uint8Array,
  start: number,
  end: number,
  isCut: boolean,
): MessageBytes {
  let message: MessageBytes = { source, start, end };
  const bytes = source.subarray(start, end);
  if (!isUtf8(bytes)) {
    // The cut may have gone through a character: that is no damage of the file's.
    const whole = isCut ? bytes.subarray(0, characterStart(bytes, bytes.length)) : bytes;
    const repaired = encoder.encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole));
    message = { source: repaired, start: 0, end: repaired.length };
  }
  if (!isCut && message.end - message.start <= maxMessageBytes) return message;
  const text = message.source.subarray(message.start, message.end);
  const room = maxMessageBytes - cutMarkBytes.length;
  const kept = text.length <= room ? text.length : characterStart(text, room);
  const cut = new Uint8Array(kept + cutMarkBytes.length);
  cut.set(text.subarray(0, kept));
  cut.set(cutMarkBytes, kept);
  return { source: cut, start: 0, end: cut.length };
}

/** The end at or before `at` that splits no character: at most three bytes earlier. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let start = at - 1; start >= Math.max(0, at - 4); start--) {
    const byte = bytes[start]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return start + length > at ? start : at;
  }
  return at;
}
