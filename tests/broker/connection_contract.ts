import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { FakeClock } from "../fake_clock.ts";
import { freePort } from "../mosquitto.ts";
import { never, openAgentEnd } from "./agent_end.ts";
import { openMqttPeer } from "./mqtt_peer.ts";

/** What the contract needs of a broker. */
export interface ContractBroker extends AsyncDisposable {
  readonly port: number;
  /** Ends it so that clients notice; sessions are kept. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
}

/** Credentials that a broker shall ask for. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What {@link BrokerConnection} does at every broker. */
export function connectionContract(
  name: string,
  open: (credentials?: Credentials) => Promise<ContractBroker>,
  test: (title: string, body: () => Promise<void>) => void,
): void {
  const notifier = { filter: "instance/notifier/#", qos: 1 } as const;
  const topology = { filter: "topology/#", qos: 0 } as const;

  test(`${name}: delivers at QoS 1 what was published while the agent was away, not at QoS 0`, async () => {
    await using broker = await open();
    {
      await using before = openAgentEnd([broker.port]);
      await before.connection.subscribe([notifier, topology], never);
      assert.equal(before.connected[0]?.sessionPresent, false);
    }
    await using platform = await openMqttPeer(broker.port);
    await platform.publish("topology/CompleteTopologyEvent", "old");
    await platform.publish("instance/notifier/ArtifactUpdatedEvent", "1");
    await platform.publish("instance/notifier/ArtifactUpdatedEvent", "2", 1);

    await using after = openAgentEnd([broker.port]);
    await after.connection.subscribe([topology, notifier], never);
    await platform.publish("topology/CompleteTopologyEvent", "new");
    await after.until(() => after.messages.length >= 3);
    assert.deepEqual(after.messages, [
      "instance/notifier/ArtifactUpdatedEvent 1",
      "instance/notifier/ArtifactUpdatedEvent 2",
      "topology/CompleteTopologyEvent new",
    ]);
    assert.deepEqual(after.connected, [
      { broker: { host: "127.0.0.1", port: broker.port }, sessionPresent: true, gap: false },
    ]);
  });

  test(`${name}: delivers again to the next connection what was not taken`, async () => {
    await using broker = await open();
    {
      await using before = openAgentEnd([broker.port], { handlers: { onMessage: () => false } });
      await before.connection.subscribe([notifier], never);
      await using platform = await openMqttPeer(broker.port);
      await platform.publish("instance/notifier/E", "1", 1);
      await platform.publish("instance/notifier/E", "2", 1);
      await before.until(() => before.messages.length === 2);
    }
    await using after = openAgentEnd([broker.port]);
    await after.until(() => after.messages.length === 2);
    assert.deepEqual(after.messages, ["instance/notifier/E 1", "instance/notifier/E 2"]);
  });

  test(`${name}: keeps the order when many messages arrive`, async () => {
    await using broker = await open();
    await using agent = openAgentEnd([broker.port]);
    await agent.connection.subscribe([notifier], never);
    await using platform = await openMqttPeer(broker.port);
    const sent = Array.from({ length: 300 }, (_, at) => `instance/notifier/E ${at}`);
    await Promise.all(sent.map((_, at) => platform.publish("instance/notifier/E", `${at}`, 1)));
    await agent.until(() => agent.messages.length >= sent.length);
    assert.deepEqual(agent.messages, sent);
  });

  test(`${name}: passes messages of 10 MB in both directions`, async () => {
    await using broker = await open();
    await using agent = openAgentEnd([broker.port]);
    await agent.connection.subscribe([topology], never);
    await using platform = await openMqttPeer(broker.port);
    await platform.subscribe("instance/status/#");
    const large = "x".repeat(10_000_000);
    await platform.publish("topology/T", large);
    await agent.until(() => agent.messages.length === 1);
    assert.ok(agent.messages[0] === `topology/T ${large}`);
    await agent.connection.publish("instance/status/S", large, never);
    await platform.untilReceived(1);
    assert.ok(platform.received[0] === `instance/status/S ${large}`);
  });

  test(`${name}: goes to the second broker when the first is dead`, async () => {
    await using broker = await open();
    const clock = new FakeClock();
    await using agent = openAgentEnd([freePort(), broker.port], { clock });
    await agent.connection.subscribe([notifier], never);
    assert.equal(agent.connection.current()?.port, broker.port);
    assert.equal(clock.monotonicMs(), 0, "no back-off between the brokers of one round");
  });

  test(`${name}: resubscribes and tells of the gap when the broker was restarted`, async () => {
    await using broker = await open();
    await using agent = openAgentEnd([broker.port]);
    await agent.connection.subscribe([notifier, topology], never);
    await broker.stop();
    await agent.until(() => agent.lost.length === 1);
    assert.equal(agent.connection.current(), undefined);
    await assert.rejects(agent.connection.publish("a", "b", never), {
      kind: "unavailable",
      retryable: true,
    });
    await broker.restart();
    await agent.until(() => agent.connected.length === 2);
    assert.deepEqual(agent.connected.map(({ gap }) => gap), [false, true]);
    assert.equal(agent.connected[1]?.sessionPresent, true);
    await using platform = await openMqttPeer(broker.port);
    await platform.publish("topology/T", "after");
    await agent.until(() => agent.messages.length === 1);
    assert.deepEqual(agent.messages, ["topology/T after"]);
  });

  test(`${name}: subscribes as soon as the broker is there when it was not`, async () => {
    await using broker = await open();
    await broker.stop();
    await using agent = openAgentEnd([broker.port]);
    const subscribed = agent.connection.subscribe([notifier], never);
    await agent.until(() => agent.log.text().includes("No broker is reachable"));
    await broker.restart();
    await subscribed;
    const warnings = agent.log.records.filter(({ level }) => level === "warning");
    assert.equal(warnings.length, 1, agent.log.text());
  });

  test(`${name}: has the session removed when it is to be forgotten`, async () => {
    await using broker = await open();
    {
      await using agent = openAgentEnd([broker.port]);
      await agent.connection.subscribe([notifier], never);
      await agent.connection.forgetSession(never);
      assert.equal(agent.connected[1]?.sessionPresent, false);
      await using platform = await openMqttPeer(broker.port);
      await platform.publish("instance/notifier/E", "still subscribed");
      await agent.until(() => agent.messages.length === 1);
    }
    await using platform = await openMqttPeer(broker.port);
    await platform.publish("instance/notifier/E", "to nobody");
    await using after = openAgentEnd([broker.port]);
    await after.connection.subscribe([notifier], never);
    await platform.publish("instance/notifier/E", "new");
    await after.until(() => after.messages.length === 1);
    assert.equal(after.connected[0]?.sessionPresent, false);
    assert.deepEqual(after.messages, ["instance/notifier/E new"]);
  });

  test(`${name}: tries a few times a minute and says it once when the password is wrong`, async () => {
    await using broker = await open({ username: "agent", password: "right" });
    const clock = new FakeClock();
    const password = new Secret("secret-but-wrong");
    await using agent = openAgentEnd([broker.port], {
      clock,
      broker: { username: "agent", password },
    });
    const attempts = () => agent.log.records.filter(({ level }) => level === "debug").length;
    for (let attempt = 1; attempt <= 4; attempt++) {
      await agent.until(() => attempts() === attempt);
      await clock.untilSleeping();
      await clock.advance(clock.nextInMs!);
    }
    assert.ok(clock.monotonicMs() >= 40_000, `four attempts in ${clock.monotonicMs()} ms`);
    const errors = agent.log.records.filter(({ level }) => level !== "debug");
    assert.deepEqual(errors.map(({ level }) => level), ["error"], agent.log.text());
    assert.match(errors[0]!.message, /^Cannot connect to "127.0.0.1:\d+": .*(wrong|authorised)/);
    assert.ok(!agent.log.text().includes("secret-but-wrong"));
  });

  test(`${name}: gets in with user name and password`, async () => {
    await using broker = await open({ username: "agent", password: "right" });
    await using agent = openAgentEnd([broker.port], {
      broker: { username: "agent", password: new Secret("right") },
    });
    await agent.connection.subscribe([notifier], never);
    assert.equal(agent.connected.length, 1);
  });
}
