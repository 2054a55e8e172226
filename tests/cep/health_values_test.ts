import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cgroupCpuPercent,
  type CgroupFacts,
  cgroupMemoryPercent,
  hostLoadPercent,
  hostMemoryPercent,
  parseCgroupProbe,
} from "../../src/cep/health_values.ts";

const hostBytes = 8 * 2 ** 30;

const probes: readonly (readonly [what: string, lines: readonly string[], CgroupFacts])[] = [
  ["nothing is printed", [], {}],
  [
    "v2 has both limits",
    [
      "memory.current 300",
      "memory.max 1000",
      "memory.inactive_file 100",
      "cpu.max 50000 100000",
      "cpu.usage_usec 1234567",
    ],
    {
      memory: { currentBytes: 300, inactiveFileBytes: 100, limitBytes: 1000 },
      cpu: { quotaCores: 0.5, usageMicros: 1234567 },
    },
  ],
  [
    "v2 has none",
    ["memory.current 300", "memory.max max", "cpu.max max 100000", "cpu.usage_usec 5"],
    {},
  ],
  ["v2 has no use of the memory", ["memory.max 1000"], {}],
  ["v2 has no time of the CPU", ["cpu.max 50000 100000"], {}],
  [
    "v2 has no file cache",
    ["memory.current 300", "memory.max 1000"],
    { memory: { currentBytes: 300, inactiveFileBytes: 0, limitBytes: 1000 } },
  ],
  [
    "v1 has both limits",
    [
      "memory.usage_in_bytes 300",
      "memory.limit_in_bytes 1000",
      "memory.total_inactive_file 100",
      "cpu.cfs_quota_us 200000",
      "cpu.cfs_period_us 100000",
      "cpuacct.usage 1234567000",
    ],
    {
      memory: { currentBytes: 300, inactiveFileBytes: 100, limitBytes: 1000 },
      cpu: { quotaCores: 2, usageMicros: 1234567 },
    },
  ],
  [
    "v1 has none",
    [
      "memory.usage_in_bytes 300",
      "memory.limit_in_bytes 9223372036854771712",
      "cpu.cfs_quota_us -1",
      "cpu.cfs_period_us 100000",
      "cpuacct.usage 5",
    ],
    {},
  ],
  ["the limit is the whole host", ["memory.current 1", `memory.max ${hostBytes}`], {}],
  ["a line is no number", ["memory.current x", "memory.max 1000"], {}],
  ["lines are odd", ["", "memory.current", " ", "memory.max  ", "cpu.max 0 0", "\u0000 1"], {}],
];

for (const [what, lines, expected] of probes) {
  Deno.test(`cgroup probe: is read when ${what}`, () => {
    assert.deepEqual(parseCgroupProbe(lines.join("\n"), hostBytes), expected);
    assert.deepEqual(
      parseCgroupProbe(lines.map((line) => `${line}\r\n`).join(""), hostBytes),
      expected,
    );
  });
}

Deno.test("cgroup probe: knows v1's spelling of no limit when the host is unknown", () => {
  const text = "memory.usage_in_bytes 3\nmemory.limit_in_bytes 9223372036854771712\n";
  assert.deepEqual(parseCgroupProbe(text, Infinity), {});
});

Deno.test("cgroup probe: gives sound numbers or nothing when the text is arbitrary", () => {
  const name = fc.constantFrom("memory.current", "memory.max", "cpu.max", "cpu.usage_usec", "x");
  const value = fc.oneof(fc.integer().map(String), fc.string(), fc.constant("1 2"));
  fc.assert(fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
    const facts = parseCgroupProbe(pairs.map((pair) => pair.join(" ")).join("\n"), hostBytes);
    if (facts.memory) {
      const percent = cgroupMemoryPercent(facts.memory);
      assert.ok(percent !== undefined && percent >= 0 && percent <= 100);
    }
    if (facts.cpu) assert.ok(facts.cpu.quotaCores > 0);
  }));
});

const host = { totalBytes: 1000, availableBytes: 250, loadAverage: 3, cores: 4 };

Deno.test("health values: are percent of the host's memory and cores", () => {
  assert.equal(hostMemoryPercent(host), 75);
  assert.equal(hostLoadPercent(host), 75);
  assert.equal(hostLoadPercent({ ...host, loadAverage: 8 }), 200);
});

Deno.test("health values: are absent when numbers make no sense", () => {
  assert.equal(hostMemoryPercent({ ...host, totalBytes: 0 }), undefined);
  assert.equal(hostMemoryPercent({ ...host, availableBytes: NaN }), undefined);
  assert.equal(hostLoadPercent({ ...host, loadAverage: NaN }), undefined);
  assert.equal(hostLoadPercent({ ...host, cores: 0 }), undefined);
});

Deno.test("health values: leave the inactive file cache out and stay within 0 and 100", () => {
  const memory = { currentBytes: 900, inactiveFileBytes: 400, limitBytes: 1000 };
  assert.equal(cgroupMemoryPercent(memory), 50);
  assert.equal(cgroupMemoryPercent({ ...memory, inactiveFileBytes: 1000 }), 0);
  assert.equal(cgroupMemoryPercent({ ...memory, currentBytes: 9000 }), 100);
});

Deno.test("health values: relate CPU time to elapsed time and quota", () => {
  const before = { quotaCores: 0.5, usageMicros: 1_000_000, atMs: 10_000 };
  const now = { quotaCores: 0.5, usageMicros: 4_000_000, atMs: 25_000 };
  assert.equal(cgroupCpuPercent(before, now), 40);
  assert.equal(cgroupCpuPercent(before, { ...now, quotaCores: 2 }), 10);
  assert.equal(cgroupCpuPercent(before, { ...now, usageMicros: 0 }), undefined);
  assert.equal(cgroupCpuPercent(before, { ...now, atMs: before.atMs }), undefined);
});
