import assert from "node:assert/strict";
import { join } from "node:path";
import type { Remembered } from "../../src/followers/log_checkpoint.ts";
import { LogFollower } from "../../src/followers/log_follower.ts";
import type { StartsMessage } from "../../src/followers/log_lines.ts";
import { lingerMs } from "../../src/followers/log_trail.ts";
import { memoryLog } from "../memory_log.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const nothing: Remembered = { patterns: [], positions: [] };

/** A directory with a follower whose lines are taken into a list. */
class Scene implements AsyncDisposable {
  readonly log = memoryLog();
  readonly #directory: { readonly path: string } & AsyncDisposable;
  readonly #patterns: readonly string[];
  readonly #startsMessage: StartsMessage | undefined;
  follower: LogFollower;
  nowMs = 0;

  private constructor(
    directory: { readonly path: string } & AsyncDisposable,
    patterns: readonly string[],
    startsMessage: StartsMessage | undefined,
  ) {
    this.#directory = directory;
    this.#patterns = patterns;
    this.#startsMessage = startsMessage;
    this.follower = this.#open(nothing);
  }

  static async open(
    patterns: readonly string[] = ["a.log"],
    ...[startsMessage]: readonly StartsMessage[]
  ): Promise<Scene> {
    return new Scene(await temporaryDirectory(), patterns, startsMessage);
  }

  #open(remembered: Remembered): LogFollower {
    return new LogFollower({
      patterns: this.#patterns.map((pattern) => this.path(pattern)),
      remembered,
      startsMessage: this.#startsMessage,
      log: this.log,
    });
  }

  path(name: string): string {
    return join(this.#directory.path, name);
  }

  append(name: string, text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    Deno.writeFileSync(this.path(name), bytes, { append: true });
  }

  rename(from: string, to: string): void {
    Deno.renameSync(this.path(from), this.path(to));
  }

  copyTruncate(from: string, to: string): void {
    Deno.copyFileSync(this.path(from), this.path(to));
    Deno.truncateSync(this.path(from));
  }

  /** What is published when some time has passed; at most so many lines. */
  async take(limit = 1_000, passedMs = 2_000): Promise<string[]> {
    await this.look(passedMs);
    return await this.read(limit);
  }

  async look(passedMs = 2_000): Promise<void> {
    this.nowMs += passedMs;
    await this.follower.poll(this.nowMs);
  }

  /** Reads what the last look has seen. */
  async read(limit = 1_000): Promise<string[]> {
    const lines: string[] = [];
    const add = (source: Uint8Array, start: number, end: number) => {
      if (lines.length === limit) return false;
      lines.push(new TextDecoder("utf-8", { fatal: true }).decode(source.subarray(start, end)));
      return true;
    };
    await this.follower.fill({ add }, this.nowMs);
    return lines;
  }

  /** What a restart of the agent does, with everything that was taken confirmed. */
  restart(): void {
    const remembered = JSON.parse(JSON.stringify(this.follower.remembered));
    this.follower[Symbol.dispose]();
    this.follower = this.#open(remembered);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.follower[Symbol.dispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

Deno.test("log follower: starts at the end of a file never seen, at the start of one that comes later", async () => {
  await using scene = await Scene.open(["a.log", "b.log"]);
  scene.append("a.log", "old\n");
  assert.deepEqual(await scene.take(), []);
  scene.append("a.log", "new\n");
  scene.append("b.log", "first\nsecond\n");
  assert.deepEqual((await scene.take()).sort(), ["first", "new", "second"]);
});

Deno.test("log follower: goes on at the remembered place after a restart", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n2\n3\n");
  assert.deepEqual(await scene.take(2), ["1", "2"]);
  scene.restart();
  scene.append("a.log", "4\n");
  assert.deepEqual(await scene.take(), ["3", "4"]);
});

Deno.test("log follower: waits for the end of a line, whatever its end is", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "one\r\npar");
  assert.deepEqual(await scene.take(), ["one"]);
  assert.deepEqual(await scene.take(), []);
  scene.append("a.log", "tial\n\nlast");
  assert.deepEqual(await scene.take(), ["partial", ""]);
});

