import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import {
  connectCall,
  type DataBridgeCall,
  defineStreamCall,
  deleteStreamByIdCall,
  deleteStreamByNameVersionCall,
  disconnectCall,
  type EventBundle,
  findStreamIdCall,
  publishCall,
} from "../../src/cep/data_bridge_messages.ts";
import { ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import {
  type CepServer,
  type CepServerOptions,
  openCepServer,
  type ReceivedEvent,
} from "../../src/sandbox/cep_server.ts";

const never = new AbortController().signal;
const definition = JSON.stringify({
  name: "all.types",
  version: "1.0.0",
  metaData: [{ name: "m", type: "STRING" }],
  correlationData: [{ name: "c", type: "LONG" }],
  payloadData: [
    { name: "i", type: "INT" },
    { name: "f", type: "FLOAT" },
    { name: "d", type: "DOUBLE" },
    { name: "b", type: "BOOL" },
  ],
});

const bundle: EventBundle = {
  eventNum: 1,
  ints: [-7],
  longs: [1446359400123n, 2n ** 60n],
  doubles: [0.5, -2.25],
  bools: [true],
  strings: ["all.types:1.0.0", "_null"],
};

/** Starts a server, and logs in with its own certificate checked. */
async function withServer(
  options: CepServerOptions,
  test: (
    call: <T>(call: DataBridgeCall<T>) => Promise<T | string>,
    session: string,
    server: CepServer,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using server = await openCepServer(options);
    const caFile = `${folder}/ca.pem`;
    await Deno.writeTextFile(caFile, server.caPem);
    const tls = { verify: true, verifyName: true, caFile };
    for (const host of ["localhost", "127.0.0.1"]) {
      const receiver = { host, port: server.port };
      await using connection = await ReceiverConnection.open(receiver, tls, systemClock, never);
      const call = async <T>(wanted: DataBridgeCall<T>) => {
        const answer = await connection.call(wanted, never);
        return answer.kind === "answered" ? answer.value : `${answer.refusal}: ${answer.message}`;
      };
      const session = await call(connectCall("admin", new Secret("admin")));
      if (host === "localhost") await test(call, session, server);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("embedded receiver: reads events of every type as the definition says", async () => {
  const events: ReceivedEvent[] = [];
  await withServer({ onEvent: (event) => events.push(event) }, async (call, session) => {
    assert.equal(await call(defineStreamCall(session, definition)), "all.types:1.0.0");
    assert.equal(await call(publishCall({ ...bundle, sessionId: session })), undefined);
  });
  assert.deepEqual(events, [{
    streamId: "all.types:1.0.0",
    timestampMs: 1446359400123n,
    meta: { m: null },
    correlation: { c: 2n ** 60n },
    payload: { i: -7, f: 0.5, d: -2.25, b: true },
  }]);
});

Deno.test("embedded receiver: confirms a wrong bundle, drops it, and says so here", async () => {
  const problems: string[] = [];
  const onEvent = () => assert.fail("no event");
  const onProblem = (problem: string) => problems.push(problem);
  await withServer({ onEvent, onProblem }, async (call, session) => {
    const publish = (changes: EventBundle) =>
      call(publishCall({ ...bundle, sessionId: session, ...changes }));
    assert.equal(await publish({}), undefined);
    await call(defineStreamCall(session, definition));
    assert.equal(await publish({ doubles: [0.5] }), undefined);
    assert.equal(await publish({ ints: [1, 2] }), undefined);
    assert.equal(await publish({ eventNum: 2 }), undefined);
  });
  assert.deepEqual(problems, [
    "bundle dropped: no stream all.types:1.0.0",
    "bundle dropped: no DOUBLE for d",
    "bundle dropped: 1 values left in list 3",
    "bundle dropped: no STRING for the stream id",
  ]);
});

Deno.test("embedded receiver: refuses as the real one does", async () => {
  await withServer({}, async (call, session, server) => {
    assert.match(
      await call(connectCall("admin", new Secret("wrong"))),
      /^authentication: wrong userName or password/,
    );
    assert.match(String(await call(publishCall(bundle))), /^sessionExpired:/);
    assert.match(await call(defineStreamCall("x", definition)), /^sessionExpired: x expired/);
    assert.match(await call(defineStreamCall(session, "{")), /^malformedDefinition:/);
    assert.match(await call(findStreamIdCall(session, "n", "1.0.0")), /^noStreamDefinition:/);
    await call(defineStreamCall(session, definition));
    await call(defineStreamCall(session, definition));
    const other = definition.replace('"INT"', '"LONG"');
    assert.match(await call(defineStreamCall(session, other)), /^differentDefinition:/);
    assert.equal(await call(findStreamIdCall(session, "all.types", "1.0.0")), "all.types:1.0.0");
    assert.equal(await call(deleteStreamByIdCall(session, "all.types:1.0.0")), true);
    const again = deleteStreamByNameVersionCall(session, "all.types", "1.0.0");
    assert.equal(await call(again), false);
    assert.equal(await call(disconnectCall(session)), undefined);
    assert.match(await call(findStreamIdCall(session, "n", "1.0.0")), /^sessionExpired:/);
    assert.deepEqual(server.counts, {
      connections: 1,
      logins: 1,
      definitions: 2,
      bundles: 0,
      events: 0,
    });
  });
});

Deno.test("embedded receiver: ends sessions, connections and all when told", async () => {
  await withServer({}, async (call, session, server) => {
    const find = (id: string) => call(findStreamIdCall(id, "all.types", "1.0.0"));
    server.expireSessions();
    assert.match(await find(session), /^sessionExpired:/);
    server.dropConnections();
    await assert.rejects(find(session), /Cannot call "findStreamId"/);
    const { port } = server;
    await server.stop();
    await server.stop();
    await server.restart();
    await server.restart();
    assert.equal(server.port, port);
  });
});

Deno.test("embedded receiver: names the port when it is taken", async () => {
  await using server = await openCepServer();
  await assert.rejects(
    openCepServer({ port: server.port }),
    new RegExp(`Cannot listen on "127\\.0\\.0\\.1:${server.port}"`),
  );
});

Deno.test("embedded receiver: stops and listens again while a connection has not finished its handshake", async () => {
  await using server = await openCepServer();
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  // Accepted in order: once this one is served, the silent one is known.
  using served = await Deno.connectTls({
    hostname: "localhost",
    port: server.port,
    caCerts: [server.caPem],
  });
  await served.handshake();
  await server.stop();
  assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
  await server.restart();
});
