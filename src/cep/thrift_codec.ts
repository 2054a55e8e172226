/**
 * The one adapter of npm:thrift: its binary protocol over byte buffers of our own, no sockets.
 *
 * The wire is TBinaryProtocol, unframed, strict headers. The library writes and reads; three things it
 * leaves open are closed here: it loses the sign of -0.0 (doubles and 64-bit integers are written as
 * bytes), it waits for however many bytes a length field claims (every length is checked first), and
 * it holds no limit on what it reads.
 */
import { Buffer } from "node:buffer";
// The library's index would load its HTTP and WebSocket connections too, which read the environment.
import TBinaryProtocol from "thrift/lib/nodejs/lib/thrift/binary_protocol.js";
import TBufferedTransport from "thrift/lib/nodejs/lib/thrift/buffered_transport.js";
import InputBufferUnderrunError from "thrift/lib/nodejs/lib/thrift/input_buffer_underrun_error.js";
import { cannot, reasonOf } from "../base/errors.ts";

/** The part of the library's transport that is used. */
interface BufferedTransport {
  inBuf: Buffer;
  readCursor: number;
  writeCursor: number;
  ensureAvailable(length: number): void;
  write(bytes: Buffer): void;
  flush(): void;
}

/** The part of the library's protocol that is used. */
interface BinaryProtocol {
  writeMessageBegin(name: string, type: number, sequenceId: number): void;
  writeMessageEnd(): void;
  writeFieldBegin(name: string, type: number, id: number): void;
  writeFieldStop(): void;
  writeListBegin(elementType: number, size: number): void;
  writeMapBegin(keyType: number, valueType: number, size: number): void;
  writeBool(value: boolean): void;
  writeI32(value: number): void;
  writeString(value: string): void;
  readMessageBegin(): { readonly fname: string; readonly mtype: number; readonly rseqid: number };
  readFieldBegin(): { readonly ftype: number; readonly fid: number };
  readBool(): boolean;
  readI32(): number;
  readString(): string;
  skip(type: number): void;
}

const Transport = TBufferedTransport as unknown as new (
  unused?: undefined,
  onFlush?: (message: Buffer) => void,
) => BufferedTransport;
const Protocol = TBinaryProtocol as unknown as new (
  transport: BufferedTransport,
  strictRead?: boolean,
  strictWrite?: boolean,
) => BinaryProtocol;

const typeIds = {
  stop: 0,
  bool: 2,
  double: 4,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  list: 15,
} as const;

const callMessage = 1;
const replyMessage = 2;
const exceptionMessage = 3;

/** Element types of the lists that can be written, and what their values are here. */
export interface ThriftListTypes {
  readonly i32: number;
  readonly i64: bigint;
  readonly double: number;
  readonly bool: boolean;
  readonly string: string;
}

/** Writes the arguments of one call, field by field. */
export class ThriftCallWriter {
  readonly #protocol: BinaryProtocol;
  readonly #transport: BufferedTransport;
  #message: Uint8Array | undefined;

  /**
   * @param method Name on the wire.
   * @param sequenceId 0 to 2^31 - 1; the reply repeats it.
   */
  constructor(method: string, sequenceId: number) {
    this.#transport = new Transport(undefined, (message) => this.#message = message);
    this.#protocol = new Protocol(this.#transport, true, true);
    this.#protocol.writeMessageBegin(method, callMessage, sequenceId);
  }

  /** Writes a string field. */
  string(id: number, value: string): void {
    this.#protocol.writeFieldBegin("", typeIds.string, id);
    this.#protocol.writeString(value);
  }

  /** Writes a 32-bit integer field. */
  i32(id: number, value: number): void {
    this.#protocol.writeFieldBegin("", typeIds.i32, id);
    this.#protocol.writeI32(value);
  }

  /** Writes a list field. */
  list<T extends keyof ThriftListTypes>(
    id: number,
    type: T,
    values: readonly ThriftListTypes[T][],
  ): void {
    this.#protocol.writeFieldBegin("", typeIds.list, id);
    this.#protocol.writeListBegin(typeIds[type], values.length);
    const write = this.#elementWriters[type];
    for (const value of values) write(value);
  }

  /** Writes a field `map<i32, map<string, string>>`. */
  mapOfMaps(id: number, value: ReadonlyMap<number, ReadonlyMap<string, string>>): void {
    this.#protocol.writeFieldBegin("", typeIds.map, id);
    this.#protocol.writeMapBegin(typeIds.i32, typeIds.map, value.size);
    for (const [key, inner] of value) {
      this.#protocol.writeI32(key);
      this.#protocol.writeMapBegin(typeIds.string, typeIds.string, inner.size);
      for (const [name, text] of inner) {
        this.#protocol.writeString(name);
        this.#protocol.writeString(text);
      }
    }
  }

