import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import type { Dial, Link, LinkTarget } from "../../src/broker/link.ts";
import { dialMqtt } from "../../src/broker/mqtt_connection.ts";
import type { BrokerPort } from "../../src/lifecycle/ports.ts";
import { FakeClock } from "../fake_clock.ts";
import { never, openAgentEnd } from "./agent_end.ts";

/** A link that a test ends. */
interface FakeLink extends Link {
  readonly target: LinkTarget;
  readonly life: AbortSignal;
  readonly end: (reason: string) => void;
  disconnects: number;
}

/** A dial without a network: grants everything, unless `refuse` says why not. */
function fakeDial(refuse: (target: LinkTarget) => Error | undefined = () => undefined) {
  const links: FakeLink[] = [];
  const tried: number[] = [];
  const dial: Dial = (target, life) => {
    tried.push(target.broker.port);
    const error = refuse(target);
    if (error) return Promise.reject(error);
    const ended = Promise.withResolvers<string>();
    const link: FakeLink = {
      target,
      life,
      end: ended.resolve,
      disconnects: 0,
      sessionPresent: false,
      ended: ended.promise,
      heardBytes: 0,
      heardPackets: 0,
      ping: () => {},
      subscribe: (subscriptions) => Promise.resolve(subscriptions.map(({ qos }) => qos)),
      publish: () => Promise.resolve(),
      disconnect: () => {
        link.disconnects++;
        ended.resolve("closed");
        return Promise.resolve();
      },
    };
    links.push(link);
    return Promise.resolve(link);
  };
  return { dial, links, tried };
}

const unreachable = () => new AgentError("no route", { kind: "unavailable", retryable: true });

Deno.test("broker connection: tries brokers in turn, then backs off with jitter, for ever", async () => {
  const { dial, tried } = fakeDial(unreachable);
  const clock = new FakeClock();
  await using agent = openAgentEnd([1, 2], { dial, clock, random: () => 0.5 });
  await clock.advance(0);
  assert.deepEqual(tried, [1, 2]);
  await clock.advance(499);
  assert.equal(tried.length, 2);
  await clock.advance(1);
  assert.deepEqual(tried, [1, 2, 1, 2]);
  await clock.advance(1_000 + 2_000 + 4_000);
  assert.equal(tried.length, 10);
  await clock.advance(60 * 60_000);
  assert.ok(tried.length > 400);
  const lines = agent.log.records.filter(({ level }) => level !== "debug");
  assert.equal(lines.length, 1, agent.log.text());
});

Deno.test("broker connection: says a cause again only after it has been connected in between", async () => {
  let refusing = true;
  const refused = new AgentError("wrong password", { kind: "refused", retryable: true });
  const { dial, links } = fakeDial(() => refusing ? refused : undefined);
  const clock = new FakeClock();
  await using agent = openAgentEnd([1], { dial, clock });
  const errors = () => agent.log.records.filter(({ level }) => level === "error").length;
  await clock.advance(60_000);
  assert.equal(errors(), 1);
  refusing = false;
  await clock.advance(10_000);
  assert.equal(links.length, 1);
  refusing = true;
  links[0]!.end("gone");
  await clock.advance(60_000);
  assert.equal(errors(), 2);
});

Deno.test("broker connection: dials with the persistent session and the member's id", async () => {
  const { dial, links } = fakeDial();
  const clock = new FakeClock();
  await using agent = openAgentEnd([1], { dial, clock, clientId: "member-42" });
  await clock.advance(0);
  const { clientId, clean, keepAliveSeconds, maxPacketBytes } = links[0]!.target;
  assert.deepEqual(
    { clientId, clean, keepAliveSeconds, maxPacketBytes },
    { clientId: "member-42", clean: false, keepAliveSeconds: 30, maxPacketBytes: 67_108_864 },
  );
  // The annotation has the compiler check that the class is what the lifecycle asks for.
  const port: BrokerPort = agent.connection;
  const forgotten = port.forgetSession(never);
  await clock.advance(0);
  await forgotten;
  assert.equal(links[1]!.target.clean, true);
  assert.equal(links[0]!.disconnects, 1);
  links[1]!.end("gone");
  await clock.advance(10_000);
  assert.equal(links[2]!.target.clean, true, "and stays without a session");
  await agent.connection.forgetSession(never);
  assert.equal(links.length, 3);
});

