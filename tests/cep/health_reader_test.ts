import assert from "node:assert/strict";
import { readHost, SystemHealthReader } from "../../src/cep/health_reader.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

const never = new AbortController().signal;
const host = { totalBytes: 1000, availableBytes: 250, loadAverage: 3, cores: 4 };

/** A reader whose probe answers from a list, the last one for ever. */
function readerOf(...answers: (string | Error)[]) {
  const clock = new FakeClock();
  const log = memoryLog();
  let probes = 0;
  const probe = () => {
    const answer = answers[Math.min(probes++, answers.length - 1)]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const reader = new SystemHealthReader({ probe, log, clock, host: () => host });
  return { reader, clock, log, probes: () => probes };
}

const usage = (micros: number) => `cpu.max 50000 100000\ncpu.usage_usec ${micros}\n`;

Deno.test("health reader: shows the host and probes once when there is no limit", async () => {
  const { reader, probes, log } = readerOf("memory.current 5\nmemory.max max\n");
  for (let sample = 0; sample < 3; sample++) {
    assert.deepEqual(await reader.read(never), { memoryPercent: 75, loadPercent: 75 });
  }
  assert.equal(probes(), 1);
  assert.equal(log.records.length, 0);
});

Deno.test("health reader: shows the container's memory when that is limited", async () => {
  const { reader, probes } = readerOf(
    "memory.current 300\nmemory.max 500\nmemory.inactive_file 100\n",
    "memory.current 600\nmemory.max 500\nmemory.inactive_file 100\n",
  );
  assert.deepEqual(await reader.read(never), { memoryPercent: 40, loadPercent: 75 });
  assert.deepEqual(await reader.read(never), { memoryPercent: 100, loadPercent: 75 });
  assert.equal(probes(), 2);
});

Deno.test("health reader: shows the CPU time since the last sample under a quota", async () => {
  const { reader, clock } = readerOf(usage(1_000_000), usage(4_000_000), usage(4_750_000));
  await reader.takeBaseline(never);
  await clock.advance(15_000);
  assert.deepEqual(await reader.read(never), { memoryPercent: 75, loadPercent: 40 });
  await clock.advance(15_000);
  assert.deepEqual(await reader.read(never), { memoryPercent: 75, loadPercent: 10 });
});

Deno.test("health reader: looks twice, 100 ms apart, when it has no earlier sample", async () => {
  const { reader, clock, probes } = readerOf(usage(1_000_000), usage(1_020_000));
  const reading = reader.read(never);
  await clock.untilSleeping(1);
  await clock.advance(100);
  assert.deepEqual(await reading, { memoryPercent: 75, loadPercent: 40 });
  assert.equal(probes(), 2);
});

Deno.test("health reader: looks twice when the CPU time went backwards", async () => {
  const { reader, clock } = readerOf(usage(9_000_000), usage(1_000), usage(26_000));
  await reader.takeBaseline(never);
  await clock.advance(15_000);
  const reading = reader.read(never);
  await clock.untilSleeping(1);
  await clock.advance(100);
  assert.deepEqual(await reading, { memoryPercent: 75, loadPercent: 50 });
});

Deno.test("health reader: shows the host with one warning when the probe fails", async () => {
  const { reader, log, probes } = readerOf(new Error("no launcher"));
  for (let sample = 0; sample < 3; sample++) {
    assert.deepEqual(await reader.read(never), { memoryPercent: 75, loadPercent: 75 });
  }
  assert.equal(probes(), 3);
  const warnings = log.records.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.message, /those of the host: no launcher/);
});

Deno.test("health reader: leaves a container's values out twice before it shows the host's", async () => {
  const memory = "memory.current 500\nmemory.inactive_file 100\nmemory.max 800\n";
  const fault = new Error("killed");
  const { reader, log } = readerOf(memory, fault, fault, fault, memory, fault);
  const found: unknown[] = [];
  for (let sample = 0; sample < 6; sample++) found.push(await reader.read(never));
  const container = { memoryPercent: 50, loadPercent: 75 };
  assert.deepEqual(found, [
    container,
    {},
    {},
    { memoryPercent: 75, loadPercent: 75 },
    container,
    {},
  ]);
  assert.equal(log.records.filter(({ level }) => level === "warning").length, 1);
});

Deno.test("health reader: leaves values out when the host cannot be read either", async () => {
  const log = memoryLog();
  const reader = new SystemHealthReader({
    probe: () => Promise.resolve(""),
    log,
    clock: new FakeClock(),
    host: () => {
      throw new Deno.errors.NotCapable("sys");
    },
  });
  assert.deepEqual(await reader.read(never), {});
  assert.equal(log.records[0]?.level, "warning");
});

Deno.test("health reader: stops when it is aborted between two looks", async () => {
  const { reader, clock } = readerOf(usage(1), usage(2));
  const abort = new AbortController();
  const reading = reader.read(abort.signal);
  await clock.untilSleeping(1);
  abort.abort();
  await assert.rejects(reading, (error) => error === abort.signal.reason);
});

Deno.test("health reader: finds sound numbers of this host", () => {
  const { totalBytes, availableBytes, loadAverage, cores } = readHost();
  assert.ok(totalBytes > 2 ** 26 && availableBytes > 0 && availableBytes < totalBytes);
  assert.ok(loadAverage >= 0 && cores >= 1);
});
