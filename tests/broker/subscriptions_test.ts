import assert from "node:assert/strict";
import type { GrantCode, Link, Subscription } from "../../src/broker/link.ts";
import { Subscriptions } from "../../src/broker/subscriptions.ts";
import { openMqttBroker } from "../../src/sandbox/mqtt_broker.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { never, openAgentEnd } from "./agent_end.ts";

const topology = { filter: "topology/#", qos: 0 } as const;
const notifier = { filter: "instance/notifier/#", qos: 1 } as const;

/** A link that records what is asked and answers as told. */
function scriptedLink(answer: (filter: string) => GrantCode): Link & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    sessionPresent: false,
    ended: new Promise(() => {}),
    heardBytes: 0,
    heardPackets: 0,
    ping: () => {},
    subscribe: (subscriptions: readonly Subscription[]) => {
      asked.push(subscriptions.map(({ filter, qos }) => `${filter} ${qos}`).join(", "));
      return Promise.resolve(subscriptions.map(({ filter }) => answer(filter)));
    },
    publish: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
  };
}

function setUp() {
  const clock = new FakeClock();
  const log = memoryLog();
  const life = new AbortController();
  const random = () => 0.5;
  const options = { clock, log, random, acknowledgeTimeoutMs: 30_000 };
  return { clock, log, life, subscriptions: new Subscriptions(options) };
}

Deno.test("subscriptions: asks again with back-off and says it once when the broker refuses one", async () => {
  const { clock, log, life, subscriptions } = setUp();
  let refusing = true;
  let answered = 0;
  const link = scriptedLink((filter) => refusing && filter === notifier.filter ? 0x80 : 0);
  let granted = false;
  const adding = subscriptions.add([topology, notifier]).then(() => granted = true);
  const kept = subscriptions.keep(link, () => answered++, life.signal);
  await clock.advance(0);
  assert.equal(answered, 1, "a refusal is an answer");
  await clock.advance(499);
  assert.equal(link.asked.length, 1);
  await clock.advance(1);
  await clock.advance(1_000);
  assert.deepEqual(link.asked.slice(1), ["instance/notifier/# 1", "instance/notifier/# 1"]);
  assert.equal(granted, false);
  refusing = false;
  await clock.advance(2_000);
  await adding;
  assert.equal(log.records.filter(({ message }) => message.includes("refuses")).length, 1);
  life.abort();
  await assert.rejects(kept, { name: "AbortError" });
  assert.equal(answered, 1);
});

Deno.test("subscriptions: subscribes everything again on a new connection, and what is added later", async () => {
  const { clock, life, subscriptions } = setUp();
  const first = scriptedLink(() => 0);
  const firstLife = new AbortController();
  void subscriptions.add([topology]);
  const before = subscriptions.keep(first, () => {}, firstLife.signal);
  await clock.advance(0);
  firstLife.abort();
  await assert.rejects(before);
  const second = scriptedLink((filter) => filter === notifier.filter ? 1 : 0);
  const after = subscriptions.keep(second, () => {}, life.signal);
  await clock.advance(0);
  const adding = subscriptions.add([notifier]);
  await adding;
  await subscriptions.add([notifier]);
  assert.deepEqual(first.asked, ["topology/# 0"]);
  assert.deepEqual(second.asked, ["topology/# 0", "instance/notifier/# 1"]);
  life.abort();
  await assert.rejects(after);
});

Deno.test("subscriptions: says it when the broker grants less than was asked for", async () => {
  const { clock, log, life, subscriptions } = setUp();
  const adding = subscriptions.add([notifier]);
  const kept = subscriptions.keep(scriptedLink(() => 0), () => {}, life.signal);
  await clock.advance(0);
  await adding;
  assert.match(log.text(), /error .*"instance\/notifier\/#" at QoS 1.*QoS 0 only/);
  life.abort();
  await assert.rejects(kept);
});

Deno.test("subscriptions: ends with an error when the broker does not answer in time", async () => {
  const { clock, life, subscriptions } = setUp();
  void subscriptions.add([topology]);
  const link = { ...scriptedLink(() => 0), subscribe: () => new Promise<never>(() => {}) };
  const kept = assert.rejects(subscriptions.keep(link, () => {}, life.signal), {
    kind: "unavailable",
    message: /no acknowledgement in 30 s/,
  });
  await clock.advance(30_000);
  await kept;
});

Deno.test("subscriptions: understands a refusal of a real broker", async () => {
  await using broker = await openMqttBroker({ refuses: (filter) => filter === topology.filter });
  await using agent = openAgentEnd([broker.port], { clock: new FakeClock() });
  await agent.connection.subscribe([notifier], never);
  const caller = new AbortController();
  const refused = assert.rejects(agent.connection.subscribe([notifier, topology], caller.signal), {
    name: "AbortError",
  });
  await agent.until(() => agent.log.text().includes('"topology/#": the broker refuses it'));
  caller.abort();
  await refused;
  assert.equal(agent.connected.length, 1, "the connection stays");
  await assert.rejects(agent.connection.subscribe([{ filter: "a#", qos: 0 }], never), {
    kind: "internal",
  });
});