Deno.test("broker connection: forgets the session also when asked while it is connecting", async () => {
  let refusing = true;
  const { dial, links } = fakeDial(() => refusing ? unreachable() : undefined);
  const clock = new FakeClock();
  await using agent = openAgentEnd([1], { dial, clock });
  await clock.advance(0);
  const forgotten = agent.connection.forgetSession(never);
  refusing = false;
  await clock.advance(1_000);
  await forgotten;
  assert.deepEqual(links.map(({ target }) => target.clean), [true]);
});

Deno.test("broker connection: logs what a handler throws and goes on", async () => {
  const { dial, links } = fakeDial();
  const clock = new FakeClock();
  const fail = () => {
    throw new Error("handler fault");
  };
  await using agent = openAgentEnd([1], {
    dial,
    clock,
    handlers: { onMessage: fail, onConnected: fail, onLost: fail },
  });
  await clock.advance(0);
  assert.equal(links[0]!.target.onMessage("a", new Uint8Array()), true);
  links[0]!.end("gone");
  await clock.advance(1_000);
  assert.equal(links.length, 2);
  const errors = agent.log.records.filter(({ level }) => level === "error");
  assert.deepEqual(
    errors.map(({ message }) => message),
    ["onConnected", "onMessage", "onLost", "onConnected"].map((name) =>
      `${name} failed: handler fault`
    ),
  );
});

Deno.test("broker connection: ends a link that comes after the time limit", async () => {
  const late = Promise.withResolvers<Link>();
  const lives: AbortSignal[] = [];
  const clock = new FakeClock();
  const dial: Dial = (_target, life) => {
    lives.push(life);
    return late.promise;
  };
  await using agent = openAgentEnd([1], { dial, clock, connectTimeoutMs: 5_000 });
  await clock.advance(4_999);
  assert.equal(lives[0]!.aborted, false);
  await clock.advance(1);
  assert.equal(lives[0]!.aborted, true);
  assert.match(agent.log.text(), /no answer in 5 s/);
});

Deno.test("broker connection: rejects what waits when it is closed", async () => {
  const { dial } = fakeDial(unreachable);
  const clock = new FakeClock();
  const agent = openAgentEnd([1], { dial, clock });
  const waiting = [
    assert.rejects(agent.connection.subscribe([{ filter: "a", qos: 0 }], never), {
      name: "AbortError",
    }),
    assert.rejects(agent.connection.forgetSession(never), { name: "AbortError" }),
    assert.rejects(agent.connection.publish("a", "b", never), { kind: "unavailable" }),
  ];
  await agent[Symbol.asyncDispose]();
  await Promise.all(waiting);
  assert.equal(clock.sleeping, 0);
});

Deno.test("broker connection: takes leave of the broker when it is closed", async () => {
  const { dial, links } = fakeDial();
  const clock = new FakeClock();
  const agent = openAgentEnd([1], { dial, clock });
  await clock.advance(0);
  await agent[Symbol.asyncDispose]();
  assert.equal(links[0]!.target.onMessage("a", new Uint8Array()), false);
  assert.equal(links[0]!.disconnects, 1);
  assert.equal(links[0]!.life.aborted, true);
  assert.equal(agent.connection.current(), undefined);
  assert.equal(clock.sleeping, 0);
});

Deno.test({
  name: "broker connection: says which permission is missing instead of waiting for ever",
  permissions: { net: ["127.0.0.1:1"] },
  fn: async () => {
    const target = {
      broker: { host: "::1", port: 1883 },
      clientId: "m",
      clean: false,
      keepAliveSeconds: 30,
      maxPacketBytes: 1_000,
      onOversized: () => {},
      onMessage: () => true,
    };
    await assert.rejects(dialMqtt(target, never), {
      kind: "permission",
      message: 'Cannot connect to "[::1]:1883": the agent lacks --allow-net=[::1]:1883',
    });
  },
});
