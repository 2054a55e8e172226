import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import {
  connectCall,
  type DataBridgeCall,
  defineStreamCall,
  deleteStreamByIdCall,
  deleteStreamByNameVersionCall,
  disconnectCall,
  findStreamIdCall,
  type MethodName,
  publishCall,
} from "../../src/cep/data_bridge_messages.ts";
import { ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import { hostileServer } from "./hostile_server.ts";
import { plainCall } from "./plain_bridge.ts";
import { unverified } from "./receiver_under_test.ts";
import { tlsServer } from "./tls_server.ts";

interface ReplyVector {
  readonly name: string;
  readonly method: MethodName;
  readonly hex: string;
}

const { vectors, constructed }: {
  readonly vectors: readonly ReplyVector[];
  readonly constructed: readonly ReplyVector[];
} = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/vectors/thrift/replies.json", import.meta.url)),
);

const calls: Readonly<Record<MethodName, () => DataBridgeCall<unknown>>> = {
  connect: () => connectCall("u", new Secret("canary-password")),
  disconnect: () => disconnectCall("s"),
  defineStream: () => defineStreamCall("s", "{}"),
  findStreamId: () => findStreamIdCall("s", "n", "1.0.0"),
  publish: () => publishCall({}),
  deleteStreamById: () => deleteStreamByIdCall("s", "n:1.0.0"),
  deleteStreamByNameVersion: () => deleteStreamByNameVersionCall("s", "n", "1.0.0"),
};

/** With the sequence number of a connection's first call. */
function asFirstReply({ method, hex }: ReplyVector): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.fromHex(hex);
  bytes.set([0, 0, 0, 1], 8 + method.length);
  return bytes;
}

const limitMs = 500;

/** What a call comes to when the bytes are its answer: an answer in words, or the error. */
type Outcome = string;

async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return JSON.stringify(await work());
  } catch (error) {
    assert.ok(error instanceof Error);
    return `${error instanceof AgentError ? error.kind : "closed"}: ${error.message}`;
  }
}

async function overTls(method: MethodName, reply: Uint8Array): Promise<Outcome> {
  await using server = await tlsServer((socket) => socket.write(reply));
  const limits = { timeoutMs: limitMs, replyBytes: 64 * 1024 };
  await using connection = await ReceiverConnection.open(
    { host: "localhost", port: server.port },
    unverified,
    systemClock,
    new AbortController().signal,
    limits,
  );
  const outcome = await outcomeOf(() =>
    connection.call(calls[method](), new AbortController().signal)
  );
  assert.equal(connection.isOpen, outcome.startsWith("{"), outcome);
  return outcome;
}

async function overPlain(method: MethodName, reply: Uint8Array): Promise<Outcome> {
  await using server = hostileServer(reply);
  return await outcomeOf(() => plainCall(server.port, calls[method](), limitMs));
}

/** Methods that the plain port has not. */
const tlsOnly: readonly MethodName[] = ["connect", "disconnect"];

for (const [transport, ask] of [["TLS", overTls], ["plain", overPlain]] as const) {
  Deno.test(`replies over ${transport}: every one of the receiver's own is an answer or its refusal`, async () => {
    let count = 0;
    for (const vector of vectors) {
      if (transport === "plain" && tlsOnly.includes(vector.method)) continue;
      const outcome = await ask(vector.method, asFirstReply(vector));
      assert.match(outcome, /^(\{"kind":"(answered|refused)"|refused: Cannot call)/, vector.name);
      count++;
    }
    assert.ok(count >= 15, `${count}`);
  });

  Deno.test(`replies over ${transport}: every hostile one is a clear error in bounded time and memory`, async () => {
    const before = Deno.memoryUsage();
    const outcomes = await Promise.all(constructed.map(async ({ name, method, hex }) => {
      const outcome = await ask(method, Uint8Array.fromHex(hex));
      assert.ok(!outcome.includes("canary"), outcome);
      return [name, outcome] as const;
    }));
    const grown = Deno.memoryUsage();
    assert.ok(grown.external + grown.rss - before.external - before.rss < 200 << 20);
    const expected: Readonly<Record<string, RegExp>> = {
      "publish-undefined-event-type": /"refused".*"undefinedEventType"|sequence number/,
      "define-stream-definition-exception": /"refused".*"streamDefinition"|sequence number/,
      "publish-unknown-fields": /"answered"|sequence number/,
      "truncated": /no answer within 0\.5 s|closed without an answer/,
    };
    for (const [name, outcome] of outcomes) {
      const wanted = expected[name] ?? /^unavailable: Cannot read the reply to "/;
      assert.match(outcome, wanted, name);
    }
  });
}
