import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { dialMqtt } from "../../src/broker/mqtt_connection.ts";
import { FakeClock } from "../fake_clock.ts";
import { never, openAgentEnd } from "./agent_end.ts";
import { openScriptedServer, type ScriptedPeer } from "./scripted_server.ts";
import { connack, kind, packet, puback, publish, suback } from "./wire.ts";

const filter = { filter: "topology/#", qos: 0 } as const;

/** Lets the client in and grants its first subscription. */
async function welcome(peer: ScriptedPeer): Promise<void> {
  await peer.readKind(kind.connect);
  await peer.write(connack());
  const subscribe = await peer.readKind(kind.subscribe);
  if (subscribe) await peer.write(suback(subscribe, [0]));
}

Deno.test("broker connection: backs off and says why when the server talks garbage", async () => {
  await using server = openScriptedServer(async (peer) => {
    await peer.readKind(kind.connect);
    await peer.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await peer.read();
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([server.port], { clock });
  await agent.until(() => agent.log.text().includes("No broker is reachable"));
  assert.match(agent.log.text(), /not MQTT 3\.1\.1: a packet begins with 0x48/);
  await clock.untilSleeping();
  await clock.advance(10_000);
  await agent.until(() => agent.log.records.filter(({ level }) => level === "debug").length === 2);
  assert.equal(server.connections, 2);
  assert.equal(agent.log.text().match(/No broker is reachable/g)?.length, 1);
});

Deno.test("broker connection: gives up after the time limit when no CONNACK comes", async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await peer.readKind(kind.connect);
    asked.resolve();
    await peer.read();
    gone.resolve();
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([server.port], { clock });
  await asked.promise;
  await clock.advance(9_999);
  assert.equal(agent.log.text(), "");
  await clock.advance(1);
  await agent.until(() => agent.log.text().includes("no answer in 10 s"));
  await gone.promise;
});

Deno.test("broker connection: pings, then connects anew when the broker falls silent", async () => {
  const pinged = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    if (peer.number === 1 && await peer.readKind(kind.ping)) pinged.resolve();
    await peer.readKind(kind.bye);
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([server.port], { clock });
  await agent.connection.subscribe([filter], never);
  // The first half period heard the acknowledgements; two silent ones end it.
  await clock.advance(15_000);
  await pinged.promise;
  await clock.advance(15_000);
  assert.deepEqual(agent.lost, []);
  await clock.advance(15_000);
  await agent.until(() => agent.lost.length === 1);
  assert.deepEqual(agent.lost, ["the broker was silent for 30 s"]);
  await clock.untilSleeping();
  await clock.advance(1_000);
  await agent.until(() => agent.connected.length === 2);
});

Deno.test("broker connection: passes a message over the limit over, acknowledges it, and takes the next", async () => {
  const acknowledged = Promise.withResolvers<void>();
  const large = publish("topology/T", "x".repeat(200_000), 1);
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.write(large);
    await peer.write(publish("topology/T", "fits", 1));
    await peer.readKind(kind.puback);
    await peer.readKind(kind.puback);
    acknowledged.resolve();
    await peer.readKind(kind.bye);
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([server.port], { clock, broker: { maxMessageBytes: 100_000 } });
  await agent.connection.subscribe([filter], never);
  await agent.until(() => agent.messages.length === 2);
  await acknowledged.promise;
  assert.deepEqual(agent.messages, ["topology/T ", "topology/T fits"]);
  const warnings = agent.log.records.filter(({ level }) => level === "warning");
  assert.deepEqual(warnings.map(({ message }) => message), [
    `A message of ${large.length} bytes is passed over: the limit is 100000 (mb.limit.bytes)`,
  ]);
  assert.equal(agent.lost.length, 0);
});

Deno.test("broker connection: delivers what comes before the subscription is acknowledged", async () => {
  await using server = openScriptedServer(async (peer) => {
    await peer.readKind(kind.connect);
    await peer.write(
      Uint8Array.from([...connack(0, 1), ...publish("instance/notifier/E", "early", 1)]),
    );
    const subscribe = await peer.readKind(kind.subscribe);
    await peer.write(suback(subscribe!, [0]));
    await peer.readKind(kind.bye);
  });
  await using agent = openAgentEnd([server.port]);
  await agent.connection.subscribe([filter], never);
  await agent.until(() => agent.messages.length === 1);
  assert.deepEqual(agent.messages, ["instance/notifier/E early"]);
});

Deno.test("broker connection: delivers once and completes the exchange when QoS 2 comes unasked", async () => {
  const answers: number[] = [];
  const done = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.write(publish("topology/T", "twice sure", 2, 7));
    answers.push((await peer.readKind(kind.pubrec))![0]!);
    await peer.write(packet(0x62, [0, 7]));
    answers.push((await peer.readKind(kind.pubcomp))![0]!);
    done.resolve();
    await peer.readKind(kind.bye);
  });
  await using agent = openAgentEnd([server.port]);
  await agent.connection.subscribe([filter], never);
  await done.promise;
  assert.deepEqual(answers, [0x50, 0x70]);
  assert.deepEqual(agent.messages, ["topology/T twice sure"]);
});

