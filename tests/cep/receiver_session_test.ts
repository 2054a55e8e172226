import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import {
  connectCall,
  defineStreamCall,
  deleteStreamByIdCall,
  deleteStreamByNameVersionCall,
  findStreamIdCall,
  publishCall,
} from "../../src/cep/data_bridge_messages.ts";
import { definitionCheckMs } from "../../src/cep/defined_streams.ts";
import { Receiver } from "../../src/cep/receiver.ts";
import { ReceiverConnection } from "../../src/cep/receiver_connection.ts";
import {
  bundleOf,
  declareStream,
  eventOf,
  streamDefinitionJson,
  type StreamEvent,
} from "../../src/cep/stream_definition.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type CepReceiver, startCepReceiver } from "../cep_receiver.ts";
import { peerTest } from "../system_peers.ts";
import { Inbox } from "./inbox.ts";
import { plainCall } from "./plain_bridge.ts";
import { receiverTest, testOptions, unverified } from "./receiver_under_test.ts";

const stream = declareStream({
  name: "one",
  version: "1.0.0",
  nickName: "",
  description: "",
  metaData: [],
  correlationData: [],
  payloadData: [{ name: "text", type: "STRING" }],
});
const streamId = "one:1.0.0";

function event(text: string): readonly StreamEvent[] {
  return [eventOf(stream, 1n, { metaData: {}, correlationData: {}, payloadData: { text } })];
}

const never = new AbortController().signal;

/** A session of somebody else at the same receiver. */
async function session(peer: CepReceiver): Promise<string> {
  await using connection = await ReceiverConnection.open(
    { host: "localhost", port: peer.port },
    unverified,
    systemClock,
    never,
  );
  const answer = await connection.call(connectCall("admin", new Secret("admin")), never);
  assert.equal(answer.kind, "answered");
  return answer.kind === "answered" ? answer.value : "";
}

receiverTest(
  "receiver: goes on for 31 minutes with one login more and nothing in the log",
  async (peer) => {
    const { clock, log, options } = testOptions();
    await using receiver = new Receiver(peer, options);
    const everyMs = 15_000;
    for (let atMs = 0; atMs <= 31 * 60_000; atMs += everyMs) {
      await receiver.send(() => event(`${atMs}`), never);
      assert.deepEqual((await peer.events.next()).payload, { text: `${atMs}` });
      const age = receiver.snapshot.sessionAgeMs ?? Infinity;
      assert.ok(age < 30 * 60_000, `${age}`);
      await clock.advance(everyMs);
    }
    assert.equal(await peer.logins(), 2);
    const { connections, failures, events } = receiver.status;
    assert.deepEqual({ connections, failures, events }, {
      connections: 1,
      failures: 0,
      events: 125,
    });
    assert.deepEqual(log.records.map(({ level }) => level), ["info"]);
  },
);

peerTest(
  "receiver: finds out that its definition is lost while its session is not, and defines again",
  [
    "cep-receiver",
  ],
  async () => {
    await using peer = await startCepReceiver();
    const seen = new Inbox<string>();
    peer.onRecord = ({ kind, payload, reason }) => {
      if (kind === "event") seen.push((payload as { text: string }).text);
      if (kind === "dropped") seen.push(`dropped: ${reason}`);
    };
    const { clock, log, options } = testOptions();
    await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
    await receiver.send(() => event("a"), never);
    assert.equal(await seen.next(), "a");
    const call = deleteStreamByIdCall(await session(peer), streamId);
    assert.deepEqual(await plainCall(peer.plainPort, call), { kind: "answered", value: true });
    // The receiver says yes and drops it.
    await clock.advance(definitionCheckMs - 1);
    await receiver.send(() => event("b"), never);
    assert.match(await seen.next(), /^dropped: /);
    await clock.advance(1);
    await receiver.send(() => event("c"), never);
    assert.equal(await seen.next(), "c");
    // Asked about and still there: not defined again.
    const { defines } = await peer.stats() as { defines: number };
    await clock.advance(definitionCheckMs);
    await receiver.send(() => event("d"), never);
    assert.equal(await seen.next(), "d");
    assert.equal((await peer.stats()).defines, defines);
    assert.equal(receiver.status.failures, 0);
    assert.deepEqual(log.records.map(({ level }) => level).filter((level) => level !== "debug"), [
      "info",
    ]);
  },
);

peerTest("receiver: defines again and sends once more when it is told that the stream is unknown", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver({ args: ["--strict"] });
  const seen = new Inbox<string>();
  peer.onRecord = ({ kind, payload }) => {
    if (kind === "event") seen.push((payload as { text: string }).text);
  };
  const { options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await receiver.send(() => event("a"), never);
  const call = deleteStreamByNameVersionCall(await session(peer), "one", "1.0.0");
  assert.deepEqual(await plainCall(peer.plainPort, call), { kind: "answered", value: true });
  await receiver.send(() => event("b"), never);
  assert.deepEqual([await seen.next(), await seen.next()], ["a", "b"]);
  assert.equal(receiver.status.failures, 0);
});

receiverTest("receiver: shows itself to a status display at any time", async (peer) => {
  const { clock, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  const { host, port } = peer;
  assert.deepEqual(receiver.snapshot, {
    host: "localhost",
    port,
    state: "untried",
    sent: 0,
    failed: 0,
  });
  await receiver.send(() => [...event("a"), ...event("b")], never);
  await clock.advance(1_234);
  assert.deepEqual(receiver.snapshot, {
    host,
    port,
    state: "up",
    sessionAgeMs: 1_234,
    sent: 2,
    failed: 0,
  });
  await peer.goAway();
  await assert.rejects(receiver.send(() => event("c"), never), AgentError);
  const { state, sent, failed, lastError } = receiver.snapshot;
  assert.deepEqual({ state, sent, failed }, { state: "unreachable", sent: 2, failed: 1 });
  assert.match(`${lastError}`, /^Cannot connect to the receiver "localhost:/);
});

peerTest("data bridge: has its five other methods on the plain port, and says where the login is", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver();
  const seen = new Inbox<unknown>();
  peer.onRecord = ({ kind, payload, port }) => {
    if (kind === "event") seen.push({ payload, port });
  };
  const id = await session(peer);
  const plain = <T>(call: Parameters<typeof plainCall<T>>[1]) => plainCall(peer.plainPort, call);
  const answered = <T>(value: T) => ({ kind: "answered", value });
  const found = () => plain(findStreamIdCall(id, "one", "1.0.0"));
  const none = await found();
  assert.ok(none.kind === "refused" && none.refusal === "noStreamDefinition");
  assert.deepEqual(
    await plain(defineStreamCall(id, streamDefinitionJson(stream))),
    answered(streamId),
  );
  assert.deepEqual(await found(), answered(streamId));
  const bundle = { sessionId: id, ...bundleOf(event("plain")) };
  assert.deepEqual(await plain(publishCall(bundle)), answered(undefined));
  assert.deepEqual(await seen.next(), { payload: { text: "plain" }, port: "plain" });
  assert.deepEqual(await plain(deleteStreamByIdCall(id, streamId)), answered(true));
  assert.deepEqual(await plain(deleteStreamByNameVersionCall(id, "one", "1.0.0")), answered(false));
  await assert.rejects(
    plain(connectCall("admin", new Secret("admin"))),
    /plain port\? The login is on the TLS port/,
  );
  await peer.post("expire");
  const expired = await found();
  assert.ok(expired.kind === "refused" && expired.refusal === "sessionExpired");
});
