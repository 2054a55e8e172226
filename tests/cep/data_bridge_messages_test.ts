import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import {
  type Answer,
  connectCall,
  type DataBridgeCall,
  defineStreamCall,
  deleteStreamByIdCall,
  deleteStreamByNameVersionCall,
  disconnectCall,
  type EventBundle,
  findStreamIdCall,
  type MethodName,
  publishCall,
} from "../../src/cep/data_bridge_messages.ts";

type Json = Record<string, unknown>;

interface RequestVector {
  readonly name: string;
  readonly method: MethodName;
  readonly seqid: number;
  readonly args: Json;
  readonly hex: string;
}

interface ReplyVector {
  readonly name: string;
  readonly method: MethodName;
  readonly seqid?: number;
  readonly hex: string;
  readonly expect?: string;
  readonly result?: {
    readonly success?: string | boolean;
    readonly void?: boolean;
    readonly exception?: { readonly class: string; readonly message: string };
    readonly applicationException?: { readonly type: number; readonly message: string };
  };
}

const folder = new URL("../fixtures/vectors/thrift/", import.meta.url);
const requests: { vectors: RequestVector[] } = JSON.parse(
  Deno.readTextFileSync(new URL("requests.json", folder)),
);
const replies: { vectors: ReplyVector[]; constructed: ReplyVector[] } = JSON.parse(
  Deno.readTextFileSync(new URL("replies.json", folder)),
);

const limitBytes = 64 * 1024;

const exceptionClasses: Readonly<Record<string, string>> = {
  authentication: "ThriftAuthenticationException",
  differentDefinition: "ThriftDifferentStreamDefinitionAlreadyDefinedException",
  malformedDefinition: "ThriftMalformedStreamDefinitionException",
  streamDefinition: "ThriftStreamDefinitionException",
  noStreamDefinition: "ThriftNoStreamDefinitionExistException",
  undefinedEventType: "ThriftUndefinedEventTypeException",
  sessionExpired: "ThriftSessionExpiredException",
};

function callFor(method: MethodName, args: Json): DataBridgeCall<unknown> {
  const text = (name: string) => String(args[name]);
  const builders: Record<MethodName, () => DataBridgeCall<unknown>> = {
    connect: () => connectCall(text("userName"), new Secret(text("password"))),
    disconnect: () => disconnectCall(text("sessionId")),
    defineStream: () => defineStreamCall(text("sessionId"), text("streamDefinition")),
    findStreamId: () =>
      findStreamIdCall(text("sessionId"), text("streamName"), text("streamVersion")),
    publish: () => publishCall(bundleOf(args.eventBundle as Json)),
    deleteStreamById: () => deleteStreamByIdCall(text("sessionId"), text("streamId")),
    deleteStreamByNameVersion: () =>
      deleteStreamByNameVersionCall(text("sessionId"), text("streamName"), text("streamVersion")),
  };
  return builders[method]();
}

function bundleOf(json: Json): EventBundle {
  const long = (value: unknown) =>
    BigInt(typeof value === "object" ? (value as { $long: string }).$long : value as number);
  const double = (value: unknown) => Number((value as { $double: string }).$double);
  const arbitrary = json.arbitraryDataMapMap as Record<string, Record<string, string>> | undefined;
  return {
    ...(json.sessionId === undefined ? {} : { sessionId: json.sessionId as string }),
    ...(json.eventNum === undefined ? {} : { eventNum: json.eventNum as number }),
    ...(json.intAttributeList ? { ints: json.intAttributeList as number[] } : {}),
    ...(json.longAttributeList ? { longs: (json.longAttributeList as unknown[]).map(long) } : {}),
    ...(json.doubleAttributeList
      ? { doubles: (json.doubleAttributeList as unknown[]).map(double) }
      : {}),
    ...(json.boolAttributeList ? { bools: json.boolAttributeList as boolean[] } : {}),
    ...(json.stringAttributeList ? { strings: json.stringAttributeList as string[] } : {}),
    ...(arbitrary
      ? {
        arbitrary: new Map(
          Object.entries(arbitrary).map(([key, inner]) => [
            Number(key),
            new Map(Object.entries(inner)),
          ]),
        ),
      }
      : {}),
  };
}

function decode(vector: ReplyVector): Answer<unknown> | undefined {
  return callFor(vector.method, { eventBundle: {} })
    .decode(Uint8Array.fromHex(vector.hex), vector.seqid ?? 0, limitBytes);
}

Deno.test("data bridge calls: have the bytes of every request vector", () => {
  assert.ok(requests.vectors.length >= 50);
  assert.equal(new Set(requests.vectors.map((vector) => vector.method)).size, 7);
  for (const { name, method, seqid, args, hex } of requests.vectors) {
    assert.equal(callFor(method, args).encode(seqid).toHex(), hex, name);
  }
});