Deno.test("broker connection: acknowledges a message of QoS 1 only when it was taken", async () => {
  const acknowledged: number[] = [];
  const done = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    for (const id of [1, 2, 3]) await peer.write(publish("topology/T", `${id}`, 1, id));
    for (let count = 0; count < 2; count++) {
      acknowledged.push((await peer.readKind(kind.puback))!.at(-1)!);
    }
    done.resolve();
    await peer.readKind(kind.bye);
  });
  await using agent = openAgentEnd([server.port], {
    handlers: {
      onMessage: (_topic, payload) => {
        if (payload[0] === "3".charCodeAt(0)) throw new Error("handler fault");
        return payload[0] !== "2".charCodeAt(0);
      },
    },
  });
  await agent.connection.subscribe([filter], never);
  await done.promise;
  assert.deepEqual(acknowledged, [1, 3]);
  assert.deepEqual(agent.messages, ["topology/T 1", "topology/T 2", "topology/T 3"]);
});

Deno.test("broker connection: leaves to the next run what comes while it is being closed", async () => {
  const leaving = Promise.withResolvers<void>();
  const answers: (Uint8Array | undefined)[] = [];
  const over = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.readKind(kind.bye);
    await peer.write(publish("topology/T", "late", 1, 9));
    leaving.resolve();
    answers.push(await peer.read());
    over.resolve();
  });
  const agent = openAgentEnd([server.port]);
  await agent.connection.subscribe([filter], never);
  await Promise.all([agent[Symbol.asyncDispose](), leaving.promise, over.promise]);
  assert.deepEqual(answers, [undefined]);
  assert.deepEqual(agent.messages, []);
});

Deno.test("broker connection: rejects a publication when nothing acknowledges it in 30 s", async () => {
  const second = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.readKind(kind.publish);
    const next = await peer.readKind(kind.publish);
    await peer.write(puback(next!));
    second.resolve();
    await peer.readKind(kind.bye);
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([server.port], { clock, keepAliveSeconds: 3600 });
  await agent.connection.subscribe([filter], never);
  let failed = false;
  const first = assert.rejects(agent.connection.publish("a", "1", never), {
    kind: "unavailable",
    retryable: true,
    message: /no acknowledgement in 30 s/,
  }).then(() => failed = true);
  await clock.advance(29_999);
  assert.equal(failed, false);
  await clock.advance(1);
  await first;
  await agent.connection.publish("a", "2", never);
  await second.promise;
  assert.deepEqual(agent.lost, [], "the connection itself is fine");
});

Deno.test("broker connection: rejects a publication when the connection is lost before PUBACK", async () => {
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.readKind(kind.publish);
  });
  await using agent = openAgentEnd([server.port], { clock: new FakeClock() });
  await agent.connection.subscribe([filter], never);
  await assert.rejects(agent.connection.publish("a", "1", never), {
    kind: "unavailable",
    retryable: true,
    message: /the broker closed the connection/,
  });
});

