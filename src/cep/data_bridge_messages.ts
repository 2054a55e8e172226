/**
 * The calls of the WSO2 data bridge and what they are answered with.
 *
 * Method names, field ids and types are those of its two Thrift services; on the TLS port all seven
 * exist, on the plain port all but connect and disconnect. Every exception has one field, 1 message, so
 * the result field alone tells which one it is.
 */
import { cannot } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { parseThriftReply, ThriftCallWriter, type ThriftStruct } from "./thrift_codec.ts";

/** Why the receiver said no. */
export type RefusalKind =
  | "authentication"
  | "differentDefinition"
  | "malformedDefinition"
  | "streamDefinition"
  | "noStreamDefinition"
  | "undefinedEventType"
  | "sessionExpired";

/** What a call was answered with; `refused` is one of the declared exceptions. */
export type Answer<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "refused"; readonly refusal: RefusalKind; readonly message: string };

/** One call that can be sent. */
export interface DataBridgeCall<T> {
  /** Name on the wire. */
  readonly method: MethodName;
  /** The bytes to send. */
  encode(sequenceId: number): Uint8Array;
  /**
   * Reads what has come back.
   *
   * @param bytes Everything since the call.
   * @param sequenceId That of the call.
   * @param limitBytes Longest reply.
   * @returns `undefined` when bytes are missing yet.
   * @throws AgentError `unavailable` for anything but a reply to this call, `refused` for a
   *   TApplicationException.
   */
  decode(bytes: Uint8Array, sequenceId: number, limitBytes: number): Answer<T> | undefined;
}