Deno.test("data bridge calls: read every reply vector of the receiver's own code", () => {
  for (const vector of replies.vectors) {
    const { success, exception, applicationException } = vector.result!;
    if (applicationException) {
      assert.throws(
        () => decode(vector),
        (error) =>
          error instanceof AgentError && error.kind === "refused" &&
          error.data.applicationException === applicationException.type &&
          error.message.includes(applicationException.message),
        vector.name,
      );
    } else if (exception) {
      const answer = decode(vector);
      assert.ok(answer?.kind === "refused", vector.name);
      assert.equal(exceptionClasses[answer.refusal], exception.class, vector.name);
      assert.equal(answer.message, exception.message, vector.name);
    } else {
      assert.deepEqual(decode(vector), { kind: "answered", value: success }, vector.name);
    }
  }
});

Deno.test("data bridge calls: read declared exceptions that no receiver raises", () => {
  for (
    const [name, refusal] of [
      ["publish-undefined-event-type", "undefinedEventType"],
      ["define-stream-definition-exception", "streamDefinition"],
    ]
  ) {
    const answer = decode(constructed(name!));
    assert.deepEqual(answer, { kind: "refused", refusal, message: "bad" });
  }
});

Deno.test("data bridge calls: skip fields of a reply that they do not know", () => {
  assert.deepEqual(decode(constructed("publish-unknown-fields")), {
    kind: "answered",
    value: undefined,
  });
});

const hostile: Readonly<Record<string, RegExp>> = {
  "connect-missing-result": /the result is missing/,
  "connect-wrong-type": /the result is missing/,
  "publish-non-strict": /not the Thrift binary protocol/,
  "publish-wrong-seqid": /sequence number is 12345, not 0/,
  "publish-wrong-name": /answers the method "connect"/,
  "bad-version": /version/,
  "huge-string": /claims 2147483647 more bytes, beyond the limit/,
  "negative-length": /[Nn]egative/,
  "http": /not the Thrift binary protocol/,
  "tls-alert": /not the Thrift binary protocol/,
};

for (const [name, reason] of Object.entries(hostile)) {
  Deno.test(`data bridge calls: refuse a reply when it is hostile (${name})`, () => {
    assert.throws(
      () => decode(constructed(name)),
      (error) =>
        error instanceof AgentError && error.kind === "unavailable" &&
        error.message.startsWith("Cannot read the reply to ") && reason.test(error.message),
    );
  });
}

Deno.test("data bridge calls: wait for the rest when a reply is cut anywhere", () => {
  assert.equal(decode(constructed("truncated")), undefined);
  const whole = replies.vectors.find((vector) => vector.name === "define-different")!;
  const bytes = Uint8Array.fromHex(whole.hex);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(
      callFor(whole.method, {}).decode(bytes.subarray(0, length), 0, limitBytes),
      undefined,
    );
  }
});

Deno.test("data bridge calls: refuse a reply when bytes follow its end", () => {
  const ok = replies.vectors.find((vector) => vector.name === "publish-ok")!;
  assert.throws(() => decode({ ...ok, hex: `${ok.hex}00` }), /bytes follow its end/);
});

Deno.test("data bridge calls: refuse a reply when it is longer than the limit", () => {
  const call = publishCall({});
  assert.throws(() => call.decode(new Uint8Array(101).fill(0x80), 0, 100), /longer than 100 bytes/);
});

Deno.test("data bridge calls: refuse a reply when structs nest without end", () => {
  const deep = [...Uint8Array.fromHex("80010002000000077075626c69736800000000")];
  for (let level = 0; level < 10_000; level++) deep.push(12, 0, 9);
  assert.throws(() => publishCall({}).decode(new Uint8Array(deep), 0, limitBytes), /depth/i);
});

Deno.test("data bridge calls: answer or refuse in bounded time when a reply is mutated", () => {
  const all = [...replies.vectors, ...replies.constructed];
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.array(
        fc.record({
          at: fc.nat(),
          byte: fc.constantFrom(0, 1, 2, 0x0b, 0x0c, 0x0d, 0x7f, 0x80, 0xff),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      fc.uint8Array({ maxLength: 64 }),
      (vector, mutations, tail) => {
        const bytes = new Uint8Array([...Uint8Array.fromHex(vector.hex), ...tail]);
        for (const { at, byte } of mutations) bytes[at % bytes.length] = byte;
        const startMs = performance.now();
        try {
          const answer = callFor(vector.method, { eventBundle: {} })
            .decode(bytes, vector.seqid ?? 0, limitBytes);
          assert.ok(answer === undefined || ["answered", "refused"].includes(answer.kind));
        } catch (error) {
          assert.ok(error instanceof AgentError, String(error));
        }
        assert.ok(performance.now() - startMs < 2_000, "took too long");
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("data bridge calls: give up on a full buffer of claims in bounded time", () => {
  // A list that claims 2^31 - 1 structs, and as many bytes of fields as the limit allows.
  const bytes = new Uint8Array(limitBytes);
  bytes.set(Uint8Array.fromHex("80010002000000077075626c697368000000000f00090c7fffffff"));
  const startMs = performance.now();
  assert.throws(() => publishCall({}).decode(bytes, 0, limitBytes), /beyond the limit/);
  assert.ok(performance.now() - startMs < 2_000);
});

function constructed(name: string): ReplyVector {
  const found = replies.constructed.find((vector) => vector.name === name);
  assert.ok(found, name);
  return found;
}