Deno.test("broker connection: tries the next broker when one never acknowledges a subscription", async () => {
  const asked = Promise.withResolvers<void>();
  await using mute = openScriptedServer(async (peer) => {
    await peer.readKind(kind.connect);
    await peer.write(connack());
    await peer.readKind(kind.subscribe);
    asked.resolve();
    await peer.read();
  });
  await using good = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.readKind(kind.bye);
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([mute.port, good.port], { clock, keepAliveSeconds: 3600 });
  const subscribed = agent.connection.subscribe([filter], never);
  await asked.promise;
  await clock.advance(30_000);
  await subscribed;
  assert.deepEqual(agent.connected.map(({ broker }) => broker.port), [good.port]);
});

Deno.test("broker connection: tries the next broker when one acknowledges no publication any more", async () => {
  await using mute = openScriptedServer(async (peer) => {
    await welcome(peer);
    while (await peer.read()) { /* hears everything, says nothing */ }
  });
  await using good = openScriptedServer(async (peer) => {
    await welcome(peer);
    await peer.readKind(kind.bye);
  });
  const clock = new FakeClock();
  await using agent = openAgentEnd([mute.port, good.port], { clock, keepAliveSeconds: 3600 });
  await agent.connection.subscribe([filter], never);
  for (const text of ["1", "2"]) {
    const rejected = assert.rejects(
      agent.connection.publish("a", text, never),
      /no acknowledgement/,
    );
    await clock.untilSleeping();
    await clock.advance(30_000);
    await rejected;
  }
  await agent.until(() => agent.connected.length === 2);
  assert.deepEqual(agent.connected.map(({ broker }) => broker.port), [mute.port, good.port]);
  assert.match(agent.lost[0]!, /acknowledges nothing/);
});

Deno.test("broker connection: closes within two seconds when the server ignores the good-bye", async () => {
  const farewell = Promise.withResolvers<number | undefined>();
  const closed = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (peer) => {
    await welcome(peer);
    farewell.resolve((await peer.readKind(kind.bye))?.[0]);
    await closed.promise;
  });
  const agent = openAgentEnd([server.port]);
  await agent.connection.subscribe([filter], never);
  const startMs = performance.now();
  await agent[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
  assert.ok(performance.now() - startMs < 5_000);
  assert.equal(await farewell.promise, 0xe0);
  assert.deepEqual(agent.lost, [], "closing is no loss");
  closed.resolve();
});

Deno.test("broker connection: survives whatever a server sends after its CONNACK", async () => {
  const first = fc.constantFrom(0x20, 0x30, 0x32, 0x34, 0x3d, 0x40, 0x62, 0x90, 0xb0, 0xd0, 0xf0);
  const any = fc.oneof(
    fc.tuple(first, fc.uint8Array({ maxLength: 40 })).map(([head, body]) => packet(head, body)),
    fc.tuple(
      fc.string({ maxLength: 5 }),
      fc.string({ maxLength: 5 }),
      fc.integer({ max: 2, min: 0 }),
    )
      .map(([topic, text, qos]) => publish(topic, text, qos as 0 | 1 | 2)),
    fc.uint8Array({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(any, { maxLength: 6 }), async (packets) => {
      await using server = openScriptedServer(async (peer) => {
        await peer.readKind(kind.connect);
        await peer.write(connack());
        for (const bytes of packets) await peer.write(bytes);
      });
      const life = new AbortController();
      const target = {
        broker: { host: "127.0.0.1", port: server.port },
        clientId: "m",
        clean: false,
        keepAliveSeconds: 30,
        maxPacketBytes: 1_000,
        onOversized: () => {},
        onMessage: () => true,
      };
      const link = await dialMqtt(target, life.signal).catch((error) => {
        assert.ok(error instanceof AgentError, error);
      });
      if (!link) return;
      // Both may fail, but must come to an end, and so must the connection.
      await Promise.allSettled([
        link.subscribe([{ filter: "a", qos: 1 }], life.signal),
        link.publish("a", "b", life.signal),
      ]);
      assert.equal(typeof await link.ended, "string");
    }),
    { numRuns: 150 },
  );
});
