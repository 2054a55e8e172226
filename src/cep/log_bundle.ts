import { cannot } from "../base/errors.ts";
import { type DataBridgeCall, publishCall } from "./data_bridge_messages.ts";
import { dayOf, type LogSender, logStream } from "./log_stream.ts";
import { type StreamDefinition, streamIdOf } from "./stream_definition.ts";

/** Events in one bundle. */
export const bundleLines = 200;

/** Room of the strings of a bundle; one message with its other attributes always fits. */
const bodyBytes = 384 * 1024;
/** Room for what stands before the strings: the call, the session, the timestamps. */
const headBytes = 4096;

const [typeI32, typeI64, typeString, typeStruct, typeList] = [8, 10, 11, 12, 15] as const;
const encoder = new TextEncoder();

/**
 * A publish call that is written while lines are read, in one buffer that is used again and again.
 *
 * What is the same for all events of a bundle (stream, member, tenant, time of reading) is encoded once;
 * of a line only its bytes are copied.
 */
export class LogBundle {
  readonly #sender: LogSender;
  readonly #bytes = new Uint8Array(headBytes + bodyBytes);
  readonly #view = new DataView(this.#bytes.buffer);
  #stream: StreamDefinition | undefined;
  #day = "";
  #timeMs = 0;
  /** What stands before a message, and what stands between two. */
  #before = new Uint8Array();
  #between = new Uint8Array();
  #end = headBytes;
  #count = 0;

  constructor(sender: LogSender) {
    this.#sender = sender;
  }

  /** Number of lines in it. */
  get count(): number {
    return this.#count;
  }

  /** The stream of its day. */
  get stream(): StreamDefinition {
    return this.#stream!;
  }

  /**
   * Starts a new one; the old content is gone.
   *
   * @param timeMs Time of reading, milliseconds since 1970: of all its lines, and the stream's day.
   */
  begin(timeMs: number): void {
    const day = dayOf(timeMs);
    if (!this.#stream || day !== this.#day) this.#stream = logStream(this.#sender, day);
    const { tenant, alias, memberId } = this.#sender;
    this.#day = day;
    this.#timeMs = timeMs;
    const logTime = new Date(timeMs).toISOString();
    const id = streamIdOf(this.#stream);
    this.#before = strings([id, memberId, tenant, alias, "", logTime, ""]);
    this.#between = joined(strings(["", "", memberId, ""]), this.#before);
    if (this.#between.length > bodyBytes / 8) {
      throw cannot("publish lines to", id.slice(0, 100), "the names of this member are too long", {
        kind: "configuration",
      });
    }
    this.#bytes.set(this.#before, headBytes);
    this.#end = headBytes + this.#before.length;
    this.#count = 0;
  }

  /** Adds the UTF-8 of a line; `false` when the bundle is full without it. */
  add(source: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const at = this.#end;
    const next = at + 4 + length + this.#between.length;
    if (this.#count === bundleLines || next > this.#bytes.length) return false;
    this.#view.setUint32(at, length);
    this.#bytes.set(source.subarray(start, end), at + 4);
    this.#bytes.set(this.#between, at + 4 + length);
    this.#end = next;
    this.#count++;
    return true;
  }

  /** The call that publishes it in a session; valid until {@link LogBundle.begin}. */
  call(sessionId: string): DataBridgeCall<undefined> {
    return { ...publishCall({}), encode: (sequenceId) => this.#encode(sessionId, sequenceId) };
  }

  #encode(sessionId: string, sequenceId: number): Uint8Array {
    const session = encoder.encode(sessionId);
    const headLength = 4 + 4 + 7 + 4 + 3 + 3 + 4 + session.length + 3 + 4 + 8 + 8 * this.#count + 8;
    if (headLength > headBytes) {
      throw cannot("publish with", "the session", `its id is ${session.length} bytes long`, {
        kind: "unavailable",
        retryable: true,
      });
    }
    const view = this.#view;
    let at = headBytes - headLength;
    const byte = (value: number) => view.setUint8(at++, value);
    const i16 = (value: number) => (view.setInt16(at, value), at += 2);
    const i32 = (value: number) => (view.setInt32(at, value), at += 4);
    const field = (type: number, id: number) => (byte(type), i16(id));
    const start = at;
    i32(0x80010001 | 0);
    i32(7);
    this.#bytes.set(publishName, at);
    at += 7;
    i32(sequenceId);
    field(typeStruct, 1);
    field(typeString, 1);
    i32(session.length);
    this.#bytes.set(session, at);
    at += session.length;
    field(typeI32, 2);
    i32(this.#count);
    field(typeList, 4);
    byte(typeI64);
    i32(this.#count);
    const time = BigInt(Math.trunc(this.#timeMs));
    for (let index = 0; index < this.#count; index++, at += 8) view.setBigInt64(at, time);
    field(typeList, 7);
    byte(typeString);
    i32(this.#count * stringsOfEvent);
    // What stands before the next message gives way to the ends of the bundle and of the arguments.
    const end = this.#end - this.#before.length;
    this.#bytes.fill(0, end, end + 2);
    return this.#bytes.subarray(start, end + 2);
  }
}

const publishName = encoder.encode("publish");
/** Stream id, member, and ten attributes. */
const stringsOfEvent = 12;

function strings(values: readonly string[]): Uint8Array<ArrayBuffer> {
  const encoded = values.map((value) => encoder.encode(value));
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const text of encoded) {
    new DataView(bytes.buffer).setUint32(at, text.length);
    bytes.set(text, at + 4);
    at += 4 + text.length;
  }
  return bytes;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
