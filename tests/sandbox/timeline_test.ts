import assert from "node:assert/strict";
import fc from "fast-check";
import { healthPace } from "../../src/sandbox/health_pace.ts";
import type { PlatformEntry } from "../../src/sandbox/platform_entry.ts";
import type { Sighting } from "../../src/sandbox/sighting.ts";
import { describe, formatLine } from "../../src/sandbox/timeline.ts";
import { FakeClock } from "../fake_clock.ts";

const plain = (sighting: Sighting, sinceMs = 1_234) => {
  const line = describe(sighting);
  return line && formatLine(line, sinceMs, false);
};

const entry = (entry: PlatformEntry): Sighting => ({ kind: "platform", entry });

Deno.test("timeline: shows time, who and what when something happens", () => {
  const status = {
    kind: "status",
    event: "InstanceStartedEvent",
    memberId: "m",
    accepted: true,
    reason: "",
    atMs: 0,
  } as const;
  assert.deepEqual([
    plain(entry({ kind: "request", event: "CompleteTopologyRequestEvent", atMs: 0 }), 0),
    plain(entry({ kind: "published", topic: "topology/MemberInitializedEvent", atMs: 0 })),
    plain(entry(status)),
    plain({ kind: "files", commit: "first", files: 3 }),
    plain({ kind: "files", commit: "second", files: 1 }),
    plain({ kind: "health", description: "memory_consumption", value: 41.234 }),
    plain({ kind: "health", description: "load_average", value: 12 }, 61_500),
    plain({ kind: "extension", event: "clean" }),
    plain({ kind: "portOpened", port: 8080 }),
    plain({ kind: "note", who: "git", what: "a new commit arrives" }),
    plain({ kind: "agentEnded", stragglers: [] }, 100_000),
  ], [
    "   0.00 s  agent     asks for the topology",
    "   1.23 s  platform  member initialized",
    "   1.23 s  agent     started",
    "   1.23 s  agent     artifacts checked out (3 files)",
    "   1.23 s  agent     new commit checked out (1 file)",
    "   1.23 s  receiver  health: memory 41.2 %",
    "  61.50 s  receiver  health: load 12.0 %",
    "   1.23 s  agent     extension clean ran",
    "   1.23 s  server    accepts connections on port 8080",
    "   1.23 s  git       a new commit arrives",
    " 100.00 s  agent     ended in order",
  ]);
});

Deno.test("timeline: says once and loudly what is wrong when an event is dropped", () => {
  const topic = "instance/status/InstanceActivatedEvent";
  const dropped = {
    kind: "status",
    event: "InstanceActivatedEvent",
    memberId: "m",
    accepted: false,
    reason: "too early",
    atMs: 0,
  } as const;
  assert.equal(plain(entry(dropped)), undefined);
  assert.equal(
    plain(entry({ kind: "fault", topic, reason: "too early", atMs: 0 })),
    `   1.23 s  platform  ! refuses ${topic}: too early`,
  );
  assert.equal(
    plain({ kind: "agentEnded", stragglers: ["the broker"] }),
    "   1.23 s  agent     ! ended without the broker",
  );
});

Deno.test("timeline: names the topic when it has no words for an event", () => {
  assert.match(plain(entry({ kind: "published", topic: "a/b", atMs: 0 })) ?? "", /sends a\/b$/);
  assert.match(
    plain(entry({ kind: "request", event: "CompleteApplicationsRequestEvent", atMs: 0 })) ?? "",
    /sends CompleteApplicationsRequestEvent$/,
  );
});

Deno.test("timeline: prints one bounded line without control characters whatever an agent sends", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(9), (text, times) => {
    const reason = `\x1b[2J\n${text.repeat(times)}`;
    const line = plain(entry({ kind: "fault", topic: text, reason, atMs: 0 })) ?? "";
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    assert.ok(line.length < 330);
  }));
});

Deno.test("timeline: colours time, party and alarm when the terminal shows colours", () => {
  const line = { who: "agent", what: "x", alarm: true } as const;
  assert.equal(
    formatLine(line, 0, true),
    "\x1b[90m   0.00 s\x1b[0m  \x1b[32magent   \x1b[0m  \x1b[31m! x\x1b[0m",
  );
  assert.equal(formatLine(line, 0, false), "   0.00 s  agent     ! x");
});

Deno.test("health pace: lets one value of a kind through in ten seconds, and everything else", async () => {
  const clock = new FakeClock();
  const isShown = healthPace(clock);
  const health = (description: string): Sighting => ({ kind: "health", description, value: 1 });
  assert.deepEqual(["a", "b", "a"].map((kind) => isShown(health(kind))), [true, true, false]);
  assert.ok(isShown({ kind: "extension", event: "clean" }));
  await clock.advance(9_999);
  assert.equal(isShown(health("a")), false);
  await clock.advance(1);
  assert.equal(isShown(health("a")), true);
});
