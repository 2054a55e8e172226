import assert from "node:assert/strict";
import { join } from "node:path";
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import { gitDirectoryAt, prepareGitDirectory } from "../../src/git/git_directory.ts";
import type { CheckoutJob } from "../../src/artifacts/git_job.ts";
import type { GitObject } from "../../src/git/pack_object.ts";
import { PublishedRecord } from "../../src/artifacts/published_record.ts";
import { StreamedFiles } from "../../src/artifacts/streamed_files.ts";
import type { PlannedFile } from "../../src/git/tree_plan.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { HostilePlace } from "./hostile_place.ts";
import { answersOf, repositoryOf, type TreeLine } from "./hostile_remote.ts";
import { bytesOf, idOf } from "../git/pack_builder.ts";

const text = (content: string): GitObject => ({ type: "blob", data: bytesOf(content) });
const tree = (...entries: readonly [string, string, GitObject][]): GitObject => ({
  type: "tree",
  data: bytesOf(
    ...entries.flatMap(([mode, name, object]) => [
      `${mode} ${name}\0`,
      Uint8Array.fromHex(idFor(object)),
    ]),
  ),
});
const idFor = ({ type, data }: GitObject) => idOf(type as "blob" | "tree" | "commit", data);
const commitOf = (root: GitObject): GitObject => ({
  type: "commit",
  data: bytesOf(`tree ${idFor(root)}\nauthor A <a@b> 0 +0000\n`),
});
const planned = (path: string, object: GitObject): PlannedFile => ({
  path,
  id: idFor(object),
  mode: 0o100644,
});

const [one, two] = [text("1"), text("2")];
const below = tree(["100755", "run", two]);
const root = tree(["100644", "a", one], ["40000", "d", below]);
const commit = commitOf(root);
const files = [planned("a", one), { ...planned("d/run", two), mode: 0o100755 } as PlannedFile];

/** A job whose destination is empty, below a directory of its own. */
async function prepared(changes: Partial<CheckoutJob> = {}) {
  const temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  await Deno.mkdir(at("app"));
  await Deno.mkdir(at("git"));
  const directory = gitDirectoryAt(at("git"));
  prepareGitDirectory(directory);
  const job: CheckoutJob = {
    url: "http://127.0.0.1:1/x.git",
    gitDirectory: at("git"),
    destination: at("app"),
    stagingDirectories: [at("staging")],
    limits: { bytes: 1_000, files: 10 },
    idleTimeoutMs: 1_000,
    localChanges: "discard",
    ...changes,
  };
  const staged = () => {
    const found: string[] = [];
    const visit = (path: string) => {
      for (const { name, isDirectory } of Deno.readDirSync(join(at("staging/tree"), path))) {
        if (isDirectory) visit(join(path, name));
        else found.push(join(path, name));
      }
    };
    try {
      visit("");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return undefined;
    }
    return found.sort();
  };
  const remove = () => temporary[Symbol.asyncDispose]();
  return { job, directory, staged, at, [Symbol.asyncDispose]: remove };
}

/** @param isForgetful Nothing that came before is at hand any more. */
function takeAll(
  streamed: StreamedFiles,
  objects: readonly GitObject[],
  isForgetful = false,
): void {
  const before = new Map<string, GitObject>();
  const pack = { objectsTotal: objects.length, recall: (id: string) => before.get(id) };
  for (const object of objects) {
    if (!isForgetful) before.set(idFor(object), object);
    streamed.take(idFor(object), object, pack);
  }
}

Deno.test("streamed files: are written as they come, and given away", async () => {
  await using place = await prepared();
  await using streamed = StreamedFiles.of(place.job, place.directory, idFor(commit));
  assert(streamed);
  takeAll(streamed, [commit, root, one]);
  assert.deepEqual(place.staged(), ["a"]);
  takeAll(streamed, [below, two]);
  {
    using staging = await streamed.handOver(files);
    assert(staging);
    const none = { read: () => assert.fail("nothing is left to be written") };
    const { entries } = staging.write(files, { source: none }, 1_000);
    assert.deepEqual(entries.map(({ path, mode }) => [path, mode]), [
      ["a", 0o100644],
      ["d/run", 0o100755],
    ]);
    for (const { path, stamp } of entries) {
      const info = await Deno.lstat(join(staging.tree, path));
      assert.equal(stamp?.ino, (info.ino ?? 0) >>> 0);
      assert.equal((info.mode ?? 0) & 0o777, path === "a" ? 0o644 : 0o755);
    }
    assert.equal(await Deno.readTextFile(join(staging.tree, "d/run")), "2");
  }
  assert.equal(place.staged(), undefined);
});

