import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Handler } from "../../src/status/http_connection.ts";
import { connectionLimits } from "../../src/status/http_connection.ts";
import { longestHead } from "../../src/status/request_head.ts";
import { HttpServer, mostConnections } from "../../src/status/http_server.ts";

const hello: Handler = (request) => new Response(`hello ${new URL(request.url).pathname}`);

function open(handler: Handler = hello, clock: Clock = systemClock): HttpServer {
  return new HttpServer({ host: "127.0.0.1", port: 0 }, handler, clock, silentLog);
}

async function connect(server: HttpServer): Promise<Deno.TcpConn> {
  const { host, port } = server.address;
  return await Deno.connect({ hostname: host, port });
}

async function say(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Everything until the other side closes. */
async function rest(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  while (true) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

/** A clock whose long sleeps are short: time limits pass at once. */
const hasty: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= connectionLimits.headMs ? 50 : ms, signal),
};

Deno.test("http server: answers requests one after the other on one connection", async () => {
  await using server = open();
  using connection = await connect(server);
  await say(connection, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /b HTTP/1.1\r\n");
  await say(connection, "Host: localhost\r\nConnection: close\r\n\r\n");
  const text = await rest(connection);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*hello \/aHTTP\/1\.1 200 OK\r\n[^]*hello \/b$/);
});

Deno.test("http server: is understood by fetch", async () => {
  await using server = open();
  const response = await fetch(`http://127.0.0.1:${server.address.port}/x`);
  assert.equal(await response.text(), "hello /x");
});

Deno.test("http server: HEAD gets the length and no body", async () => {
  await using server = open();
  using connection = await connect(server);
  await say(connection, "HEAD /abc HTTP/1.0\r\n\r\n");
  const text = await rest(connection);
  assert.match(text, /content-length: 10\r\n/);
  assert.ok(text.endsWith("\r\n\r\n"), text);
});

Deno.test("http server: other methods are refused, with a body or without, and the handler not asked", async () => {
  let asked = 0;
  await using server = open((request) => (asked++, hello(request, AbortSignal.abort())));
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"]) {
    using connection = await connect(server);
    await say(
      connection,
      `${method} /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc`,
    );
    const text = await rest(connection);
    assert.match(text, /^HTTP\/1\.1 405 [^]*\r\nallow: GET, HEAD\r\n/, method);
  }
  assert.equal(asked, 0);
});

Deno.test("http server: a GET with a body and what is no request are refused, and the connection ended", async () => {
  await using server = open();
  for (
    const text of [
      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /",
      "GET / HTTP/1.1\r\n\r\n",
      "\x16\x03\x01\x02\r\n\r\n",
    ]
  ) {
    using connection = await connect(server);
    await say(connection, text);
    const answer = await rest(connection);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
  }
});

Deno.test("http server: a head is answered up to its limit, and not beyond", async () => {
  await using server = open();
  const start = "GET /x HTTP/1.0\r\nX: ";
  for (const [length, answered] of [[longestHead, true], [longestHead + 1, false]] as const) {
    using connection = await connect(server);
    await say(connection, `${start}${"x".repeat(length - start.length)}\r\n\r\n`);
    assert.equal((await rest(connection)).startsWith("HTTP/1.1 200 OK"), answered, `${length}`);
  }
});

Deno.test("http server: a head that does not end is cut at its limit", async () => {
  await using server = open();
  using connection = await connect(server);
  await say(connection, `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`).catch(() => {});
  assert.equal(await rest(connection), "");
});

Deno.test("http server: a client that says nothing, or not all, is cut after the time limit", async () => {
  await using server = open(hello, hasty);
  using silent = await connect(server);
  using slow = await connect(server);
  await say(slow, "GET / HTTP/1.1\r\nHost: local");
  assert.equal(await rest(silent), "");
  assert.equal(await rest(slow), "");
});

Deno.test("http server: a client that does not read is cut after the time limit", async () => {
  const cancelled = Promise.withResolvers<void>();
  const endless: Handler = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
        cancel: () => cancelled.resolve(),
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  await using server = open(endless, hasty);
  using connection = await connect(server);
  await say(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await cancelled.promise;
});

Deno.test("http server: the stream of a client that leaves is cancelled", async () => {
  const cancelled = Promise.withResolvers<void>();
  let signal: AbortSignal | undefined;
  const quiet: Handler = (_, gone) => {
    signal = gone;
    return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }), {
      headers: { "content-type": "text/event-stream" },
    });
  };
  await using server = open(quiet);
  const connection = await connect(server);
  await say(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await connection.read(new Uint8Array(1000));
  connection.close();
  await cancelled.promise;
  assert.equal(signal?.aborted, true);
});

Deno.test("http server: whoever only holds connections gives way to whoever asks", async () => {
  await using server = open();
  const held: Deno.TcpConn[] = [];
  try {
    for (let count = 0; count < 2 * mostConnections; count++) held.push(await connect(server));
    const response = await fetch(`http://127.0.0.1:${server.address.port}/x`);
    assert.equal(await response.text(), "hello /x");
    assert.equal(await rest(held[0]!), "", "the first one was cut");
  } finally {
    for (const connection of held) connection.close();
  }
});

Deno.test("http server: ends at once although clients are connected", async () => {
  const server = open();
  using idle = await connect(server);
  using streaming = await connect(server);
  await say(streaming, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await streaming.read(new Uint8Array(1000));
  await server[Symbol.asyncDispose]();
  assert.equal(await rest(idle), "");
  await server[Symbol.asyncDispose]();
});
