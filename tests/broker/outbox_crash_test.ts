import assert from "node:assert/strict";
import fc from "fast-check";
import { readRecords } from "../../src/broker/outbox_records.ts";
import {
  FakePublisher,
  hanging,
  makeStateDirectory,
  never,
  offline,
  openOutboxEnd,
} from "./outbox_end.ts";

/** The bytes of a file with five events of which the first two are acknowledged. */
async function makeFile(path: string): Promise<Uint8Array> {
  await using end = await openOutboxEnd(path);
  await end.outbox.append("topic/a", '{"n":1}');
  await end.outbox.append("topic/b", '{"n":"\\u00e9"}');
  await end.outbox.flushed(never);
  end.publisher.answer = hanging;
  for (const topic of ["topic/c", "topic/d", "topic/e"]) await end.outbox.append(topic, "{}");
  return await Deno.readFile(path);
}

Deno.test("outbox: loses nothing that was on disk and invents nothing at whatever byte a write was cut", async () => {
  await using state = await makeStateDirectory();
  const whole = await makeFile(state.path);
  for (let length = 0; length <= whole.length; length++) {
    await Deno.writeFile(state.path, whole.slice(0, length));
    // What a reader of whole lines finds; the last line may lack its end alone.
    const expected = new Map<number, string>();
    for (const line of new TextDecoder().decode(whole.slice(0, length)).split("\n")) {
      const record = parsed(line);
      if (record?.length === 4) expected.set(Number(record[0]), `${record[1]} ${record[2]}`);
      if (record?.length === 2) expected.delete(Number(record[0]));
    }
    await using end = await openOutboxEnd(state.path);
    await end.outbox.append("topic/new", "{}");
    await end.outbox.flushed(never);
    assert.deepEqual(
      end.publisher.acknowledged,
      [...expected.values(), "topic/new {}"],
      `cut at ${length}`,
    );
    assert.deepEqual(end.log.records.filter(({ level }) => level === "error"), []);
    assert.equal(readRecords(await Deno.readFile(state.path)).damagedLines, 0);
  }
});

function parsed(line: string): unknown[] | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

Deno.test("outbox: never sends a damaged event, keeps the others and the damaged file", async () => {
  await using state = await makeStateDirectory();
  const whole = await makeFile(state.path);
  const events = ["topic/a", "topic/b", "topic/c", "topic/d", "topic/e"];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, flip) => {
        const damaged = whole.slice();
        damaged[at]! ^= flip;
        await Deno.writeFile(state.path, damaged);
        await using end = await openOutboxEnd(state.path);
        await end.outbox.flushed(never);
        const sent = end.publisher.acknowledged.map((line) => line.split(" ")[0]!);
        const order = sent.map((topic) => events.indexOf(topic));
        assert.ok(order.every((index) => index >= 0), `${sent}`);
        assert.deepEqual(order, [...order].sort((a, b) => a - b));
        // One damaged byte can hurt two lines at most (a line end), one of them an acknowledgement.
        const missing = ["topic/c", "topic/d", "topic/e"].filter((topic) => !sent.includes(topic));
        assert.ok(missing.length <= 2, `${missing}`);
        const aside = [...Deno.readDirSync(state.directory)]
          .filter(({ name }) => name.includes(".corrupt-"));
        const errors = end.log.records.filter(({ level }) => level === "error");
        assert.equal(errors.length, aside.length);
        for (const { name } of aside) {
          assert.match(name, /^outbox\.jsonl\.corrupt-2026-01-01T000000\.000Z$/);
          assert.deepEqual(await Deno.readFile(`${state.directory}/${name}`), damaged);
          await Deno.remove(`${state.directory}/${name}`);
        }
        const cutAtEnd = at === whole.length - 1;
        assert.equal(aside.length, cutAtEnd ? 0 : 1, `at ${at}`);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("outbox: starts empty, says it and goes on when its file cannot be read at all", async () => {
  await using state = await makeStateDirectory();
  await Deno.mkdir(state.path);
  await using end = await openOutboxEnd(state.path);
  await end.outbox.append("a", "1");
  await end.outbox.flushed(never);
  assert.deepEqual(end.publisher.acknowledged, ["a 1"]);
  assert.match(end.log.text(), /^error .*it was set aside as ".*\.corrupt-/);
});

Deno.test("outbox: reads any bytes without failing", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const { pending } = readRecords(bytes);
    assert.deepEqual(pending, []);
  }));
});

Deno.test("outbox: delivers everything in order, at least once, over crashes and a flaky broker", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("wake" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.array(fc.constantFrom("fails", "arrives", "arrives unacknowledged"), { minLength: 1 }),
      async (steps, outcomes) => {
        await using state = await makeStateDirectory();
        const arrived: number[] = [];
        let turn = 0;
        const makePublisher = (): FakePublisher => {
          const publisher = new FakePublisher();
          publisher.publish = async (_topic, payload) => {
            const outcome = outcomes[turn++ % outcomes.length];
            if (outcome !== "fails") arrived.push(Number(payload));
            if (outcome !== "arrives") await offline();
          };
          return publisher;
        };
        let end = await openOutboxEnd(state.path, { publisher: makePublisher() });
        let appended = 0;
        for (const { kind } of steps) {
          if (kind === "append") await end.outbox.append("a", `${++appended}`);
          if (kind === "wake") {
            end.outbox.wake();
            await end.clock.advance(0);
          }
          if (kind === "crash") {
            await end.outbox[Symbol.asyncDispose]();
            end = await openOutboxEnd(state.path, { publisher: makePublisher() });
          }
        }
        await end.outbox[Symbol.asyncDispose]();
        await using last = await openOutboxEnd(state.path);
        await last.outbox.flushed(never);
        const all = [
          ...arrived,
          ...last.publisher.acknowledged.map((line) => Number(line.slice(2))),
        ];
        const firsts = [...new Set(all)];
        assert.deepEqual(firsts, Array.from({ length: appended }, (_, at) => at + 1), `${all}`);
        // A repetition is one of the event at the head: nothing goes back behind it.
        for (const [at, value] of all.entries()) {
          if (at > 0) assert.ok(value >= all[at - 1]!, `${all}`);
        }
      },
    ),
    { numRuns: 60 },
  );
});
