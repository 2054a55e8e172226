import assert from "node:assert/strict";
import { ActivityJournal, journalLimit } from "../../src/status/activity_journal.ts";
import { FakeClock } from "../fake_clock.ts";

function open(onChange: () => void = () => {}) {
  const clock = new FakeClock();
  const redact = (text: string) => text.replaceAll("canary", "***");
  return { clock, journal: new ActivityJournal({ clock, redact, onChange }) };
}

Deno.test("journal: keeps the newest entries, newest first, with ascending numbers", () => {
  const { journal } = open();
  for (let count = 1; count <= 3 * journalLimit; count++) {
    journal.record({ kind: "event", title: `event ${count}` });
  }
  const all = journal.newest(10_000);
  assert.equal(all.length, journalLimit);
  assert.equal(all[0]?.title, `event ${3 * journalLimit}`);
  assert.equal(all[0]?.id, 3 * journalLimit);
  assert.equal(all.at(-1)?.id, 2 * journalLimit + 1);
  assert.equal(journal.since(0).length, journalLimit);
  assert.equal(journal.newest(3).length, 3);
});

Deno.test("journal: the end of what an activity awaits gives it outcome, time and detail", async () => {
  const { journal, clock } = open();
  journal.record({ kind: "event", title: "A", awaits: ["x", "y"] });
  await clock.advance(30);
  journal.end("y", "failed", "why\nlast");
  assert.equal(journal.newest(1)[0]?.ms, undefined, "x has not ended");
  await clock.advance(10);
  journal.end("x", "succeeded");
  const [activity] = journal.newest(1);
  assert.equal(activity?.outcome, "failed");
  assert.equal(activity?.ms, 40);
  assert.equal(activity?.detail, "why\nlast");
  assert.equal(activity?.id, 1);
});

Deno.test("journal: ends of one name belong to the activities in order", () => {
  const { journal } = open();
  journal.record({ kind: "event", title: "first", awaits: ["x"] });
  journal.record({ kind: "event", title: "second", awaits: ["x"] });
  journal.end("x", "failed");
  assert.deepEqual(journal.newest(2).map(({ outcome }) => outcome), [undefined, "failed"]);
  journal.end("x", "succeeded");
  journal.end("x", "failed");
  assert.deepEqual(journal.newest(2).map(({ outcome }) => outcome), ["succeeded", "failed"]);
});

Deno.test("journal: superseding and cancelling close what waits", () => {
  const { journal } = open();
  journal.record({ kind: "event", title: "runs", awaits: ["x"] });
  journal.supersede("x", 1);
  journal.record({ kind: "event", title: "waits", awaits: ["x"] });
  journal.supersede("x", 1);
  journal.record({ kind: "event", title: "new", awaits: ["x"] });
  journal.end("x", "succeeded");
  journal.end("x", "succeeded");
  assert.deepEqual(
    journal.newest(3).map(({ outcome }) => outcome),
    ["succeeded", "cancelled", "succeeded"],
  );
  journal.record({ kind: "event", title: "over", awaits: ["x", "y"] });
  journal.cancelAwaited();
  assert.equal(journal.newest(1)[0]?.outcome, "cancelled");
  assert.notEqual(journal.newest(1)[0]?.ms, undefined);
});

Deno.test("journal: says what changed since a revision, changed entries again", () => {
  let changes = 0;
  const { journal } = open(() => changes++);
  journal.record({ kind: "event", title: "A", awaits: ["x"] });
  journal.record({ kind: "event", title: "B" });
  const seen = journal.revision;
  assert.deepEqual(journal.since(seen), []);
  journal.end("x", "succeeded");
  assert.deepEqual(journal.since(seen).map(({ activity }) => activity.title), ["A"]);
  assert.deepEqual(journal.since(0).map(({ activity }) => activity.title), ["B", "A"]);
  assert.equal(changes, 3);
});

Deno.test("journal: no text is longer than its bound, of many lines, or holds a secret", () => {
  const { journal } = open();
  const long = `canary \u0007\n${"x".repeat(100_000)}canary`;
  journal.record({
    kind: "event",
    title: long,
    effects: Array(100).fill(long),
    awaits: ["x"],
    detail: long,
  });
  journal.end("x", "failed", `${"line canary\n".repeat(10_000)}end`);
  const [activity] = journal.newest(1);
  const text = JSON.stringify(activity);
  assert.ok(text.length < 12_000, String(text.length));
  assert.doesNotMatch(text, /canary/);
  assert.doesNotMatch(activity!.title, /\p{Cc}/u);
  assert.equal(activity?.effects.at(-1), "… and 80 more");
  assert.ok(activity?.detail?.endsWith("end"));
});
