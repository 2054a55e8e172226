import assert from "node:assert/strict";
import type { OutboxPort } from "../../src/lifecycle/ports.ts";
import { readRecords } from "../../src/broker/outbox_records.ts";
import {
  FakePublisher,
  hanging,
  makeStateDirectory,
  never,
  offline,
  openOutboxEnd,
} from "./outbox_end.ts";

const started = "instance/status/InstanceStartedEvent";
const activated = "instance/status/InstanceActivatedEvent";

Deno.test("outbox: has an event on disk before append resolves and before it is sent", async () => {
  await using state = await makeStateDirectory();
  const atSending: number[] = [];
  const publisher = new FakePublisher();
  publisher.answer = (topic, signal) => {
    atSending.push(readRecords(Deno.readFileSync(state.path)).pending.length);
    return hanging(topic, signal);
  };
  await using end = await openOutboxEnd(state.path, { publisher });
  await end.outbox.append(started, "{}");
  const onDisk = readRecords(await Deno.readFile(state.path)).pending;
  assert.deepEqual(onDisk, [{ sequence: 1, topic: started, payload: "{}" }]);
  await end.clock.advance(0);
  assert.deepEqual(atSending, [1]);
});

Deno.test("outbox: sends in order, one at a time, and tells of each acknowledgement", async () => {
  await using state = await makeStateDirectory();
  const told: string[] = [];
  let inFlight = 0;
  let most = 0;
  const publisher = new FakePublisher();
  publisher.answer = async () => {
    most = Math.max(most, ++inFlight);
    await Promise.resolve();
    inFlight--;
  };
  const onAcknowledged = (topic: string) => void told.push(topic);
  await using end = await openOutboxEnd(state.path, { publisher, onAcknowledged });
  const port: OutboxPort = end.outbox;
  await Promise.all(["a", "b", "c", "d"].map((topic) => port.append(topic, "1")));
  await port.flushed(never);
  assert.deepEqual(publisher.acknowledged, ["a 1", "b 1", "c 1", "d 1"]);
  assert.equal(most, 1);
  while (told.length < 4) await Promise.resolve();
  assert.deepEqual(told, ["a", "b", "c", "d"]);
  assert.deepEqual(readRecords(await Deno.readFile(state.path)).pending, []);
});

Deno.test("outbox: retries for ever with back-off, and at once when it is woken", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  const { clock, outbox, publisher } = end;
  publisher.answer = offline;
  await outbox.append(started, "{}");
  await outbox.append(activated, "{}");
  const delays: number[] = [];
  for (let attempt = 1; attempt <= 7; attempt++) {
    await clock.untilSleeping(2);
    assert.equal(publisher.tried.length, attempt);
    delays.push(clock.nextInMs!);
    await clock.advance(clock.nextInMs!);
  }
  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  assert.deepEqual(new Set(publisher.tried), new Set([`${started} {}`]), "the order is kept");
  publisher.answer = () => Promise.resolve();
  outbox.wake();
  await outbox.flushed(never);
  assert.deepEqual(publisher.acknowledged, [`${started} {}`, `${activated} {}`]);
});

Deno.test("outbox: resumes at the first unacknowledged event after a crash", async () => {
  await using state = await makeStateDirectory();
  {
    await using end = await openOutboxEnd(state.path);
    await end.outbox.append("a", "1");
    await end.outbox.flushed(never);
    end.publisher.answer = hanging;
    await end.outbox.append("b", "2");
    await end.outbox.append("c", "3");
  }
  await using after = await openOutboxEnd(state.path);
  await after.outbox.append("d", "4");
  await after.outbox.flushed(never);
  assert.deepEqual(after.publisher.acknowledged, ["b 2", "c 3", "d 4"]);
  assert.match(after.log.text(), /Sending status events of an earlier run: 2/);
  await using last = await openOutboxEnd(state.path);
  assert.equal(last.outbox.pending, 0);
});

Deno.test("outbox: resolves flushed for what was appended before, not for what came later", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  await end.outbox.flushed(never);
  const gate = Promise.withResolvers<void>();
  end.publisher.answer = (topic, signal) => topic === "a" ? gate.promise : hanging(topic, signal);
  await end.outbox.append("a", "1");
  let flushed = false;
  const waiting = end.outbox.flushed(never).then(() => flushed = true);
  await end.outbox.append("b", "2");
  await end.clock.advance(0);
  assert.equal(flushed, false);
  gate.resolve();
  await waiting;
  assert.equal(end.outbox.pending, 1);
  const caller = new AbortController();
  const aborted = assert.rejects(end.outbox.flushed(caller.signal), { name: "AbortError" });
  caller.abort();
  await aborted;
});

