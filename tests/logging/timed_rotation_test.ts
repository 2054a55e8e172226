import assert from "node:assert/strict";
import { join } from "node:path";
import { openRotatingFile } from "../../src/logging/logtape_sinks.ts";
import {
  findTimedRotation,
  nextRotationMs,
  rotatedSuffix,
  type TimedRotation,
} from "../../src/logging/timed_rotation.ts";
import { timeText } from "../../src/logging/time_format.ts";

const noon = new Date(2026, 10, 18, 12, 30, 15, 250).getTime(); // a Wednesday
const utcNoon = Date.UTC(2026, 10, 18, 12, 30, 15);

function timed(when: string, interval = 1, utc = false): TimedRotation {
  const found = findTimedRotation(when, interval, utc);
  assert.ok(found);
  return found;
}

const moments: readonly [string, TimedRotation, number, string][] = [
  ["seconds", timed("S", 30), noon + 30_000, "2026-11-18_12-30-15"],
  ["minutes", timed("m", 5), noon + 300_000, "2026-11-18_12-30"],
  ["hours", timed("H"), noon + 3_600_000, "2026-11-18_12"],
  ["days", timed("D", 2), noon + 2 * 86_400_000, "2026-11-18"],
  ["midnight", timed("midnight"), new Date(2026, 10, 19).getTime(), "2026-11-18"],
  ["each third midnight", timed("MIDNIGHT", 3), new Date(2026, 10, 21).getTime(), "2026-11-18"],
  ["the end of Wednesday", timed("W2"), new Date(2026, 10, 19).getTime(), "2026-11-18"],
  ["the end of Tuesday", timed("W1"), new Date(2026, 10, 25).getTime(), "2026-11-18"],
  ["the end of Sunday", timed("w6"), new Date(2026, 10, 23).getTime(), "2026-11-18"],
];
for (const [title, rotation, end, suffix] of moments) {
  Deno.test(`timed rotation: comes after the right time when it is by ${title}`, () => {
    assert.equal(new Date(nextRotationMs(rotation, noon)).toString(), new Date(end).toString());
    assert.equal(rotatedSuffix(rotation, noon), suffix);
  });
}

Deno.test("timed rotation: counts days of UTC when it is told to", () => {
  const rotation = timed("midnight", 1, true);
  assert.equal(nextRotationMs(rotation, utcNoon), Date.UTC(2026, 10, 19));
  assert.equal(rotatedSuffix(rotation, utcNoon), "2026-11-18");
});

Deno.test("timed rotation: does not exist for a time that is none", () => {
  for (const when of ["", "W7", "year", "toString"]) {
    assert.equal(findTimedRotation(when, 1, false), undefined);
  }
});

Deno.test("timed rotation: names files by their days and keeps so many", async () => {
  const dir = await Deno.makeTempDir({ prefix: "timed " });
  try {
    const path = join(dir, "agent.log");
    let nowMs = noon;
    const rotation = { maxBytes: 20, backups: 3, timed: timed("midnight", 1, true) };
    const file = openRotatingFile(path, { rotation, startsAnew: false, now: () => nowMs });
    for (const line of ["one\n", "two\n"]) await file.write(line);
    // Too large before its time: a number keeps the parts of a day apart.
    await file.write("large, very large\n");
    await file.write("larger still, really\n");
    nowMs += 86_400_000;
    await file.write("next day\n");
    const today = "agent.log.2026-11-18";
    const names = () => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(names(), ["agent.log", today, `${today}.1`, `${today}.2`]);
    assert.equal(Deno.readTextFileSync(join(dir, today)), "one\ntwo\n");
    assert.equal(Deno.readTextFileSync(join(dir, `${today}.2`)), "larger still, really\n");
    Deno.writeTextFileSync(join(dir, "agent.log.mine"), "not ours");
    nowMs += 86_400_000;
    await file.write("and the next\n");
    const kept = ["agent.log", `${today}.1`, `${today}.2`, "agent.log.2026-11-19"];
    assert.deepEqual(names(), [...kept, "agent.log.mine"].sort());
    assert.equal(Deno.readTextFileSync(path), "and the next\n");
    await file.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("timed rotation: moves on what an earlier agent left when its time is over", async () => {
  const dir = await Deno.makeTempDir({ prefix: "timed " });
  try {
    const path = join(dir, "agent.log");
    Deno.writeTextFileSync(path, "old\n");
    Deno.utimeSync(path, new Date(utcNoon - 86_400_000), new Date(utcNoon - 86_400_000));
    const rotation = { maxBytes: 1_000, backups: 3, timed: timed("midnight", 1, true) };
    const file = openRotatingFile(path, { rotation, startsAnew: false, now: () => utcNoon });
    await file.write("new\n");
    await file.close();
    assert.equal(Deno.readTextFileSync(path), "new\n");
    assert.equal(Deno.readTextFileSync(`${path}.2026-11-17`), "old\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("time format: writes what strftime knows and leaves the rest", () => {
  const text = (format: string) => timeText(format, noon);
  assert.equal(text("%d/%b/%Y:%H:%M:%S"), "18/Nov/2026:12:30:15");
  assert.equal(
    text("%A %a %B %y %j %I %p %f %F %T %%"),
    [
      "Wednesday Wed November 26 322 12 PM 250000 2026-11-18 12:30:15 %",
    ].join(),
  );
  assert.match(text("%z"), /^[+-]\d{4}$/);
  assert.equal(text("%s"), String(Math.floor(noon / 1000)));
  assert.equal(text("%Q %constructor 100%"), "%Q %constructor 100%");
});