Deno.test("streamed files: are written as soon as their trees have come, whatever the order", async () => {
  const objects = [commit, root, below, one, two];
  for (const at of objects.keys()) {
    await using place = await prepared();
    await using streamed = StreamedFiles.of(place.job, place.directory, idFor(commit));
    assert(streamed);
    takeAll(streamed, [...objects.slice(at), ...objects.slice(0, at)].toReversed());
    assert.deepEqual(place.staged(), ["a", "d/run"]);
    using staging = await streamed.handOver(files);
    assert(staging);
  }
});

Deno.test("streamed files: wait for the finished pack when they are not at hand any more", async () => {
  await using place = await prepared();
  await using streamed = StreamedFiles.of(place.job, place.directory, idFor(commit));
  assert(streamed);
  takeAll(streamed, [two, below, commit, root, one], true);
  using staging = await streamed.handOver(files);
  assert(staging);
  assert.deepEqual(place.staged(), ["a"]);
  staging.write(files, { source: { read: () => two.data } }, 1_000);
  assert.deepEqual(place.staged(), ["a", "d/run"]);
});

Deno.test("streamed files: count with those that are written later", async () => {
  await using place = await prepared();
  const [later, now] = [text("x".repeat(600)), text("y".repeat(600))];
  const both = tree(["100644", "a", later], ["100644", "b", now]);
  const of = commitOf(both);
  await using streamed = StreamedFiles.of(place.job, place.directory, idFor(of));
  assert(streamed);
  takeAll(streamed, [later, of, both, now], true);
  const wanted = [planned("a", later), planned("b", now)];
  using staging = await streamed.handOver(wanted);
  assert(staging);
  assert.throws(
    () => staging.write(wanted, { source: { read: () => later.data } }, 1_000),
    /more than 1000 bytes/,
  );
});

Deno.test("streamed files: nothing of what is refused, too much or unexpected stays", async () => {
  const odd: [string, readonly GitObject[]][] = [];
  const add = (what: string, of: GitObject, ...rest: readonly GitObject[]) =>
    odd.push([what, [commitOf(of), of, ...rest]]);
  add("an odd name", tree(["100644", "a", one], ["100644", "..", two]), one, two);
  add("a name twice", tree(["100644", "a", one], ["40000", "a", below]), one, below, two);
  add("an odd mode", tree(["100644", "a", one], ["100600", "b", two]), one, two);
  const evil = tree(["100644", ".git", two]);
  add("a tree below", tree(["100644", "a", one], ["40000", "d", evil]), one, evil, two);
  const large = text("x".repeat(900));
  add("too many bytes", tree(["100644", "a", large], ["100644", "b", large]), large);
  const names = Array.from({ length: 11 }, (_, count) => `f${count}`);
  add(
    "too many files",
    tree(
      ...names.map((name) => ["100644", name, one] as const)
        .map(([mode, name, object]): [string, string, GitObject] => [mode, name, object]),
    ),
    one,
  );
  for (const [what, [first, ...objects]] of odd) {
    await using place = await prepared();
    assert(first);
    await using streamed = StreamedFiles.of(place.job, place.directory, idFor(first));
    assert(streamed);
    takeAll(streamed, [first, ...objects]);
    assert.equal(await streamed.handOver([planned("a", one)]), undefined, what);
    assert.equal(place.staged(), undefined, what);
    assert.deepEqual([...Deno.readDirSync(place.at("app"))], [], what);
  }
});

Deno.test("streamed files: none of another commit, and none that is not wanted after all", async () => {
  await using place = await prepared();
  {
    await using streamed = StreamedFiles.of(place.job, place.directory, "1".repeat(40));
    assert(streamed);
    takeAll(streamed, [commit, root, one]);
    assert.equal(place.staged(), undefined);
  }
  for (const wanted of [[], [{ ...planned("a", one), mode: 0o100755 } as const]]) {
    await using streamed = StreamedFiles.of(place.job, place.directory, idFor(commit));
    assert(streamed);
    takeAll(streamed, [commit, root, one]);
    assert.deepEqual(place.staged(), ["a"]);
    assert.equal(await streamed.handOver(wanted), undefined);
    assert.equal(place.staged(), undefined);
  }
});