Deno.test("outbox: warns once about each event that waits for too long, and keeps it", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path, { warnAfterMs: 900_000 });
  end.publisher.answer = offline;
  await end.outbox.append(started, "{}");
  await end.clock.advance(100_000);
  await end.outbox.append(activated, "{}");
  const warnings = () =>
    end.log.records.filter(({ level }) => level === "warning").map(({ facts }) => facts.topic);
  await end.clock.advance(799_999);
  assert.deepEqual(warnings(), []);
  await end.clock.advance(1);
  assert.deepEqual(warnings(), [started]);
  await end.clock.advance(100_000);
  assert.deepEqual(warnings(), [started, activated]);
  await end.clock.advance(24 * 3_600_000);
  assert.equal(warnings().length, 2);
  assert.equal(end.outbox.pending, 2);
  end.publisher.answer = () => Promise.resolve();
  end.outbox.wake();
  await end.outbox.flushed(never);
});

Deno.test("outbox: adds a repetition once while it waits, and again when the first may be under way", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  end.publisher.answer = hanging;
  await end.outbox.append("a", "1");
  await end.clock.advance(0);
  for (let repeat = 0; repeat < 2_000; repeat++) await end.outbox.append("a", "1");
  assert.equal(end.outbox.pending, 2);
  await end.outbox.append("b", "1");
  await end.outbox.append("a", "1");
  assert.equal(end.outbox.pending, 4);
});

Deno.test("outbox: refuses what cannot be legitimate instead of growing", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  end.publisher.answer = hanging;
  await Promise.all(Array.from({ length: 1000 }, (_, at) => end.outbox.append("a", `${at}`)));
  await assert.rejects(end.outbox.append("a", "more"), { kind: "limit" });
  await assert.rejects(end.outbox.append("b", "x".repeat(1_048_577)), { kind: "limit" });
  await assert.rejects(end.outbox.append("a/#", "{}"), { kind: "internal" });
  assert.equal(end.outbox.pending, 1000);
});

Deno.test("outbox: keeps the file short however many events pass through", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  for (let at = 0; at < 200; at++) {
    await end.outbox.append("a", `${at}`);
    await end.outbox.flushed(never);
  }
  assert.equal(end.publisher.acknowledged.length, 200);
  const { records } = readRecords(await Deno.readFile(state.path));
  assert.ok(records <= 101, `${records} records`);
});

Deno.test("outbox: tells the caller and sends from memory when the disk does not take an event", async () => {
  await using state = await makeStateDirectory();
  const path = `${state.directory}/gone/outbox.jsonl`;
  await using end = await openOutboxEnd(path);
  const gate = Promise.withResolvers<void>();
  end.publisher.answer = () => gate.promise;
  await assert.rejects(end.outbox.append(started, "{}"), {
    kind: "unavailable",
    retryable: true,
    message: /^Cannot store "instance\/status\/InstanceStartedEvent": /,
  });
  await end.clock.advance(0);
  assert.deepEqual(end.publisher.tried, [`${started} {}`]);
  await assert.rejects(end.outbox.append(activated, "{}"));
  // The disk is back: a repetition by the caller stores this one and the earlier one.
  await Deno.mkdir(`${state.directory}/gone`);
  await end.outbox.append(activated, "{}");
  assert.equal(end.outbox.pending, 2);
  assert.equal(readRecords(await Deno.readFile(path)).pending.length, 2);
  gate.resolve();
  await end.outbox.flushed(never);
  assert.deepEqual(end.publisher.acknowledged, [`${started} {}`, `${activated} {}`]);
});

Deno.test("outbox: names the events that are lost when the disk takes nothing until the end", async () => {
  await using state = await makeStateDirectory();
  const end = await openOutboxEnd(`${state.directory}/gone/outbox.jsonl`);
  end.publisher.answer = offline;
  await assert.rejects(end.outbox.append(started, "{}"));
  await end.outbox[Symbol.asyncDispose]();
  await end.outbox[Symbol.asyncDispose]();
  const errors = end.log.records.filter(({ level }) => level === "error");
  assert.deepEqual(errors.map(({ facts }) => facts.topics), [[started]]);
  assert.equal(end.clock.sleeping, 0);
});

Deno.test("outbox: goes on when its file is removed under it", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  end.publisher.answer = hanging;
  await end.outbox.append("a", "1");
  await Deno.remove(state.path);
  await end.outbox.append("b", "2");
  assert.equal(readRecords(await Deno.readFile(state.path)).pending.length, 2);
});

Deno.test("outbox: logs what onAcknowledged throws and goes on", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path, {
    onAcknowledged: () => {
      throw new Error("handler fault");
    },
  });
  await end.outbox.append("a", "1");
  await end.outbox.append("b", "2");
  await end.outbox.flushed(never);
  assert.match(end.log.text(), /onAcknowledged failed: handler fault/);
});

Deno.test("outbox: tells how long its oldest event has been waiting", async () => {
  await using state = await makeStateDirectory();
  await using end = await openOutboxEnd(state.path);
  const { clock, outbox, publisher } = end;
  publisher.answer = offline;
  assert.equal(outbox.oldestMs, undefined);
  await outbox.append(started, "{}");
  await clock.advance(70);
  await outbox.append(activated, "{}");
  await clock.advance(30);
  assert.equal(outbox.oldestMs, 100);
});