Deno.test("log follower: reads a renamed file to its end before the new one, and its late lines", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n");
  await scene.take();
  scene.append("a.log", "2\n");
  scene.rename("a.log", "a.log.1");
  scene.append("a.log.1", "3\n");
  scene.append("a.log", "4\n");
  assert.deepEqual(await scene.take(), ["2", "3", "4"]);
  scene.append("a.log.1", "late\n");
  scene.append("a.log", "5\n");
  assert.deepEqual(await scene.take(), ["late", "5"]);
  scene.append("a.log.1", "without end");
  assert.deepEqual(await scene.take(), []);
  assert.deepEqual(await scene.take(1_000, lingerMs), ["without end"]);
  await scene.take();
  assert.deepEqual(scene.follower.files.map(({ isRotated }) => isRotated), [false]);
});

for (const restarts of [false, true]) {
  const when = restarts ? "while the agent is away" : "between two looks";

  Deno.test(`log follower: finds files that were renamed again and again ${when}`, async () => {
    await using scene = await Scene.open();
    await scene.take();
    scene.append("a.log", "1\n2\n");
    assert.deepEqual(await scene.take(1), ["1"]);
    scene.append("a.log", "3\n");
    scene.rename("a.log", "a.log.2");
    await new Promise((resolve) => setTimeout(resolve, 5));
    scene.append("a.log.1", "4\n");
    scene.append("a.log", "5\n");
    if (restarts) scene.restart();
    assert.deepEqual(await scene.take(), ["2", "3", "4", "5"]);
    assert.deepEqual(scene.follower.missed, { files: 0, bytes: 0 });
  });

  Deno.test(`log follower: goes on in the copies of a file that is truncated ${when}`, async () => {
    await using scene = await Scene.open();
    await scene.take();
    scene.append("a.log", "line 1 of the first\nline 2 of the first\n");
    assert.deepEqual(await scene.take(1), ["line 1 of the first"]);
    scene.append("a.log", "line 3 of the first\n");
    scene.copyTruncate("a.log", "a.log.2");
    await new Promise((resolve) => setTimeout(resolve, 5));
    scene.append("a.log", "line 1 of the second\n");
    scene.copyTruncate("a.log", "a.log.1");
    scene.append(
      "a.log",
      "line 1 of the third, which is longer than all that was read before it\n",
    );
    if (restarts) scene.restart();
    assert.deepEqual(await scene.take(), [
      "line 2 of the first",
      "line 3 of the first",
      "line 1 of the second",
      "line 1 of the third, which is longer than all that was read before it",
    ]);
    assert.deepEqual(scene.follower.missed, { files: 0, bytes: 0 });
  });
}

Deno.test("log follower: finds what was written and copied away after a truncation it saw", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "line 1 of the first\n");
  await scene.take();
  scene.copyTruncate("a.log", "a.log.2");
  assert.deepEqual(await scene.take(), []);
  scene.append("a.log", "line 1 of the second\n");
  scene.copyTruncate("a.log", "a.log.1");
  scene.append("a.log", "line 1 of the third\n");
  assert.deepEqual(await scene.take(), ["line 1 of the second", "line 1 of the third"]);
});

Deno.test("log follower: notices when it reads that a file was truncated since it was looked at", async () => {
  await using scene = await Scene.open();
  await scene.take();
  const long = (name: string) => `${name} ${"x".repeat(1_500)}`;
  scene.append("a.log", `${long("first")}\n`);
  await scene.look();
  scene.copyTruncate("a.log", "a.log.1");
  scene.append("a.log", `${long("second")}\n`);
  assert.deepEqual([...await scene.read(), ...await scene.take()], [long("first"), long("second")]);
  assert.deepEqual(scene.follower.missed, { files: 0, bytes: 0 });
});