  /** Writes a struct field; its own fields are written by `fields`. */
  struct(id: number, fields: () => void): void {
    this.#protocol.writeFieldBegin("", typeIds.struct, id);
    fields();
    this.#protocol.writeFieldStop();
  }

  /** Ends the call and gives its bytes. */
  end(): Uint8Array {
    this.#protocol.writeFieldStop();
    this.#protocol.writeMessageEnd();
    this.#transport.flush();
    return this.#message ?? new Uint8Array();
  }

  readonly #elementWriters: { [T in keyof ThriftListTypes]: (value: ThriftListTypes[T]) => void } =
    {
      i32: (value) => this.#protocol.writeI32(value),
      bool: (value) => this.#protocol.writeBool(value),
      string: (value) => this.#protocol.writeString(value),
      i64: (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64BE(value);
        this.#transport.write(bytes);
      },
      double: (value) => {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleBE(value);
        this.#transport.write(bytes);
      },
    };
}

/** A value of a reply; fields of other types are skipped. */
export type ThriftValue = string | number | boolean | ThriftStruct;

/** Fields of a struct by their id. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** One whole reply. */
export interface ThriftReply {
  readonly method: string;
  /** `exception`: the struct is a TApplicationException. */
  readonly kind: "reply" | "exception";
  readonly sequenceId: number;
  readonly result: ThriftStruct;
}

/** Structs deeper than the exception inside a result are skipped. */
const readDepth = 2;

/**
 * Reads a reply.
 *
 * @param bytes Everything that has come since the call.
 * @param limitBytes Longest reply; a length field that claims more is an error at once.
 * @param of What was called, for errors.
 * @returns `undefined` when bytes are missing yet.
 * @throws AgentError `unavailable` when this is no reply or has bytes behind its end.
 */
export function parseThriftReply(
  bytes: Uint8Array,
  limitBytes: number,
  of: string,
): ThriftReply | undefined {
  const fail = (reason: string, cause?: unknown) =>
    cannot("read the reply to", of, reason, { kind: "unavailable", cause, retryable: true });
  if (bytes.length > limitBytes) throw fail(`it is longer than ${limitBytes} bytes`);
  // The first byte tells, so nobody waits for the rest of an HTTP answer or a TLS alert.
  if (bytes.length > 0 && bytes[0] !== 0x80) throw fail("this is not the Thrift binary protocol");
  try {
    const transport = new BoundedTransport(bytes, limitBytes);
    const protocol = new Protocol(transport, true, true);
    const { fname, mtype, rseqid } = protocol.readMessageBegin();
    if (mtype !== replyMessage && mtype !== exceptionMessage) {
      throw new Error(`message type ${mtype} is no reply`);
    }
    const result = readStruct(protocol, readDepth);
    if (transport.readCursor < bytes.length) throw new Error("bytes follow its end");
    const kind = mtype === replyMessage ? "reply" : "exception";
    return { method: fname, kind, sequenceId: rseqid, result };
  } catch (error) {
    if (error instanceof InputBufferUnderrunError) return undefined;
    throw fail(reasonOf(error), error);
  }
}

function readStruct(protocol: BinaryProtocol, depth: number): ThriftStruct {
  const fields = new Map<number, ThriftValue>();
  while (true) {
    const { ftype, fid } = protocol.readFieldBegin();
    switch (ftype) {
      case typeIds.stop:
        return fields;
      case typeIds.string:
        fields.set(fid, protocol.readString());
        break;
      case typeIds.bool:
        fields.set(fid, protocol.readBool());
        break;
      case typeIds.i32:
        fields.set(fid, protocol.readI32());
        break;
      case typeIds.struct:
        if (depth > 1) fields.set(fid, readStruct(protocol, depth - 1));
        else protocol.skip(ftype);
        break;
      default:
        protocol.skip(ftype);
    }
  }
}

/** The library's transport over given bytes, with a limit on every length before it is waited for. */
class BoundedTransport extends Transport {
  readonly #limitBytes: number;

  constructor(bytes: Uint8Array, limitBytes: number) {
    super();
    this.#limitBytes = limitBytes;
    this.inBuf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.writeCursor = bytes.length;
  }

  override ensureAvailable(length: number): void {
    if (length > this.#limitBytes - this.readCursor) {
      throw new Error(`it claims ${length} more bytes, beyond the limit of ${this.#limitBytes}`);
    }
    super.ensureAvailable(length);
  }
}
