import assert from "node:assert/strict";
import { ActivityJournal } from "../../src/status/activity_journal.ts";
import { EventStreams, mostStreams } from "../../src/status/event_stream.ts";
import { SharedSnapshot } from "../../src/status/shared_snapshot.ts";
import { FakeClock } from "../fake_clock.ts";
import { exampleSnapshot } from "./example_snapshot.ts";

function open() {
  const clock = new FakeClock();
  let made = 0;
  const journal: ActivityJournal = new ActivityJournal({
    clock,
    redact: (text) => text,
    onChange: () => streams.changed(),
  });
  const snapshot = new SharedSnapshot(
    () => (made++, { ...exampleSnapshot, activity: journal.newest(100) }),
    clock,
    () => journal.revision,
  );
  const streams: EventStreams = new EventStreams({ journal, snapshot, clock, epoch: "e1" });
  return { clock, journal, streams, made: () => made };
}

interface Said {
  readonly type: string;
  readonly id?: string;
  readonly data: string;
}

/** The events of a text, comments as type `comment`. */
function eventsOf(text: string): readonly Said[] {
  return text.split("\n\n").slice(0, -1).map((block) => {
    const fields = new Map(
      block.split("\n").map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)] as const;
      }),
    );
    const id = fields.get("id");
    return {
      type: fields.get("event") ?? (fields.has("retry") ? "retry" : "comment"),
      ...(id === undefined ? {} : { id }),
      data: fields.get("data") ?? "",
    };
  });
}

function reading(streams: EventStreams, lastId: string | null = null) {
  const gone = new AbortController();
  const stream = streams.stream(lastId, gone.signal);
  assert.ok(stream);
  const reader = stream.getReader();
  return {
    gone,
    next: async () => eventsOf(new TextDecoder().decode((await reader.read()).value)),
    end: async () => {
      gone.abort();
      await reader.cancel();
    },
  };
}

Deno.test("events: begin with a snapshot that holds everything so far", async () => {
  const { journal, streams } = open();
  journal.record({ kind: "event", title: "A" });
  const client = reading(streams);
  const events = await client.next();
  assert.deepEqual(events.map(({ type }) => type), ["retry", "snapshot"]);
  assert.equal(JSON.parse(events[1]!.data).activity[0].title, "A");
  assert.equal(events[1]?.id, "e1-1");
  await client.end();
});

Deno.test("events: new and changed activities follow at once, a burst as one, the snapshot a second apart", async () => {
  const { clock, journal, streams } = open();
  const client = reading(streams);
  await client.next();
  let next = client.next();
  await clock.untilSleeping();
  journal.record({ kind: "event", title: "A", awaits: ["x"] });
  await clock.advance(100);
  journal.record({ kind: "event", title: "B" });
  journal.end("x", "succeeded");
  await clock.advance(200);
  const events = await next;
  assert.deepEqual(events.map(({ type, id }) => [type, id]), [["activity", "e1-2"], [
    "activity",
    "e1-3",
  ]]);
  assert.equal(JSON.parse(events[1]!.data).outcome, "succeeded");
  next = client.next();
  await clock.untilSleeping();
  await clock.advance(1_200);
  const [last] = await next;
  assert.equal(last?.type, "snapshot");
  assert.equal(JSON.parse(last!.data).activity.length, 2);
  await client.end();
});

Deno.test("events: a snapshot never takes back what was told before it", async () => {
  const { clock, journal, streams } = open();
  const client = reading(streams);
  await client.next();
  for (let count = 0; count < 20; count++) {
    const next = client.next();
    await clock.untilSleeping();
    journal.record({ kind: "event", title: `${count}` });
    // Somebody else asks in between and makes an older snapshot the shared one.
    const other = reading(streams);
    await other.next();
    await other.end();
    await clock.advance(1_300);
    const events = await next;
    for (const { type, data } of events) {
      if (type === "snapshot") assert.equal(JSON.parse(data).activity[0].title, `${count}`);
    }
  }
  await client.end();
});

Deno.test("events: a first snapshot that is a little old is followed by a newer one soon", async () => {
  const { clock, journal, streams } = open();
  const early = reading(streams);
  await early.next();
  await early.end();
  journal.record({ kind: "event", title: "A" });
  const client = reading(streams);
  const types = (await client.next()).map(({ type }) => type);
  assert.deepEqual(types, ["retry", "snapshot", "activity"]);
  const next = client.next();
  await clock.untilSleeping();
  await clock.advance(1_300);
  const [event] = await next;
  assert.equal(JSON.parse(event!.data).activity.length, 1);
  await client.end();
});

Deno.test("events: silence is broken by a comment every five seconds and a snapshot every ten", async () => {
  const { clock, streams } = open();
  const client = reading(streams);
  await client.next();
  const types: string[] = [];
  for (let count = 0; count < 4; count++) {
    const next = client.next();
    await clock.untilSleeping();
    await clock.advance(5_200);
    types.push(...(await next).map(({ type }) => type));
  }
  assert.deepEqual(types, ["comment", "snapshot", "comment", "snapshot"]);
  await client.end();
});

Deno.test("events: a client that comes back gets what it missed, one of another run a snapshot", async () => {
  const { journal, streams } = open();
  for (const title of ["A", "B", "C"]) journal.record({ kind: "event", title });
  const back = reading(streams, "e1-1");
  const events = await back.next();
  assert.deepEqual(
    events.filter(({ type }) => type === "activity").map(({ data }) => JSON.parse(data).title),
    ["B", "C"],
  );
  await back.end();
  for (const strange of ["e0-1", "e1-x", "", "e1-99999999999999999999", "e1--1"]) {
    const client = reading(streams, strange);
    assert.deepEqual((await client.next()).map(({ type }) => type), ["retry", "snapshot"], strange);
    await client.end();
  }
});

Deno.test("events: there are sixteen streams at most, and room again when one ends", async () => {
  const { streams } = open();
  const clients = Array.from({ length: mostStreams }, () => reading(streams));
  assert.equal(streams.stream(null, new AbortController().signal), undefined);
  // One that nobody ever reads from leaves as well.
  clients[3]!.gone.abort();
  assert.equal(streams.open, mostStreams - 1);
  const again = reading(streams);
  await again.end();
  for (const client of clients) await client.end();
  assert.equal(streams.open, 0);
});

Deno.test("snapshot: is made once for all who ask within 200 ms", async () => {
  const { clock, streams, made } = open();
  const clients = Array.from({ length: 5 }, () => reading(streams));
  for (const client of clients) await client.next();
  assert.equal(made(), 1);
  await clock.advance(200);
  const late = reading(streams);
  await late.next();
  assert.equal(made(), 2);
  for (const client of [...clients, late]) await client.end();
});

Deno.test("events: nothing is done while nobody looks", () => {
  const { clock, journal, made } = open();
  for (let count = 0; count < 1000; count++) journal.record({ kind: "event", title: "A" });
  assert.equal(made(), 0);
  assert.equal(clock.sleeping, 0);
});
