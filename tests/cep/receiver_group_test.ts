import assert from "node:assert/strict";
import { makeLog } from "../../src/base/log.ts";
import { NewestSender } from "../../src/cep/newest_sender.ts";
import { ReceiverGroup } from "../../src/cep/receiver_group.ts";
import { declareStream, eventOf, type StreamEvent } from "../../src/cep/stream_definition.ts";
import { type CepServer, openCepServer, type ReceivedEvent } from "../../src/sandbox/cep_server.ts";
import { Inbox } from "./inbox.ts";
import { testOptions } from "./receiver_under_test.ts";

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

/** Starts receivers that put `name text` of each event into one inbox. */
async function serversOf(opened: AsyncDisposableStack, ...names: string[]) {
  const seen = new Inbox<string>();
  const servers: Record<string, CepServer> = {};
  for (const name of names) {
    const onEvent = ({ payload }: ReceivedEvent) => seen.push(`${name} ${payload.text}`);
    servers[name] = opened.use(await openCepServer({ onEvent }));
  }
  const receivers = Object.values(servers).map(({ port }) => ({ host: "localhost", port }));
  return { seen, servers, receivers };
}

/** A log whose messages arrive in an inbox. */
function heardLog() {
  const heard = new Inbox<string>();
  const log = makeLog(({ level, message }) => heard.push(`${level} ${message}`), "");
  return { heard, log };
}

Deno.test("receiver group: uses the first that works when it fails over", async () => {
  await using opened = new AsyncDisposableStack();
  const { seen, servers, receivers } = await serversOf(opened, "a", "b");
  const { heard, log } = heardLog();
  const { clock, options } = testOptions({ log });
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  await group.deliver(() => event("1"), never);
  await servers.a!.stop();
  await group.deliver(() => event("2"), never);
  await servers.a!.restart();
  await group.deliver(() => event("3"), never);
  // a's back-off has passed: tried beside, and preferred from then on.
  await clock.advance(1_000);
  await group.deliver(() => event("4"), never);
  await heard.find((line) => line.includes("works again"));
  await group.deliver(() => event("5"), never);
  assert.deepEqual(seen.pending, ["a 1", "b 2", "b 3", "b 4", "a 5"]);
  assert.deepEqual(group.status.map(({ state }) => state), ["up", "up"]);
});

Deno.test("receiver group: takes turns among those that work when it balances load", async () => {
  await using opened = new AsyncDisposableStack();
  const { seen, servers, receivers } = await serversOf(opened, "a", "b", "c");
  const { options } = testOptions();
  await using group = new ReceiverGroup({ mode: "loadBalance", receivers }, options);
  for (const text of ["1", "2", "3", "4"]) await group.deliver(() => event(text), never);
  assert.deepEqual(seen.pending, ["a 1", "b 2", "c 3", "a 4"]);
  await servers.b!.stop();
  for (const text of ["5", "6", "7", "8"]) await group.deliver(() => event(text), never);
  const later = seen.pending.slice(4);
  assert.deepEqual(later.map((line) => line.split(" ")[1]), ["5", "6", "7", "8"]);
  assert.ok(later.some((line) => line.startsWith("a")));
  assert.ok(later.some((line) => line.startsWith("c")));
  assert.ok(!later.some((line) => line.startsWith("b")));
});

Deno.test("receiver group: waits for the shortest back-off when none works", async () => {
  await using opened = new AsyncDisposableStack();
  const { seen, servers, receivers } = await serversOf(opened, "a", "b");
  const { heard, log } = heardLog();
  const delays = [0.9, 0.5];
  const { clock, options } = testOptions({ log, random: () => delays.shift() ?? 0 });
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  await servers.a!.stop();
  await servers.b!.stop();
  const delivering = group.deliver(() => event("1"), never);
  await heard.find((line) => line.startsWith("warning"));
  await heard.find((line) => line.startsWith("warning"));
  await clock.untilSleeping(1);
  assert.equal(clock.nextInMs, 500);
  await servers.b!.restart();
  await clock.advance(500);
  await delivering;
  assert.deepEqual(seen.pending, ["b 1"]);
});

Deno.test("receiver group: ends without sending when there is nothing any more", async () => {
  await using opened = new AsyncDisposableStack();
  const { servers, receivers } = await serversOf(opened, "a");
  const { heard, log } = heardLog();
  const { clock, options } = testOptions({ log });
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  await servers.a!.stop();
  let current: readonly StreamEvent[] | undefined = event("1");
  const delivering = group.deliver(() => current, never);
  await heard.find((line) => line.startsWith("warning"));
  current = undefined;
  await clock.untilSleeping(1);
  await clock.advance(1_000);
  assert.equal(await delivering, undefined);
});

Deno.test("receiver group: stops waiting when it is aborted", async () => {
  await using opened = new AsyncDisposableStack();
  const { servers, receivers } = await serversOf(opened, "a");
  const { heard, log } = heardLog();
  const { clock, options } = testOptions({ log });
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  await servers.a!.stop();
  const abort = new AbortController();
  const delivering = group.deliver(() => event("1"), abort.signal);
  await heard.find((line) => line.startsWith("warning"));
  await clock.untilSleeping(1);
  abort.abort();
  await assert.rejects(delivering, (error) => error === abort.signal.reason);
});

Deno.test("newest sender: drops what could not be sent when something newer is due", async () => {
  await using opened = new AsyncDisposableStack();
  const { seen, servers, receivers } = await serversOf(opened, "a");
  const { heard, log } = heardLog();
  const { clock, options } = testOptions({ log });
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  const sender = new NewestSender(group);
  const abort = new AbortController();
  const running = assert.rejects(
    sender.run(abort.signal),
    (error) => error === abort.signal.reason,
  );
  await servers.a!.stop();
  sender.put(event("1"));
  await heard.find((line) => line.startsWith("warning"));
  sender.put(event("2"));
  sender.put(event("3"));
  sender.put([]);
  sender.put(event("4"));
  await servers.a!.restart();
  await clock.untilSleeping(1);
  await clock.advance(1_000);
  assert.equal(await seen.next(), "a 4");
  assert.equal(sender.dropped, 3);
  await heard.find((line) => line.includes("works again"));
  sender.put(event("5"));
  assert.equal(await seen.next(), "a 5");
  abort.abort();
  await running;
  assert.deepEqual(seen.pending, []);
});

Deno.test("newest sender: sends nothing when all was dropped", async () => {
  await using opened = new AsyncDisposableStack();
  const { seen, receivers } = await serversOf(opened, "a");
  const { options } = testOptions();
  await using group = new ReceiverGroup({ mode: "failover", receivers }, options);
  const sender = new NewestSender(group);
  const abort = new AbortController();
  sender.put(event("1"));
  sender.drop();
  const running = assert.rejects(sender.run(abort.signal));
  sender.put(event("2"));
  assert.equal(await seen.next(), "a 2");
  abort.abort();
  await running;
  assert.equal(sender.dropped, 1);
});
