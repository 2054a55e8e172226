import assert from "node:assert/strict";
import { join } from "node:path";
import { LogCheckpoint } from "../../src/followers/log_checkpoint.ts";
import { emptyPrint, type Position } from "../../src/followers/log_position.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

function position(id: string, offset: number): Position {
  return {
    ...{ path: "/a.log", id, order: 0, offset, size: offset, mtimeMs: 1 },
    ...{ head: emptyPrint, tail: emptyPrint, skipping: false, ended: false },
  };
}
const everything = { patterns: ["/a.log"], positions: [position("1:1", 10), position("1:2", 20)] };

/** A checkpoint with two positions, of which the first was changed later. */
async function written(path: string): Promise<void> {
  await using checkpoint = new LogCheckpoint(path, new FakeClock(), memoryLog());
  await checkpoint.append([], () => everything);
  await checkpoint.append([position("1:1", 15)], () => everything);
}

async function loaded(path: string) {
  const log = memoryLog();
  await using checkpoint = new LogCheckpoint(path, new FakeClock(), log);
  const { patterns, positions } = await checkpoint.load();
  return { patterns, offsets: positions.map(({ offset }) => offset), log };
}

Deno.test("log checkpoint: remembers the last position of each file, also after a line that was cut short", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "positions.jsonl");
  assert.deepEqual((await loaded(path)).offsets, []);
  await written(path);
  assert.deepEqual((await loaded(path)).offsets, [15, 20]);
  await Deno.writeTextFile(path, '\n{"positions":[{"pa', { append: true });
  const { patterns, offsets, log } = await loaded(path);
  assert.deepEqual([patterns, offsets], [["/a.log"], [15, 20]]);
  assert.equal(log.text(), "");
});

const damages: Readonly<Record<string, readonly [damage: (text: string) => string, number[]]>> = {
  "is empty": [() => "", []],
  "is something else": [() => "\0\0\0\0", []],
  "lacks its first line": [(text) => `{"pat${text.slice(text.indexOf("\n"))}`, [15]],
  "holds a position that is none": [(text) => text.replace('"offset":20', '"offset":-1'), [15]],
};
for (const [what, [damage, known]] of Object.entries(damages)) {
  Deno.test(`log checkpoint: sets a file aside that ${what}, says so, and goes on`, async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "positions.jsonl");
    await written(path);
    const damaged = damage(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, damaged);
    const { offsets, log } = await loaded(path);
    assert.deepEqual(offsets, known);
    assert.equal(log.records.filter(({ level }) => level === "error").length, 1);
    assert.match(log.text(), /positions.jsonl.damaged/);
    assert.equal(await Deno.readTextFile(`${path}.damaged`), damaged);
    await written(path);
    assert.deepEqual((await loaded(path)).offsets, [15, 20]);
  });
}

Deno.test("log checkpoint: is written anew when it has grown, and loses nothing by it", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "positions.jsonl");
  await using checkpoint = new LogCheckpoint(path, new FakeClock(), memoryLog());
  let greatest = 0;
  for (let offset = 1; offset <= 6_000; offset++) {
    const changed = position("1:1", offset);
    await checkpoint.append([changed], () => ({ patterns: ["/a.log"], positions: [changed] }));
    greatest = Math.max(greatest, (await Deno.stat(path)).size);
  }
  assert.ok(greatest > 400_000 && greatest < 600_000, `${greatest}`);
  assert.deepEqual((await loaded(path)).offsets, [6_000]);
});