Deno.test("log follower: does not repeat a copy that holds less than was read, and counts what it lacks", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", `line 1 of the first ${"x".repeat(2_000)}\n`);
  Deno.copyFileSync(scene.path("a.log"), scene.path("a.log.1"));
  scene.append("a.log", "line 2 of the first\n");
  assert.equal((await scene.take()).length, 2);
  scene.append("a.log", "line 3 of the first\n");
  await scene.look();
  Deno.truncateSync(scene.path("a.log"));
  scene.append("a.log", "line 1 of the second\n");
  assert.deepEqual([...await scene.read(), ...await scene.take()], ["line 1 of the second"]);
  assert.deepEqual(await scene.take(1_000, lingerMs), []);
  assert.deepEqual(scene.follower.missed, { files: 1, bytes: 20 });
});

Deno.test("log follower: takes late lines of every file that was just rotated", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n");
  assert.deepEqual(await scene.take(), ["1"]);
  scene.rename("a.log", "a.log.2");
  scene.append("a.log", "2\n");
  assert.deepEqual(await scene.take(1_000, 300), ["2"]);
  scene.rename("a.log", "a.log.1");
  scene.append("a.log", "3\n");
  assert.deepEqual(await scene.take(1_000, 300), ["3"]);
  scene.append("a.log.1", "late\n");
  scene.append("a.log", "4\n");
  assert.deepEqual(await scene.take(1_000, 300), ["late", "4"]);
});

Deno.test("log follower: finds files that came and were renamed while the agent was away, without a successor", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n");
  assert.deepEqual(await scene.take(), ["1"]);
  scene.restart();
  scene.rename("a.log", "a.log.2");
  await new Promise((resolve) => setTimeout(resolve, 5));
  scene.append("a.log.1", "2\n");
  assert.deepEqual([...await scene.take(), ...await scene.take()], ["2"]);
  for (let round = 0; round < 4; round++) assert.deepEqual(await scene.take(1_000, lingerMs), []);
  scene.append("a.log", "3\n");
  assert.deepEqual(await scene.take(), ["3"]);
});

Deno.test("log follower: reads a file to its end that is removed or replaced, and its successor", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n");
  await scene.take();
  scene.append("a.log", "2\n");
  Deno.removeSync(scene.path("a.log"));
  assert.deepEqual(await scene.take(), ["2"]);
  scene.append("a.log", "3\n");
  assert.deepEqual(await scene.take(), ["3"]);
  scene.append("a.log", "4\n");
  scene.append("fresh", "5\n");
  scene.rename("fresh", "a.log");
  assert.deepEqual(await scene.take(), ["4", "5"]);
});

Deno.test("log follower: counts and says once what was removed or compressed before it was read", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n2\n3\n");
  assert.deepEqual(await scene.take(1), ["1"]);
  scene.restart();
  Deno.removeSync(scene.path("a.log"));
  scene.append("a.log", "4\n");
  assert.deepEqual(await scene.take(), ["4"]);
  await scene.take();
  assert.deepEqual(scene.follower.missed, { files: 1, bytes: 4 });
  const warnings = scene.log.records.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1, scene.log.text());
  assert.match(warnings[0]!.message, /were missed/);
});

Deno.test("log follower: counts a file that was compressed while the agent was away", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "1\n");
  await scene.take();
  scene.restart();
  Deno.removeSync(scene.path("a.log"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  scene.append("a.log.1.gz", "compressed");
  scene.append("a.log", "3\n");
  assert.deepEqual(await scene.take(), ["3"]);
  assert.equal(scene.follower.missed.files, 1);
});

Deno.test("log follower: follows what a pattern matches, also later, and no compressed or directory", async () => {
  await using scene = await Scene.open(["logs/*/[a-c]?.log", "x*"]);
  await scene.take();
  Deno.mkdirSync(scene.path("logs/one"), { recursive: true });
  Deno.mkdirSync(scene.path("logs/one/ad.log"));
  scene.append("logs/one/ab.log", "1\n");
  scene.append("logs/one/xb.log", "no\n");
  scene.append("x1", "2\n");
  scene.append("x1.gz", "no\n");
  scene.append(".x", "no\n");
  assert.deepEqual(await scene.take(), ["1", "2"]);
  Deno.mkdirSync(scene.path("logs/two"));
  scene.append("logs/two/c_.log", "3\n");
  assert.deepEqual(await scene.take(), ["3"]);
});

