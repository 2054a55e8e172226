import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../src/base/clock.ts";
import { AgentError } from "../../src/base/errors.ts";
import { findStreamIdCall, publishCall } from "../../src/cep/data_bridge_messages.ts";
import { ConnectionClosedError, ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import { tlsFaultOf } from "../../src/cep/tls_fault.ts";
import { FakeClock } from "../fake_clock.ts";
import { unverified } from "./receiver_under_test.ts";
import { tlsServer } from "./tls_server.ts";

const never = new AbortController().signal;
/** Answer to the first publish of a connection. */
const confirmed = Uint8Array.fromHex("80010002000000077075626c6973680000000100");

/** Connects to a server that reacts to each call as given. */
async function withConnection(
  react: (socket: TLSSocket) => void,
  test: (connection: ReceiverConnection) => Promise<void>,
  clock = systemClock,
): Promise<void> {
  await using server = await tlsServer(react);
  const receiver = { host: "localhost", port: server.port };
  await using connection = await ReceiverConnection.open(receiver, unverified, clock, never);
  await test(connection);
}

Deno.test("receiver connection: reads an answer when it comes in pieces", async () => {
  const react = (socket: TLSSocket) => {
    socket.write(confirmed.subarray(0, 7));
    setTimeout(() => socket.write(confirmed.subarray(7)), 5);
  };
  await withConnection(react, async (connection) => {
    assert.deepEqual(await connection.call(publishCall({}), never), {
      kind: "answered",
      value: undefined,
    });
    assert.equal(connection.isOpen, true);
  });
});

/** An answer whose result has a string field that is never complete. */
const endless = Uint8Array.fromHex("80010002000000077075626c697368000000010b00090000ff00");

const disorders: Readonly<Record<string, readonly [(socket: TLSSocket) => void, RegExp]>> = {
  "an answer of another call": [
    (socket) => socket.write(Uint8Array.from(confirmed, (byte, at) => at === 18 ? 9 : byte)),
    /sequence number is 9, not 1/,
  ],
  "an HTTP answer": [
    (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    /not the Thrift binary protocol/,
  ],
  "a claim of 2 GiB": [
    (socket) => socket.write(Uint8Array.fromHex("800100027fffffff70")),
    /claims 2147483647 more bytes/,
  ],
  "more than 64 KiB": [
    (socket) => {
      socket.write(endless);
      socket.write(new Uint8Array(70_000));
    },
    /longer than 65536 bytes|bytes follow its end/,
  ],
  "two answers": [
    (socket) => socket.write(new Uint8Array([...confirmed, ...confirmed])),
    /bytes follow its end/,
  ],
  "a drip of single bytes": [
    (socket) => {
      socket.setNoDelay(true);
      socket.write(endless);
      const drip = setInterval(() => socket.write(new Uint8Array(1)), 1);
      socket.once("close", () => clearInterval(drip));
    },
    /more than 256 pieces/,
  ],
};

for (const [what, [react, reason]] of Object.entries(disorders)) {
  Deno.test(`receiver connection: fails and closes when there is ${what}`, async () => {
    await withConnection(react, async (connection) => {
      await assert.rejects(
        connection.call(publishCall({}), never),
        (error) =>
          error instanceof AgentError && error.kind === "unavailable" && reason.test(error.message),
      );
      assert.equal(connection.isOpen, false);
      await assert.rejects(connection.call(publishCall({}), never), ConnectionClosedError);
    });
  });
}

Deno.test("receiver connection: says that it was closed when an answer is cut", async () => {
  await withConnection((socket) => socket.end(endless), async (connection) => {
    await assert.rejects(connection.call(publishCall({}), never), (error) => {
      assert.ok(error instanceof ConnectionClosedError);
      assert.match(error.message, /^Cannot call "publish" at "localhost:\d+": /);
      return true;
    });
  });
});

Deno.test("receiver connection: closes when the receiver sends something unasked", async () => {
  await using server = await tlsServer(() => {}, (socket) => socket.write(confirmed));
  const receiver = { host: "localhost", port: server.port };
  await using connection = await ReceiverConnection.open(receiver, unverified, systemClock, never);
  await assert.rejects(
    connection.call(findStreamIdCall("s", "n", "1.0.0"), never),
    /answers the method "publish"|unasked/,
  );
  assert.equal(connection.isOpen, false);
});

Deno.test("receiver connection: fails and closes when no answer comes within 10 s", async () => {
  const clock = new FakeClock();
  await withConnection(() => {}, async (connection) => {
    const failed = assert.rejects(
      connection.call(publishCall({}), never),
      /^AgentError: Cannot call "publish at localhost:\d+": no answer within 10 s$/,
    );
    await clock.advance(9_999);
    assert.equal(connection.isOpen, true);
    await clock.advance(1);
    await failed;
    assert.equal(connection.isOpen, false);
  }, clock);
});

Deno.test("receiver connection: refuses a second call while one is in progress", async () => {
  const abort = new AbortController();
  await withConnection(() => {}, async (connection) => {
    const first = assert.rejects(connection.call(publishCall({}), abort.signal));
    await assert.rejects(connection.call(publishCall({}), never), /another call is in progress/);
    assert.equal(connection.isOpen, true);
    abort.abort();
    await first;
    assert.equal(connection.isOpen, false);
  });
});

Deno.test("receiver connection: knows how long it was idle", async () => {
  const clock = new FakeClock();
  await withConnection((socket) => socket.write(confirmed), async (connection) => {
    await clock.advance(5_000);
    assert.equal(connection.idleMs, 5_000);
    await connection.call(publishCall({}), never);
    assert.equal(connection.idleMs, 0);
  }, clock);
});

Deno.test("TLS fault: is a missing permission when the network is not granted", () => {
  assert.equal(
    tlsFaultOf(Object.assign(new Error("getaddrinfo"), { code: "EPERM" })),
    "notPermitted",
  );
  assert.equal(tlsFaultOf(Object.assign(new Error("x"), { code: "ECONNREFUSED" })), undefined);
  assert.equal(tlsFaultOf("text"), undefined);
});
