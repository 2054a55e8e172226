/**
 * The receiver's side of npm:thrift: its TLS server and its binary protocol.
 *
 * It shares nothing with the agent's own codec, so that the two can judge each other.
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Server } from "node:tls";
import { createMultiplexServer } from "thrift/lib/nodejs/lib/thrift/server.js";
import thrift from "thrift/lib/nodejs/lib/thrift/thrift.js";

/** Any value of a call: integers of 64 bits as bigint, structs and maps as maps, lists as arrays. */
export type CallValue =
  | boolean
  | number
  | bigint
  | string
  | readonly CallValue[]
  | ReadonlyMap<CallValue, CallValue>;

/** A call as it came, arguments by field id. */
export interface ReceivedCall {
  readonly method: string;
  readonly args: ReadonlyMap<CallValue, CallValue>;
}

/** What a call is answered with. */
export type CallAnswer =
  | { readonly kind: "void" }
  | { readonly kind: "success"; readonly value: string | boolean }
  /** A declared exception, by its result field. */
  | { readonly kind: "exception"; readonly field: number; readonly message: string }
  /** TApplicationException: 1 unknown method, 6 fault inside. */
  | { readonly kind: "failure"; readonly type: number; readonly message: string };

/** What {@link makeThriftServer} takes. */
export interface ThriftServerOptions {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  readonly answer: (call: ReceivedCall) => CallAnswer;
  readonly onConnection: () => void;
  readonly onProblem: (problem: string) => void;
}

/** A server that is not listening yet. */
export interface ThriftServer {
  readonly listener: Server;
  dropConnections(): void;
  /** Stops listening and resets all connections. */
  close(): Promise<void>;
}

/** The part of the library's protocol that is used. */
interface Protocol {
  readMessageBegin(): { readonly fname: string; readonly rseqid: number };
  readFieldBegin(): { readonly ftype: number; readonly fid: number };
  readListBegin(): { readonly etype: number; readonly size: number };
  readMapBegin(): { readonly ktype: number; readonly vtype: number; readonly size: number };
  readBool(): boolean;
  readByte(): number;
  readI16(): number;
  readI32(): number;
  readI64(): { readonly buffer: Uint8Array };
  readDouble(): number;
  readString(): string;
  writeMessageBegin(name: string, type: number, sequenceId: number): void;
  writeMessageEnd(): void;
  writeFieldBegin(name: string, type: number, id: number): void;
  writeFieldStop(): void;
  writeString(value: string): void;
  writeBool(value: boolean): void;
  writeI32(value: number): void;
  flush(): void;
}

/** Longest call that is read. */
const maxCallBytes = 16 * 1024 * 1024;
const maxDepth = 16;

/** Makes a TLS server that answers Thrift calls. */
export function makeThriftServer(options: ThriftServerOptions): ThriftServer {
  const sockets = new Set<Socket>();
  const processor = {
    process(input: Protocol, output: Protocol) {
      const { fname, rseqid } = input.readMessageBegin();
      const args = readStruct(input, 0);
      writeAnswer(output, fname, rseqid, options.answer({ method: fname, args }));
    },
  };
  // The library's types know a generated processor only.
  const make = createMultiplexServer as unknown as (
    served: typeof processor,
    settings: Readonly<Record<string, unknown>>,
  ) => Server;
  const listener = make(processor, {
    maxLength: maxCallBytes,
    // Any value keeps the library from asking for protocol versions that Deno does not know.
    tls: { key: options.key, cert: options.cert, secureOptions: 0 },
  });
  let isClosing = false;
  const keep = (socket: Socket) => {
    // Accepted before the end, and told of after it.
    if (isClosing) return void socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  };
  // Also those whose TLS handshake is under way, or never comes.
  listener.on("connection", keep);
  listener.on("secureConnection", (socket) => {
    options.onConnection();
    keep(socket);
  });
  listener.on("error", (error: Error) => {
    // Errors of the system are connections that ended; the others are calls that cannot be read.
    if (!("code" in error)) options.onProblem(error.message);
  });
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    listener,
    dropConnections,
    close: async () => {
      isClosing = true;
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      dropConnections();
      await closed;
    },
  };
}

function readStruct(input: Protocol, depth: number): ReadonlyMap<CallValue, CallValue> {
  const fields = new Map<CallValue, CallValue>();
  while (true) {
    const { ftype, fid } = input.readFieldBegin();
    if (ftype === thrift.Type.STOP) return fields;
    fields.set(fid, readValue(input, ftype, depth));
  }
}

function readValue(input: Protocol, type: number, depth: number): CallValue {
  if (depth > maxDepth) throw new Error("the call nests too deep");
  const types = thrift.Type;
  switch (type) {
    case types.BOOL:
      return input.readBool();
    case types.BYTE:
      return input.readByte();
    case types.I16:
      return input.readI16();
    case types.I32:
      return input.readI32();
    case types.I64:
      return Buffer.from(input.readI64().buffer).readBigInt64BE();
    case types.DOUBLE:
      return input.readDouble();
    case types.STRING:
      return input.readString();
    case types.STRUCT:
      return readStruct(input, depth + 1);
    case types.LIST:
    case types.SET: {
      const { etype, size } = input.readListBegin();
      const values: CallValue[] = [];
      while (values.length < size) values.push(readValue(input, etype, depth + 1));
      return values;
    }
    case types.MAP: {
      const { ktype, vtype, size } = input.readMapBegin();
      const values = new Map<CallValue, CallValue>();
      for (let entry = 0; entry < size; entry++) {
        const key = readValue(input, ktype, depth + 1);
        values.set(key, readValue(input, vtype, depth + 1));
      }
      return values;
    }
    default:
      throw new Error(`the call holds a value of unknown type ${type}`);
  }
}

function writeAnswer(
  output: Protocol,
  method: string,
  sequenceId: number,
  answer: CallAnswer,
): void {
  const { Type, MessageType } = thrift;
  const isFailure = answer.kind === "failure";
  const type = isFailure ? MessageType.EXCEPTION : MessageType.REPLY;
  output.writeMessageBegin(method, type, sequenceId);
  switch (answer.kind) {
    case "void":
      break;
    case "success":
      if (typeof answer.value === "string") {
        output.writeFieldBegin("", Type.STRING, 0);
        output.writeString(answer.value);
      } else {
        output.writeFieldBegin("", Type.BOOL, 0);
        output.writeBool(answer.value);
      }
      break;
    case "exception":
      output.writeFieldBegin("", Type.STRUCT, answer.field);
      output.writeFieldBegin("", Type.STRING, 1);
      output.writeString(answer.message);
      output.writeFieldStop();
      break;
    case "failure":
      output.writeFieldBegin("", Type.STRING, 1);
      output.writeString(answer.message);
      output.writeFieldBegin("", Type.I32, 2);
      output.writeI32(answer.type);
  }
  output.writeFieldStop();
  output.writeMessageEnd();
  output.flush();
}