Deno.test("log follower: publishes no line twice when a pattern matches rotated files and copies", async () => {
  await using scene = await Scene.open(["a.log*"]);
  await scene.take();
  scene.append("a.log", "a first line that tells\n");
  assert.deepEqual(await scene.take(), ["a first line that tells"]);
  scene.rename("a.log", "a.log.1");
  scene.append("a.log", "a second line that tells\n");
  assert.deepEqual(await scene.take(), ["a second line that tells"]);
  for (let round = 0; round < 4; round++) assert.deepEqual(await scene.take(1_000, lingerMs), []);
  scene.copyTruncate("a.log", "a.log.2");
  assert.deepEqual(await scene.take(), []);
  scene.append("a.log", "a third line that tells\n");
  assert.deepEqual(await scene.take(), ["a third line that tells"]);
  scene.restart();
  assert.deepEqual(await scene.take(), []);
});

Deno.test("log follower: refuses a directory and a FIFO with one line each, without waiting", async () => {
  await using scene = await Scene.open(["dir", "fifo"]);
  Deno.mkdirSync(scene.path("dir"));
  await new Deno.Command("mkfifo", { args: [scene.path("fifo")] }).output();
  await scene.take();
  assert.deepEqual(await scene.take(), []);
  const messages = scene.log.records.map(({ message }) => message);
  assert.equal(messages.length, 2, scene.log.text());
  assert.match(messages[0]!, /dir is not followed: it is a directory/);
  assert.match(messages[1]!, /fifo is not followed: it is no regular file/);
});

Deno.test("log follower: follows the target of a link, and the next one that the link is given", async () => {
  await using scene = await Scene.open(["current"]);
  scene.append("day1", "");
  Deno.symlinkSync(scene.path("day1"), scene.path("current"));
  await scene.take();
  scene.append("day1", "1\n");
  assert.deepEqual(await scene.take(), ["1"]);
  scene.append("day1", "2\n");
  scene.append("day2", "3\n");
  Deno.removeSync(scene.path("current"));
  Deno.symlinkSync(scene.path("day2"), scene.path("current"));
  assert.deepEqual(await scene.take(), ["2", "3"]);
});

Deno.test("log follower: cuts long lines, repairs bytes that are no UTF-8, leaves out a hole of NULs", async () => {
  await using scene = await Scene.open();
  await scene.take();
  const long = "ä".repeat(200_000);
  scene.append("a.log", `${long}\nnext\n`);
  scene.append("a.log", new Uint8Array([0x61, 0xff, 0x62, 10]));
  scene.append("a.log", new Uint8Array(5_000));
  scene.append("a.log", "after\n");
  const [cut, ...rest] = await scene.take();
  assert.deepEqual(rest, ["next", "a\ufffdb", "after"]);
  assert.ok(new TextEncoder().encode(cut).length <= 65_536);
  assert.match(cut!, /^ä+ …\[cut at 64 KiB\]$/);
  assert.equal(scene.follower.counts.cut, 1);
});

Deno.test("log follower: leaves out the rest of a long line after a restart, too", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "x".repeat(300_000));
  assert.equal((await scene.take()).length, 1);
  scene.restart();
  scene.append("a.log", "y\nnext\n");
  assert.deepEqual(await scene.take(), ["next"]);
});

