import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { answerLimitBytes } from "../../src/metadata/metadata_http.ts";
import { FakeClock } from "../fake_clock.ts";
import { issue, makeAuthority } from "../broker/certificates.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { canaryToken, clientOf, never, properties, serveMetadata } from "./metadata_server.ts";

/** Accepts connections and lets a test do with each what it wants. */
function rawServer(onConnection: (connection: Deno.TcpConn) => Promise<void>) {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let connections = 0;
  const open = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      const work = onConnection(connection).catch(() => {}).finally(() => {
        try {
          connection.close();
        } catch {
          // Closed by the test.
        }
        open.delete(work);
      });
      open.add(work);
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting;
      await Promise.all(open);
    },
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function writeAll(connection: Deno.Conn, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await connection.write(data.subarray(at));
}

/** Reads until the other side is gone. */
async function drain(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (await connection.read(buffer) !== null);
}

async function readOnce(connection: Deno.Conn): Promise<void> {
  await connection.read(new Uint8Array(65_536));
}

async function failure(work: Promise<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error));
    assert.ok(!error.message.includes(canaryToken), error.message);
    return error;
  }
  throw new Error("it did not fail");
}

Deno.test("hostile metadata service: is given up when it never answers, and asked again", async () => {
  const clock = new FakeClock();
  await using server = rawServer(drain);
  const client = clientOf(server, { clock, limitMs: 10_000 });
  const work = failure(client.get("application", never));
  for (let attempt = 0; attempt < 3; attempt++) {
    await clock.untilNextIn(10_000);
    await clock.advance(10_000);
    if (attempt < 2) {
      await clock.untilSleeping();
      if (clock.nextInMs === 0) await clock.advance(0);
    }
  }
  const error = await work;
  assert.equal(error.kind, "unavailable");
  assert.match(error.message, /no complete answer within 10 s/);
});

for (
  const [what, head, chunk] of [
    ["body", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "x".repeat(65_536)],
    [
      "chunked body",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      `10000\r\n${"x".repeat(65_536)}\r\n`,
    ],
  ] as const
) {
  Deno.test(`hostile metadata service: an endless ${what} is read to its limit and not again`, async () => {
    let sent = 0;
    await using server = rawServer(async (connection) => {
      await readOnce(connection);
      await connection.write(bytes(head));
      while (true) {
        await writeAll(connection, bytes(chunk));
        sent += chunk.length;
      }
    });
    const error = await failure(clientOf(server).get("application", never));
    assert.equal(error.kind, "limit");
    assert.match(error.message, /larger than 4194304 bytes/);
    assert.equal(server.connections(), 1);
    assert.ok(sent < 3 * answerLimitBytes, `${sent}`);
  });
}

Deno.test("hostile metadata service: an endless body of a refusal is not read", async () => {
  await using server = rawServer(async (connection) => {
    await readOnce(connection);
    await connection.write(bytes("HTTP/1.1 403 No\r\ncontent-type: text/html\r\n\r\n"));
    while (true) await connection.write(bytes("x".repeat(65_536)));
  });
  assert.equal((await failure(clientOf(server).get("application", never))).kind, "refused");
});

Deno.test("hostile metadata service: a body that stops without an end is given up in time", async () => {
  const clock = new FakeClock();
  const stopped = Promise.withResolvers<void>();
  await using server = rawServer(async (connection) => {
    await readOnce(connection);
    await connection.write(bytes('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"prop'));
    stopped.resolve();
    await drain(connection);
  });
  const client = clientOf(server, {
    clock,
    limitMs: 10_000,
    retry: { firstMs: 1, maxMs: 1, attempts: 1 },
  });
  const work = failure(client.get("application", never));
  await stopped.promise;
  await clock.untilSleeping();
  await clock.advance(10_000);
  assert.match((await work).message, /no complete answer/);
});

