import assert from "node:assert/strict";
import { awaitPorts } from "../../src/lifecycle/await_ports.ts";
import type { PortProbe } from "../../src/lifecycle/ports.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

function scene(openAtMs: Readonly<Record<number, number>>) {
  const clock = new FakeClock();
  const log = memoryLog();
  const probes: { readonly atMs: number; readonly ports: readonly number[] }[] = [];
  const probe: PortProbe = {
    open: (ports) => {
      probes.push({ atMs: clock.monotonicMs(), ports });
      const open = ports.filter((port) => clock.monotonicMs() >= (openAtMs[port] ?? Infinity));
      return Promise.resolve(new Set(open));
    },
  };
  const abort = new AbortController();
  const ports = Object.keys(openAtMs).map(Number);
  const awaited = { ports, listenAddress: "localhost", timeoutMs: 60_000 };
  const waiting = awaitPorts(awaited, probe, log, clock, abort.signal);
  return { clock, log, probes, abort, waiting };
}

Deno.test("ports: are probed at once, and open ones are not probed again", async () => {
  const { clock, probes, waiting } = scene({ 80: 0, 81: 500 });
  await clock.advance(500);
  await waiting;
  assert.deepEqual(probes, [
    { atMs: 0, ports: [80, 81] },
    { atMs: 250, ports: [81] },
    { atMs: 500, ports: [81] },
  ]);
});

Deno.test("ports: are not waited for when there are none", async () => {
  const { probes, waiting } = scene({});
  await waiting;
  assert.deepEqual(probes, []);
});

Deno.test("ports: are probed every 250 ms at first and at most every 2 s later", async () => {
  const { clock, probes, abort, waiting } = scene({ 80: Infinity });
  await clock.advance(59_000);
  const pauses = probes.slice(1).map(({ atMs }, index) => atMs - probes[index]!.atMs);
  assert.deepEqual(new Set(pauses.slice(0, 40)), new Set([250]));
  assert.ok(pauses.slice(40).every((pause, index, all) => pause >= (all[index - 1] ?? 250)));
  assert.equal(pauses.at(-1), 2_000);
  abort.abort();
  await assert.rejects(waiting);
});

Deno.test("ports: one error names those still closed after the time-out, and probing goes on", async () => {
  const { clock, log, probes, waiting } = scene({ 80: 0, 81: 200_000 });
  await clock.advance(199_000);
  const errors = log.records.filter(({ level }) => level === "error");
  assert.equal(errors.length, 1);
  assert.match(errors[0]!.message, /^Port 81 of localhost did not open within 60 s/);
  assert.equal(probes.at(-1)!.atMs - probes.at(-2)!.atMs, 5_000);
  await clock.advance(10_000);
  await waiting;
});