Deno.test("log follower: joins lines until one starts a message, or nothing follows for a second", async () => {
  const startsMessage: StartsMessage = (line) => line[0] !== 0x20 && line[0] !== undefined;
  await using scene = await Scene.open(["a.log"], startsMessage);
  await scene.take();
  scene.append("a.log", "one\n  at x\n  at y\ntwo\n");
  assert.deepEqual(await scene.take(1_000, 100), ["one\n  at x\n  at y"]);
  assert.deepEqual(await scene.take(1_000, 100), []);
  assert.deepEqual(await scene.take(), ["two"]);
  scene.append("a.log", "three\n" + "  at z\n".repeat(20_000) + "four\n");
  const [cut, last] = await scene.take(1_000, 2_000).then(async (
    lines,
  ) => [...lines, ...await scene.take()]);
  assert.match(cut!, /^three\n {2}at z\n[^]*…\[cut at 64 KiB\]$/);
  assert.equal(last, "four");
});

for (const how of ["rename", "copyTruncate"] as const) {
  Deno.test(`log follower: takes every line once and in order through any ${how} and restart`, async () => {
    const rounds = Deno.env.get("LONG_TESTS") === "1" ? 100 : 8;
    for (let seed = 1; seed <= rounds; seed++) await anyRotations(how, seed);
  });
}

/** Writes, rotates, takes and restarts in an order that follows from the seed. */
async function anyRotations(how: "rename" | "copyTruncate", seed: number): Promise<void> {
  let state = seed * 7919;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  // Files are put in order by the time of their last change, in milliseconds.
  const tick = () => new Promise((resolve) => setTimeout(resolve, 3));
  await using scene = await Scene.open();
  scene.append("a.log", "");
  await scene.take();
  const taken: string[] = [];
  const written: string[] = [];
  for (let step = 1; step <= 60; step++) {
    const action = random(7);
    if (action <= 1) {
      const lines = Array.from({ length: 1 + random(40) }, (_, index) => {
        const number = written.length + index;
        return `line ${number} ${"x".repeat(number % 90)}`;
      });
      written.push(...lines);
      scene.append("a.log", `${lines.join("\n")}\n`);
    } else if (action === 2) {
      await tick();
      scene[how]("a.log", `a.log.${step}`);
      if (how === "rename") scene.append("a.log", "");
      await tick();
    } else if (action <= 5) {
      taken.push(...await scene.take(action === 3 ? 1 + random(60) : 1_000, 300));
    } else {
      // A restart without a look at the files remembers nothing new.
      taken.push(...await scene.take(1, 10));
      scene.restart();
    }
  }
  for (let round = 0; round < 3; round++) taken.push(...await scene.take(10_000));
  assert.deepEqual(taken, written, `seed ${seed}`);
  assert.deepEqual(scene.follower.missed, { files: 0, bytes: 0 });
}

Deno.test("log follower: follows 500 names at most, and says so once", async () => {
  await using scene = await Scene.open(["a*", "b*"]);
  for (let file = 0; file < 300; file++) scene.append(`a${file}`, "");
  for (let file = 0; file < 300; file++) scene.append(`b${file}`, "");
  await scene.take();
  await scene.take();
  assert.equal(scene.follower.files.length, 500);
  const warnings = scene.log.records.filter(({ message }) => /at most 500 files/.test(message));
  assert.equal(warnings.length, 1, scene.log.text());
});

Deno.test("log follower: lets 100 rotated files of a name wait, and counts the oldest beyond as missed", async () => {
  await using scene = await Scene.open();
  await scene.take();
  scene.append("a.log", "start\n");
  await scene.take();
  scene.restart();
  for (let file = 1; file <= 105; file++) {
    scene.rename("a.log", `a.log.${1_000 - file}`);
    scene.append("a.log", `${file}\n`);
    // Files are put in order by the time of their last change.
    Deno.utimeSync(scene.path("a.log"), new Date(), new Date(Date.now() + file * 10));
  }
  await scene.look();
  const { files, bytes } = scene.follower.missed;
  assert.deepEqual([files, bytes], [5, 5 * 2]);
  assert.equal(scene.follower.files.length, 100);
  assert.deepEqual(
    await scene.read(),
    Array.from({ length: 100 }, (_, index) => `${index + 6}`),
  );
});
