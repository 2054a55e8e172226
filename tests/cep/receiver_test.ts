import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { declareStream, eventOf, type StreamEvent } from "../../src/cep/stream_definition.ts";
import { idleLimitMs, Receiver, sessionRenewalMs } from "../../src/cep/receiver.ts";
import { startCepReceiver } from "../cep_receiver.ts";
import { peerTest } from "../system_peers.ts";
import { receiverTest, testOptions } from "./receiver_under_test.ts";

const stream = declareStream({
  name: "one",
  version: "1.0.0",
  nickName: "",
  description: "",
  metaData: [],
  correlationData: [],
  payloadData: [{ name: "text", type: "STRING" }],
});

function event(text: string): readonly StreamEvent[] {
  return [eventOf(stream, 1n, { metaData: {}, correlationData: {}, payloadData: { text } })];
}

const never = new AbortController().signal;

receiverTest("receiver: defines the stream and delivers when it sends", async (peer) => {
  const { log, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  const sent = event("hello");
  assert.equal(await receiver.send(() => sent, never), sent);
  assert.deepEqual((await peer.events.next()).payload, { text: "hello" });
  assert.deepEqual(receiver.status, {
    receiver: `localhost:${peer.port}`,
    state: "up",
    bundles: 1,
    events: 1,
    failures: 0,
    connections: 1,
    logins: 1,
  });
  assert.equal(log.text(), `info test receiver localhost:${peer.port}: connected and logged in`);
});

receiverTest("receiver: keeps connection and session when it sends again soon", async (peer) => {
  const { clock, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  for (const text of ["a", "b", "c"]) {
    await receiver.send(() => event(text), never);
    await clock.advance(idleLimitMs - 1);
  }
  const { connections, logins, bundles } = receiver.status;
  assert.deepEqual({ connections, logins, bundles }, { connections: 1, logins: 1, bundles: 3 });
});

receiverTest("receiver: connects anew when the connection was idle for 25 s", async (peer) => {
  const { clock, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  await receiver.send(() => event("a"), never);
  await clock.advance(idleLimitMs);
  await receiver.send(() => event("b"), never);
  const { connections, logins, failures } = receiver.status;
  assert.deepEqual({ connections, logins, failures }, { connections: 2, logins: 1, failures: 0 });
});

receiverTest("receiver: logs in again quietly before a session is 30 minutes old", async (peer) => {
  const { clock, log, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  await receiver.send(() => event("a"), never);
  await clock.advance(sessionRenewalMs - 1);
  await receiver.send(() => event("b"), never);
  assert.equal(await peer.logins(), 1);
  await clock.advance(1);
  await receiver.send(() => event("c"), never);
  assert.equal(await peer.logins(), 2);
  assert.deepEqual(log.records.map(({ level }) => level), ["info"]);
});

receiverTest(
  "receiver: logs in, defines and sends again when the session expired",
  async (peer) => {
    const { log, options } = testOptions();
    await using receiver = new Receiver(peer, options);
    await receiver.send(() => event("a"), never);
    await peer.expireSessions();
    await receiver.send(() => event("b"), never);
    assert.deepEqual((await peer.events.next()).payload, { text: "a" });
    assert.deepEqual((await peer.events.next()).payload, { text: "b" });
    assert.equal(await peer.logins(), 2);
    assert.equal(receiver.status.failures, 0);
    assert.ok(!log.records.some(({ level }) => level === "warning" || level === "error"));
  },
);

receiverTest("receiver: connects and sends again when connections were dropped", async (peer) => {
  const { options } = testOptions();
  await using receiver = new Receiver(peer, options);
  await receiver.send(() => event("a"), never);
  await peer.dropConnections();
  await receiver.send(() => event("b"), never);
  const { connections, logins, failures } = receiver.status;
  assert.deepEqual({ connections, logins, failures }, { connections: 2, logins: 1, failures: 0 });
});

receiverTest("receiver: delivers when the server has restarted and forgotten all", async (peer) => {
  const { log, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  await receiver.send(() => event("a"), never);
  await peer.restart();
  await receiver.send(() => event("b"), never);
  assert.deepEqual((await peer.events.next()).payload, { text: "a" });
  assert.deepEqual((await peer.events.next()).payload, { text: "b" });
  assert.equal(receiver.status.failures, 0);
  assert.ok(!log.records.some(({ level }) => level === "warning" || level === "error"));
});

receiverTest(
  "receiver: backs off up to 30 s with one line when the server is away",
  async (peer) => {
    const { clock, log, options } = testOptions();
    await using receiver = new Receiver(peer, options);
    await peer.goAway();
    for (const upperMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      assert.equal(receiver.waitMs, 0);
      await assert.rejects(receiver.send(() => event("a"), never), AgentError);
      assert.ok(receiver.waitMs <= upperMs && receiver.waitMs > upperMs * 0.99, `${upperMs}`);
      assert.equal(receiver.status.state, "unreachable");
      await clock.advance(receiver.waitMs);
    }
    assert.equal(log.records.filter(({ level }) => level === "warning").length, 1, log.text());
    await peer.comeBack();
    await receiver.send(() => event("b"), never);
    assert.deepEqual((await peer.events.next()).payload, { text: "b" });
    assert.equal(log.records.at(-1)?.level, "info");
    assert.match(log.records.at(-1)!.message, /works again after 7 failed attempts/);
    assert.equal(receiver.status.lastError, undefined);
  },
);

receiverTest("receiver: backs off with one line when the login is refused", async (peer) => {
  const { clock, log, options } = testOptions({ password: new Secret("not-the-password") });
  await using receiver = new Receiver(peer, options);
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(
      receiver.send(() => event("a"), never),
      /Cannot log in to the receiver "localhost:\d+": wrong userName or password/,
    );
    await clock.advance(receiver.waitMs);
  }
  assert.equal(receiver.status.state, "refusing");
  assert.equal(receiver.status.logins, 0);
  assert.equal(log.records.filter(({ level }) => level === "warning").length, 1, log.text());
  assert.ok(!log.text().includes("not-the-password"));
});

receiverTest("receiver: asks what is current right before it sends", async (peer) => {
  const { options } = testOptions();
  await using receiver = new Receiver(peer, options);
  let asked = 0;
  const newest = () => event(asked++ === 0 ? "old" : "new");
  await receiver.send(newest, never);
  assert.deepEqual((await peer.events.next()).payload, { text: "new" });
  assert.equal(await receiver.send(() => undefined, never), undefined);
  assert.equal(receiver.status.bundles, 1);
});

receiverTest("receiver: ends what is in progress when it is aborted", async (peer) => {
  const { log, options } = testOptions();
  await using receiver = new Receiver(peer, options);
  const abort = new AbortController();
  const sending = receiver.send(() => {
    abort.abort();
    return event("a");
  }, abort.signal);
  await assert.rejects(sending, (error) => error === abort.signal.reason);
  assert.equal(receiver.status.failures, 0);
  assert.ok(!log.records.some(({ level }) => level === "warning"));
});

peerTest("receiver: connects anew when the server closed the idle connection", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver({ args: ["--ssl-idle-timeout", "1"] });
  const closed = Promise.withResolvers<void>();
  peer.onRecord = ({ kind, why }) => {
    if (kind === "closed" && why === "idle timeout") closed.resolve();
  };
  const { log, options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await receiver.send(() => event("a"), never);
  await closed.promise;
  await receiver.send(() => event("b"), never);
  const { connections, failures, events } = receiver.status;
  assert.deepEqual({ connections, failures, events }, { connections: 2, failures: 0, events: 2 });
  assert.ok(!log.records.some(({ level }) => level === "warning"));
});

for (const dropWhen of ["before", "after"]) {
  peerTest(`receiver: sends once more when the connection is reset ${dropWhen} the event counted`, [
    "cep-receiver",
  ], async () => {
    await using peer = await startCepReceiver({ args: ["--drop-when", dropWhen] });
    const texts: unknown[] = [];
    peer.onRecord = ({ kind, payload }) => {
      if (kind === "event") texts.push((payload as { text: string }).text);
    };
    const { options } = testOptions();
    await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
    await receiver.send(() => event("a"), never);
    // The connection's second publish is its last; the one that replaces it has its first.
    await peer.post("faults", { drop_after: 2 });
    await receiver.send(() => event("b"), never);
    assert.equal(receiver.status.connections, 2);
    assert.equal(receiver.status.failures, 0);
    assert.equal((await peer.stats()).events, dropWhen === "before" ? 2 : 3);
  });
}

peerTest("receiver: fails after one more try when every connection is reset", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver({ args: ["--drop-after", "1"] });
  const { options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await assert.rejects(receiver.send(() => event("a"), never), /Cannot call "publish"/);
  assert.equal(receiver.status.connections, 2);
  assert.equal(receiver.status.failures, 1);
});

peerTest("receiver: drops the connection when an answer takes too long", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver();
  const { clock, options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await receiver.send(() => event("a"), never);
  await peer.post("faults", { slow_ms: 1_000, slow_method: "publish" });
  const failed = assert.rejects(
    receiver.send(() => event("b"), never),
    /Cannot call "publish at localhost:\d+": no answer within 10 s/,
  );
  await clock.untilSleeping(1);
  await clock.advance(10_000);
  await failed;
  assert.equal(receiver.status.state, "unreachable");
  await peer.post("faults", { slow_ms: 0 });
  await receiver.send(() => event("c"), never);
  assert.equal(receiver.status.connections, 2);
  assert.equal(receiver.status.state, "up");
});

peerTest("receiver: gives up the handshake when the server accepts and never answers", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver({ args: ["--blackhole"] });
  const { clock, log, options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  const failed = assert.rejects(receiver.send(() => event("a"), never), /within 10 s/);
  await clock.untilSleeping(1);
  await clock.advance(10_000);
  await failed;
  assert.equal(log.records.filter(({ level }) => level === "warning").length, 1);
});

peerTest("receiver: says that the receiver failed when it answers with a fault", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver({ args: ["--internal-error-every", "1"] });
  const { options } = testOptions();
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await assert.rejects(
    receiver.send(() => event("a"), never),
    /the receiver failed: Internal error processing publish/,
  );
});

peerTest("receiver: names the stream's trouble when it is defined otherwise", [
  "cep-receiver",
], async () => {
  await using peer = await startCepReceiver();
  const { options } = testOptions();
  const other = declareStream({ ...stream, payloadData: [{ name: "text", type: "INT" }] });
  await using receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await receiver.send(() => event("a"), never);
  await using second = new Receiver({ host: "localhost", port: peer.port }, options);
  const values = { metaData: {}, correlationData: {}, payloadData: { text: 1 } };
  await assert.rejects(
    second.send(() => [eventOf(other, 1n, values)], never),
    /Cannot define a stream at "localhost:\d+": Similar event stream/,
  );
});

peerTest("receiver: logs out when it is disposed", ["cep-receiver"], async () => {
  await using peer = await startCepReceiver();
  const { options } = testOptions();
  const receiver = new Receiver({ host: "localhost", port: peer.port }, options);
  await receiver.send(() => event("a"), never);
  await receiver[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  const { sessions, disconnects } = await peer.stats();
  assert.deepEqual({ sessions, disconnects }, { sessions: 0, disconnects: 1 });
});