for (
  const [what, sent] of [
    ["hangs up at once", ""],
    ["hangs up in the head", "HTTP/1.1 200 O"],
    ["hangs up in the body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}"],
    ["hangs up in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{}"],
    ["speaks another protocol", "220 ready\r\n"],
    ["sends two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"],
    ["sends a head without end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(100_000)}`],
  ] as const
) {
  Deno.test(`hostile metadata service: one that ${what} is asked again, then reported`, async () => {
    await using server = rawServer(async (connection) => {
      await readOnce(connection);
      if (sent !== "") await connection.write(bytes(sent));
    });
    const error = await failure(clientOf(server).get("application", never));
    assert.equal(error.kind, "unavailable");
    assert.equal(server.connections(), 3);
  });
}

Deno.test("hostile metadata service: nobody at the port is reported after the attempts", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const error = await failure(
    clientOf({ url: `http://127.0.0.1:${port}` }).get("application", never),
  );
  assert.equal(error.kind, "unavailable");
  assert.match(error.message, /refused/i);
});

Deno.test("metadata client: ends at once when its signal fires in a request", async () => {
  const ending = new AbortController();
  const accepted = Promise.withResolvers<void>();
  await using server = rawServer(async (connection) => {
    accepted.resolve();
    await drain(connection);
  });
  const work = clientOf(server).get("application", ending.signal);
  await accepted.promise;
  ending.abort(new Error("stop"));
  await assert.rejects(work, /^Error: stop$/);
  await assert.rejects(clientOf(server).get("application", ending.signal), /^Error: stop$/);
});

const ok = { verify: true, verifyName: true };

Deno.test("metadata over TLS: is trusted by its CA file, for its name, and else not", async () => {
  await using place = await temporaryDirectory();
  const authority = await makeAuthority();
  const [caFile, otherFile, nothingFile] = ["ca", "other", "nothing"].map((name) =>
    `${place.path}/${name}.pem`
  );
  await Deno.writeTextFile(`${caFile}`, authority.cert);
  await Deno.writeTextFile(`${otherFile}`, (await makeAuthority()).cert);
  await Deno.writeTextFile(`${nothingFile}`, "no certificate");
  const answer = () => properties(["k", "v"]);
  await using server = serveMetadata(answer, await issue(authority, "mds.example", ["127.0.0.1"]));
  await using misnamed = serveMetadata(answer, await issue(authority, "mds.example"));
  const ask = (to: { readonly url: string }, tls: Parameters<typeof clientOf>[1] & object) =>
    clientOf(to, tls).get("application", never);
  const found = new Map([["k", ["v"]]]);
  const ca = (file: string | undefined, more = {}) => ({
    tls: { ...ok, caFile: `${file}`, ...more },
  });
  assert.deepEqual(await ask(server, ca(caFile)), found);
  assert.deepEqual(await ask(misnamed, ca(caFile, { verifyName: false })), found);
  assert.deepEqual(await ask(misnamed, { tls: { verify: false, verifyName: true } }), found);
  for (
    const [to, tls, text] of [
      [server, { tls: ok }, /metadata\.tls\.ca\.file/],
      [server, ca(otherFile), /another CA|metadata\.tls\.ca\.file/],
      [misnamed, ca(caFile), /metadata\.tls\.verify\.name=false/],
      [server, ca(nothingFile), /holds no PEM certificate/],
      [server, ca("/nowhere/ca.pem"), /Cannot read the CA/],
      [{ url: server.url.replace("https", "http") }, {}, /./],
    ] as const
  ) {
    assert.match((await failure(ask(to, tls))).message, text);
  }
  // What nobody vouched for never got the token.
  for (const { seen } of [server, misnamed]) {
    assert.ok(seen.length >= 1 && seen.length <= 2, `${seen.length}`);
  }
});

Deno.test("metadata over TLS: a self-signed certificate of either kind is trusted by itself", async () => {
  const certs = new URL("../peers/certs/", import.meta.url);
  for (const name of ["self", "selfleaf"]) {
    const file = (end: string) => new URL(`${name}.${end}`, certs).pathname;
    const certificate = {
      cert: await Deno.readTextFile(file("pem")),
      key: await Deno.readTextFile(file("key")),
    };
    await using server = serveMetadata(() => properties(["k", "v"]), certificate);
    const tls = { verify: true, verifyName: false, caFile: file("pem") };
    assert.equal((await clientOf(server, { tls }).get("application", never)).size, 1, name);
  }
});