Deno.test("streamed files: go with the job that failed", async () => {
  for (const publish of ["files", "symlink"] as const) await assertGone(publish);
});

async function assertGone(publish: "files" | "symlink"): Promise<void> {
  await using place = await prepared({ publish });
  const names = () => [...Deno.readDirSync(place.at("."))].map(({ name }) => name).sort();
  const before = names();
  {
    await using streamed = StreamedFiles.of(place.job, place.directory, idFor(commit));
    assert(streamed);
    takeAll(streamed, [commit, root, one]);
    assert.deepEqual(place.staged(), ["a"]);
  }
  assert.equal(place.staged(), undefined);
  if (publish === "files") assert.deepEqual(names(), before);
  else assert.deepEqual([...Deno.readDirSync(place.at("app.agent"))], []);
}

Deno.test("streamed files: only of a first checkout of everything, after the backup", async () => {
  const isPossible = async (changes: Partial<CheckoutJob>, isFilled = false) => {
    await using place = await prepared();
    if (isFilled) await Deno.writeTextFile(place.at("app/mine"), "m");
    const job = { ...place.job, ...changes };
    await using streamed = StreamedFiles.of(job, place.directory, idFor(commit));
    return streamed !== undefined;
  };
  assert.equal(await isPossible({}), true);
  assert.equal(await isPossible({}, true), true);
  assert.equal(await isPossible({ backup: "/nowhere" }), true);
  assert.equal(await isPossible({ backup: "/nowhere" }, true), false);
  assert.equal(await isPossible({ backup: "/" }, true), true);
  assert.equal(await isPossible({ publish: "symlink" }), true);
  assert.equal(await isPossible({ publish: "symlink", backup: "/nowhere" }, true), true);
  assert.equal(await isPossible({ sparse: ["d"] }), false);
  assert.equal(await isPossible({ transfer: { isWhole: true } }), false);
  await using place = await prepared();
  new PublishedRecord(place.directory).begin([]);
  assert(StreamedFiles.of(place.job, place.directory, idFor(commit)));
  new PublishedRecord(place.directory).finish([]);
  assert.equal(StreamedFiles.of(place.job, place.directory, idFor(commit)), undefined);
});

const lines: readonly TreeLine[] = [
  { mode: "100644", name: "before", content: "1" },
  { mode: "40000", name: "sub", content: [{ mode: "100644", name: "file", content: "2" }] },
  { mode: "40000", name: "again", content: [{ mode: "100644", name: "file", content: "2" }] },
];

Deno.test("checkout: is the same in whatever order the objects of a pack come", async () => {
  const { commit, entries } = repositoryOf(lines);
  for (const at of entries.keys()) {
    for (const rest of [entries, entries.toReversed()]) {
      const turned = [...rest.slice(at), ...rest.slice(0, at)];
      await using place = await HostilePlace.open();
      place.remote.answers = answersOf({ commit, entries: turned });
      await runCheckout(place.job());
      const { "outside/": _, "outside/precious": __, ...found } = place.everything();
      assert.deepEqual(found, {
        "app/": "",
        "app/again/": "",
        "app/again/file": "2",
        "app/before": "1",
        "app/sub/": "",
        "app/sub/file": "2",
      });
    }
  }
});

Deno.test("checkout: a pack that proves damaged after its files were written publishes none", async () => {
  await using place = await HostilePlace.open();
  const { commit, entries } = repositoryOf(lines);
  const good = answersOf({ commit, entries: entries.toReversed() });
  const pack = () => {
    const bytes = (good.pack() as Uint8Array<ArrayBuffer>).slice();
    // The last byte of the checksum, before the flush packet.
    bytes[bytes.length - 5]! ^= 1;
    return bytes;
  };
  await place.assertRefused("a wrong checksum", { ...good, pack }, {
    kinds: ["input"],
    message: /the checksum is wrong/,
  });
});
