import assert from "node:assert/strict";
import { LineWriter } from "../../src/logging/line_writer.ts";
import { FakeClock } from "../fake_clock.ts";

/** A writer on a fake clock over a target that tests make fail or wait. */
function openWriter() {
  const clock = new FakeClock();
  const written: string[] = [];
  const events: string[] = [];
  const target = {
    fails: undefined as string | undefined,
    gate: undefined as Promise<void> | undefined,
    opened: 0,
    closed: 0,
  };
  const writer = new LineWriter({
    open: () => {
      if (target.fails === "open") throw new Error("cannot open");
      target.opened++;
      return {
        write: async (lines) => {
          await target.gate;
          if (target.fails === "write") throw new Error("disk full");
          written.push(lines);
        },
        close: () => Promise.resolve(void target.closed++),
      };
    },
    clock,
    delayMs: 500,
    writeLength: 100,
    onTrouble: (reason) => void events.push(`trouble: ${reason}`),
    onRecovered: (lost) => void events.push(`recovered: ${lost}`),
  });
  return { clock, written, events, target, writer };
}

Deno.test("line writer: collects lines and writes them together after the delay", async () => {
  const { clock, written, writer } = openWriter();
  writer.write("a\n", false);
  writer.write("b\n", false);
  await clock.advance(499);
  assert.deepEqual(written, []);
  await clock.advance(1);
  assert.deepEqual(written, ["a\nb\n"]);
  writer.write("c\n", false);
  await clock.advance(500);
  assert.deepEqual(written, ["a\nb\n", "c\n"]);
});

Deno.test("line writer: does not wait when a line is urgent, and keeps the order", async () => {
  const { clock, written, writer } = openWriter();
  writer.write("a\n", false);
  writer.write("urgent\n", true);
  await clock.advance(0);
  assert.deepEqual(written, ["a\nurgent\n"]);
});

Deno.test("line writer: does not wait when much has come, and writes it in bounded parts", async () => {
  const { clock, written, writer } = openWriter();
  for (let line = 0; line < 8; line++) writer.write(`${line}${"x".repeat(38)}\n`, false);
  await clock.advance(0);
  assert.equal(written.join("").length, 320);
  assert.ok(written.every((part) => part.length <= 100));
  assert.equal(written.join("").replaceAll(/[x\n]/g, ""), "01234567");
  writer.write("y".repeat(500), false);
  await clock.advance(0);
  assert.equal(written.at(-1)?.length, 500);
});

Deno.test("line writer: takes lines that come during a write", async () => {
  const { clock, written, target, writer } = openWriter();
  const gate = Promise.withResolvers<void>();
  target.gate = gate.promise;
  writer.write("a\n", true);
  writer.write("b\n", false);
  gate.resolve();
  await clock.advance(0);
  assert.deepEqual(written, ["a\n", "b\n"]);
});

Deno.test("line writer: drops the newest and counts them when the target is too slow", async () => {
  const { clock, written, events, target, writer } = openWriter();
  const gate = Promise.withResolvers<void>();
  target.gate = gate.promise;
  const line = "x".repeat(1024);
  for (let count = 0; count < 1200; count++) writer.write(line, false);
  gate.resolve();
  await writer.close(1_000);
  await clock.advance(0);
  assert.equal(written.length, 1025);
  assert.deepEqual(events, ["recovered: 175"]);
});

Deno.test("line writer: says so once when writing fails, and goes on when it works again", async () => {
  const { clock, written, events, target, writer } = openWriter();
  target.fails = "write";
  for (const line of ["a\n", "b\n", "c\n"]) {
    writer.write(line, true);
    await clock.advance(0);
  }
  assert.deepEqual(events, ["trouble: disk full"]);
  assert.equal(target.closed, 1);
  target.fails = "open";
  await clock.advance(30_000);
  writer.write("d\n", true);
  await clock.advance(0);
  assert.deepEqual(events, ["trouble: disk full"]);
  target.fails = undefined;
  writer.write("e\n", true);
  await clock.advance(30_000);
  writer.write("f\n", true);
  await clock.advance(0);
  assert.deepEqual(written, ["f\n"]);
  assert.deepEqual(events, ["trouble: disk full", "recovered: 5"]);
  assert.equal(target.opened, 2);
});

Deno.test("line writer: shows trouble at once when it is opened ahead", () => {
  const { events, target, writer } = openWriter();
  target.fails = "open";
  writer.open();
  assert.deepEqual(events, ["trouble: cannot open"]);
});

Deno.test("line writer: writes what waits and closes the target when it is closed, once", async () => {
  const { clock, written, target, writer } = openWriter();
  writer.write("a\n", false);
  await Promise.all([writer.close(1_000), writer.close(1_000)]);
  assert.deepEqual(written, ["a\n"]);
  assert.equal(target.closed, 1);
  writer.write("b\n", true);
  await clock.advance(1_000);
  assert.deepEqual(written, ["a\n"]);
});

Deno.test("line writer: gives up after the limit when the target never answers", async () => {
  const { clock, written, target, writer } = openWriter();
  target.gate = new Promise(() => {});
  writer.write("a\n", true);
  const closed = writer.close(1_000);
  await clock.advance(1_000);
  await closed;
  assert.deepEqual(written, []);
});

Deno.test("line writer: takes lines until what it waits for is over when it is closed", async () => {
  const { clock, written, target, writer } = openWriter();
  const others = Promise.withResolvers<void>();
  writer.write("a\n", false);
  const closed = writer.close(1_000, others.promise);
  await clock.advance(600);
  assert.deepEqual(written, ["a\n"]);
  writer.write("trouble\n", false);
  others.resolve();
  await closed;
  assert.deepEqual(written, ["a\n", "trouble\n"]);
  assert.equal(target.closed, 1);
});

Deno.test("line writer: does not wait beyond the limit when what it waits for does not end", async () => {
  const { clock, written, writer } = openWriter();
  writer.write("a\n", false);
  const closed = writer.close(1_000, new Promise(() => {}));
  await clock.advance(1_000);
  await closed;
  assert.deepEqual(written, ["a\n"]);
});
