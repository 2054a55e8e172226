import assert from "node:assert/strict";
import { join } from "node:path";
import { branchOf, KnownServer } from "../../src/artifacts/branch_source.ts";
import { JobMemory } from "../../src/artifacts/job_memory.ts";
import { PublishedRecord } from "../../src/artifacts/published_record.ts";
import { RecordMemory } from "../../src/artifacts/record_memory.ts";
import { surveyWorkTree } from "../../src/artifacts/work_tree_survey.ts";
import { WorkTreeGlance } from "../../src/artifacts/work_tree_glance.ts";
import { type GitDirectory, gitDirectoryAt } from "../../src/git/git_directory.ts";
import { stampOf } from "../../src/git/file_stamp.ts";
import { encodeIndex, type IndexEntry, parseIndex } from "../../src/git/index_file.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";

const stamp = { size: 1, mtimeMs: 2, ctimeMs: 3, dev: 4, ino: 5, uid: 6, gid: 7 };
const entryOf = (path: string, digit = "1"): IndexEntry => ({
  path,
  id: digit.repeat(40),
  mode: 0o100644,
  stamp,
});

async function withDirectory(use: (directory: GitDirectory) => void | Promise<void>) {
  const path = await Deno.makeTempDir();
  try {
    await use(gitDirectoryAt(path));
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** A record with `a` and `b` that was written with this memory. */
function written(directory: GitDirectory, memory: RecordMemory): PublishedRecord {
  new PublishedRecord(directory, memory).finish([entryOf("b"), entryOf("a")]);
  return new PublishedRecord(directory, memory);
}

Deno.test("job memory: gives the very entries that were written, through all changes", () =>
  withDirectory((directory) => {
    const memory = new RecordMemory();
    const first = written(directory, memory);
    const a = first.placedAt("a");
    assert(a && memory.find(directory)?.placed.get("a") === a);
    const link: IndexEntry = { path: "l", id: "3".repeat(40), mode: 0o120000 };
    const steps: IndexEntry[][] = [
      [a, entryOf("b", "2")],
      [a, entryOf("c")],
      [entryOf("0"), a, entryOf("c", "2"), link],
      [a],
      [entryOf("z"), a],
    ];
    for (const step of steps) {
      new PublishedRecord(directory, memory).finish(step);
      const record = new PublishedRecord(directory, memory);
      assert.equal(record.placedAt("a"), a);
      assert.equal(record.isFirst, false);
      const placed = step.filter(({ stamp }) => stamp).map(({ path }) => path).sort();
      assert.deepEqual([...record.paths].sort(), placed);
      assert.deepEqual(Deno.readFileSync(directory.index), encodeIndex(step));
      for (const entry of step) {
        assert.equal(record.placedAt(entry.path), entry.stamp ? entry : undefined);
      }
    }
  }));

Deno.test("job memory: reads a record again that somebody else wrote", () =>
  withDirectory((directory) => {
    const others = [
      () => new PublishedRecord(directory).finish([entryOf("a"), entryOf("c")]),
      () => Deno.writeFileSync(directory.index, encodeIndex([entryOf("a"), entryOf("c")])),
      () => Deno.writeFileSync(directory.index, new Uint8Array(9)),
      () => Deno.removeSync(directory.index),
    ];
    for (const change of others) {
      const memory = new RecordMemory();
      const a = written(directory, memory).placedAt("a");
      change();
      const record = new PublishedRecord(directory, memory);
      assert.notEqual(record.placedAt("a"), a);
      assert.equal(record.has("b"), false);
      assert.equal(memory.find(directory), undefined);
    }
  }));

Deno.test("job memory: reads the record after a publication that was interrupted", () =>
  withDirectory((directory) => {
    const memory = new RecordMemory();
    written(directory, memory).begin([entryOf("b", "2"), entryOf("c")]);
    const record = new PublishedRecord(directory, memory);
    assert(record.isInterrupted);
    assert.deepEqual([...record.paths], ["a", "b", "c"]);
    assert.equal(record.size, 3);
    record.finish([entryOf("c")]);
    assert.deepEqual([...new PublishedRecord(directory, memory).paths], ["c"]);
  }));

Deno.test("record: announces what is to come beside what was announced before", () =>
  withDirectory((directory) => {
    const announced = () => parseIndex(Deno.readFileSync(directory.indexInProgress));
    new PublishedRecord(directory).finish([entryOf("a"), entryOf("b")]);
    new PublishedRecord(directory).begin([entryOf("b", "2")]);
    assert.deepEqual(announced(), [entryOf("b", "2")]);
    new PublishedRecord(directory).begin([entryOf("c")]);
    assert.deepEqual(announced(), [entryOf("b", "2"), entryOf("c")]);
    new PublishedRecord(directory).begin([]);
    assert.deepEqual([...new PublishedRecord(directory).paths], ["a", "b", "c"]);
  }));

Deno.test("job memory: is bounded, and of one job's directories", () =>
  withDirectory((directory) => {
    const memory = new RecordMemory();
    const many = Array.from({ length: 100_001 }, (_, at) => entryOf(`f${at}`));
    new PublishedRecord(directory, memory).finish(many);
    assert.equal(memory.find(directory), undefined);
    new PublishedRecord(directory, memory).finish(many.slice(1));
    assert.equal(memory.find(directory)?.placed.size, 100_000);
    const jobs = new JobMemory();
    const places = { gitDirectory: "/g", destination: "/a", stagingDirectories: [] };
    const first = jobs.of(places);
    assert.equal(jobs.of({ ...places }), first);
    assert.notEqual(jobs.of({ ...places, destination: "/b" }), first);
    assert.notEqual(jobs.of(places), first);
  }));

peerTest("job memory: changes nothing of what jobs do", ["git"], async () => {
  await using playground = await Playground.open();
  const memory = new JobMemory();
  const checkOut = () => playground.checkOut({}, { memory });
  const assertClean = async () => {
    assert.equal((await playground.nativeGit("status", "--porcelain", "-uno")).text, "");
  };
  await playground.commit({ "a": "1", "d/b": "1", "d/e/c": "1", "same": "s" });
  await checkOut();
  await playground.commit({ "a": "2", "new/x": "n" });
  assert.equal((await checkOut()).changed, true);
  assert.deepEqual(playground.files(), {
    "a": "2",
    "d/b": "1",
    "d/e/c": "1",
    "new/x": "n",
    "same": "s",
  });
  await assertClean();
  // Local changes of every kind, of files that the commit does not touch.
  await Deno.writeTextFile(join(playground.app, "d/b"), "changed");
  await Deno.remove(join(playground.app, "d/e"), { recursive: true });
  await Deno.chmod(join(playground.app, "same"), 0o755);
  await playground.commit({ "a": "3" });
  const { notes } = await checkOut();
  assert.deepEqual([...notes.localChanges.first].sort(), ["d/b", "d/e/c", "same"]);
  await playground.commit({ "a": null, "d/b": null });
  await checkOut();
  assert.deepEqual(playground.files(), { "d/e/c": "1", "new/x": "n", "same": "s" });
  await assertClean();
  // A link to elsewhere in a directory's place is not looked through.
  await Deno.rename(join(playground.app, "d"), join(playground.root, "elsewhere"));
  await Deno.symlink(join(playground.root, "elsewhere"), join(playground.app, "d"));
  await playground.commit({ "a": "4" });
  await assert.rejects(checkOut(), /symbolic link/);
  await Deno.remove(join(playground.app, "d"));
  await checkOut();
  assert.deepEqual(playground.files(), { "a": "4", "d/e/c": "1", "new/x": "n", "same": "s" });
  await assertClean();
});

Deno.test("glance: tells what is as it was written, and of one directory alone", () =>
  withDirectory(async (directory) => {
    const root = join(directory.path, "app");
    const paths = ["a", "d/b", "d/c", "gone/x", "link/y"];
    for (const path of paths) {
      Deno.mkdirSync(join(root, path, ".."), { recursive: true });
      Deno.writeTextFileSync(join(root, path), path);
    }
    const placed = paths.map((path): IndexEntry => ({
      ...entryOf(path),
      stamp: stampOf(Deno.lstatSync(join(root, path))),
    }));
    new PublishedRecord(directory).finish(placed);
    Deno.writeTextFileSync(join(root, "d/c"), "other");
    Deno.removeSync(join(root, "gone"), { recursive: true });
    Deno.renameSync(join(root, "link"), join(directory.path, "aside"));
    Deno.symlinkSync("../aside", join(root, "link"));
    const record = new PublishedRecord(directory);
    await using glance = new WorkTreeGlance(root, record);
    assert(await glance.complete(root));
    const seen = [...record.placed].filter((entry) => glance.sawUntouched(entry));
    assert.deepEqual(seen.map(({ path }) => path), ["a", "d/b"]);
    assert(glance.sawDirectory("d"));
    assert(!glance.sawDirectory("link") && !glance.sawDirectory("gone"));
    Deno.removeSync(join(root, "link"));
    const plan = {
      files: placed.map(({ path, id }) => ({ path, id, mode: 0o100644 as const })),
      links: [],
      leftOut: [],
      directories: ["d", "gone", "link"],
      collisions: [],
    };
    const survey = surveyWorkTree(root, plan, record, glance);
    assert.deepEqual(survey, surveyWorkTree(root, plan, record));
    assert.deepEqual([...survey.localChanges].sort(), ["d/c", "gone/x", "link/y"]);
    await using elsewhere = new WorkTreeGlance(root, record);
    assert.equal(await elsewhere.complete(directory.path), false);
    let nowMs = 0;
    const clock = { monotonicMs: () => nowMs };
    await using recent = new WorkTreeGlance(root, record, { clock });
    await using old = new WorkTreeGlance(root, record, { clock });
    nowMs = 1_000;
    assert(await recent.complete(root));
    nowMs = 1_001;
    assert(!(await old.complete(root)));
  }));

Deno.test("glance: looks from its start on, or at the end when there was none", () =>
  withDirectory(async (directory) => {
    const root = directory.path;
    const path = join(root, "a");
    Deno.writeTextFileSync(path, "a");
    const entry = { ...entryOf("a"), stamp: stampOf(Deno.lstatSync(path)) };
    new PublishedRecord(directory).finish([entry]);
    const record = new PublishedRecord(directory);
    await using early = new WorkTreeGlance(root, record);
    await using late = new WorkTreeGlance(root, record);
    await early.start();
    Deno.writeTextFileSync(path, "changed");
    const [placed] = record.placed;
    const found = [early, late].map(async (glance) =>
      await glance.complete(root) && glance.sawUntouched(placed!)
    );
    assert.deepEqual(await Promise.all(found), [true, false]);
  }));

peerTest("glance: begins when there is an answer to wait for", ["git"], async () => {
  await using playground = await Playground.open();
  const server = new KnownServer();
  const { start } = WorkTreeGlance.prototype;
  /** @returns What comes first. */
  const checkOut = async (commit: string) => {
    const order: string[] = [];
    const job = playground.job({ seen: { ref: "refs/heads/main", commit } });
    const remote = branchOf(job, gitDirectoryAt(job.gitDirectory), { server });
    const fetch = remote.fetch.bind(remote);
    remote.fetch = (...request) => {
      order.push("fetches");
      return fetch(...request);
    };
    WorkTreeGlance.prototype.start = function () {
      order.push("looks");
      return start.call(this);
    };
    try {
      await playground.checkOut({}, { remote });
    } finally {
      WorkTreeGlance.prototype.start = start;
    }
    return order.slice(0, 2);
  };
  // Nothing is in place.
  assert.deepEqual(await checkOut(await playground.commit({ "a": "1" })), ["fetches"]);
  // The request for the pack goes out at once.
  assert.deepEqual(await checkOut(await playground.commit({ "a": "2" })), ["fetches", "looks"]);
  server.distrust(playground.job());
  assert.deepEqual(await checkOut(await playground.commit({ "a": "3" })), ["looks", "fetches"]);
  assert.deepEqual(playground.files(), { "a": "3" });
});