/** Values of the events of a bundle, by type; absent lists are not sent. */
export interface EventBundle {
  readonly sessionId?: string;
  /** Number of events. */
  readonly eventNum?: number;
  readonly ints?: readonly number[];
  readonly longs?: readonly bigint[];
  readonly doubles?: readonly number[];
  readonly bools?: readonly boolean[];
  readonly strings?: readonly string[];
  /** By the event's index in the bundle. */
  readonly arbitrary?: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

interface Method {
  readonly result: "string" | "boolean" | "void";
  /** Declared exceptions by result field. */
  readonly refusals: Readonly<Record<number, RefusalKind>>;
}

const methods = {
  connect: { result: "string", refusals: { 1: "authentication" } },
  disconnect: { result: "void", refusals: {} },
  defineStream: {
    result: "string",
    refusals: {
      1: "differentDefinition",
      2: "malformedDefinition",
      3: "streamDefinition",
      4: "sessionExpired",
    },
  },
  findStreamId: {
    result: "string",
    refusals: { 1: "noStreamDefinition", 2: "sessionExpired" },
  },
  publish: { result: "void", refusals: { 1: "undefinedEventType", 2: "sessionExpired" } },
  deleteStreamById: { result: "boolean", refusals: { 1: "sessionExpired" } },
  deleteStreamByNameVersion: { result: "boolean", refusals: { 1: "sessionExpired" } },
} as const satisfies Record<string, Method>;

/** Names of the methods as on the wire. */
export type MethodName = keyof typeof methods;

interface ResultTypes {
  readonly string: string;
  readonly boolean: boolean;
  readonly void: undefined;
}

type ResultOf<M extends MethodName> = ResultTypes[(typeof methods)[M]["result"]];

/** Login; the answer is the session id. */
export function connectCall(userName: string, password: Secret): DataBridgeCall<string> {
  return callOf("connect", (writer) => {
    writer.string(1, userName);
    writer.string(2, password.open());
  });
}

/** Logout. */
export function disconnectCall(sessionId: string): DataBridgeCall<undefined> {
  return callOf("disconnect", (writer) => writer.string(1, sessionId));
}

/** Declares a stream by its JSON definition; the answer is the stream id. */
export function defineStreamCall(sessionId: string, definition: string): DataBridgeCall<string> {
  return callOf("defineStream", (writer) => {
    writer.string(1, sessionId);
    writer.string(2, definition);
  });
}

/** Asks for the id of a declared stream. */
export function findStreamIdCall(
  sessionId: string,
  name: string,
  version: string,
): DataBridgeCall<string> {
  return callOf("findStreamId", (writer) => {
    writer.string(1, sessionId);
    writer.string(2, name);
    writer.string(3, version);
  });
}

/** Sends events; success only says that the session was valid. */
export function publishCall(bundle: EventBundle): DataBridgeCall<undefined> {
  return callOf("publish", (writer) => writer.struct(1, () => writeBundle(writer, bundle)));
}

/** Removes a stream; the answer says whether there was one. */
export function deleteStreamByIdCall(
  sessionId: string,
  streamId: string,
): DataBridgeCall<boolean> {
  return callOf("deleteStreamById", (writer) => {
    writer.string(1, sessionId);
    writer.string(2, streamId);
  });
}

/** Removes a stream; the answer says whether there was one. */
export function deleteStreamByNameVersionCall(
  sessionId: string,
  name: string,
  version: string,
): DataBridgeCall<boolean> {
  return callOf("deleteStreamByNameVersion", (writer) => {
    writer.string(1, sessionId);
    writer.string(2, name);
    writer.string(3, version);
  });
}

function writeBundle(writer: ThriftCallWriter, bundle: EventBundle): void {
  if (bundle.sessionId !== undefined) writer.string(1, bundle.sessionId);
  if (bundle.eventNum !== undefined) writer.i32(2, bundle.eventNum);
  if (bundle.ints) writer.list(3, "i32", bundle.ints);
  if (bundle.longs) writer.list(4, "i64", bundle.longs);
  if (bundle.doubles) writer.list(5, "double", bundle.doubles);
  if (bundle.bools) writer.list(6, "bool", bundle.bools);
  if (bundle.strings) writer.list(7, "string", bundle.strings);
  if (bundle.arbitrary) writer.mapOfMaps(8, bundle.arbitrary);
}

function callOf<M extends MethodName>(
  method: M,
  writeArguments: (writer: ThriftCallWriter) => void,
): DataBridgeCall<ResultOf<M>> {
  return {
    method,
    encode(sequenceId) {
      const writer = new ThriftCallWriter(method, sequenceId);
      writeArguments(writer);
      return writer.end();
    },
    decode(bytes, sequenceId, limitBytes) {
      const reply = parseThriftReply(bytes, limitBytes, method);
      if (!reply) return undefined;
      if (reply.method !== method) {
        throw nonsense(method, `it answers the method ${JSON.stringify(short(reply.method))}`);
      }
      if (reply.sequenceId !== sequenceId) {
        throw nonsense(method, `its sequence number is ${reply.sequenceId}, not ${sequenceId}`);
      }
      if (reply.kind === "exception") throw applicationException(method, reply.result);
      return answerOf(method, reply.result) as Answer<ResultOf<M>>;
    },
  };
}

function answerOf(
  method: MethodName,
  result: ThriftStruct,
): Answer<ResultTypes[keyof ResultTypes]> {
  const { result: type, refusals }: Method = methods[method];
  const value = result.get(0);
  if (type !== "void" && typeof value === type) {
    return { kind: "answered", value: value as string | boolean };
  }
  for (const [id, refusal] of Object.entries(refusals)) {
    const exception = result.get(Number(id));
    if (!(exception instanceof Map)) continue;
    const message = exception.get(1);
    return {
      kind: "refused",
      refusal,
      message: typeof message === "string" ? message : "",
    };
  }
  if (type === "void") return { kind: "answered", value: undefined };
  throw nonsense(method, "the result is missing");
}

/** TApplicationException: 1 message string, 2 type i32; 1 is an unknown method, 6 a fault inside. */
function applicationException(method: MethodName, result: ThriftStruct): Error {
  const message = result.get(1);
  const type = result.get(2);
  const text = typeof message === "string" && message !== "" ? short(message) : "no message";
  const hint = type === 1 ? " (is this the plain port? The login is on the TLS port)" : "";
  return cannot("call", method, `the receiver failed: ${text}${hint}`, {
    kind: "refused",
    data: { applicationException: type },
    retryable: true,
  });
}

function nonsense(method: MethodName, reason: string): Error {
  return cannot("read the reply to", method, reason, { kind: "unavailable", retryable: true });
}

/** Text of the other side for a message of ours: short, no control characters. */
export function short(text: string): string {
  // deno-lint-ignore no-control-regex
  const line = text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
