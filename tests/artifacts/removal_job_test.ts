import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { returnBackup } from "../../src/artifacts/backup_return.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { interruptAt } from "./interruption.ts";
import { Playground } from "./playground.ts";

const content = { "a": "1", "dir/b": "2", "dir/deep/c": "3", "full/d": "4", "only/deep/er/e": "5" };

function sorted(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Directories below APPLICATION_PATH, with those that are empty. */
function directories(root: string, relative = ""): string[] {
  return [...Deno.readDirSync(join(root, relative))].filter((entry) => entry.isDirectory)
    .flatMap(({ name }) => [join(relative, name), ...directories(root, join(relative, name))])
    .sort();
}

peerTest(
  "removal: takes what checkouts wrote and the directories that this leaves empty",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit(content);
    await playground.checkOut();
    await Deno.writeTextFile(join(playground.app, "full/mine"), "m");
    await Deno.writeTextFile(join(playground.app, "mine"), "m");
    await Deno.mkdir(join(playground.app, "empty"));
    const done = playground.remove();
    assert.deepEqual([done.files, done.localChanges.count, done.restored], [5, 0, 0]);
    assert.deepEqual(playground.files(), { "full/mine": "m", "mine": "m" });
    assert.deepEqual(directories(playground.app), ["empty", "full"]);
    assert.deepEqual([...Deno.readDirSync(join(playground.stateDir, "git"))], []);
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  },
);

peerTest("removal: keeps files that were changed and names them", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit(content);
  await playground.checkOut();
  await Deno.writeTextFile(join(playground.app, "dir/deep/c"), "mine");
  await Deno.remove(join(playground.app, "a"));
  // Touched is not changed.
  await Deno.utime(join(playground.app, "dir/b"), 1, 1);
  // A link in the place of a file is somebody else's.
  await Deno.remove(join(playground.app, "full/d"));
  await Deno.symlink("/nosuch", join(playground.app, "full/d"));
  const done = playground.remove();
  assert.deepEqual(done.localChanges, { count: 2, first: ["dir/deep/c", "full/d"] });
  assert.equal(done.files, 2);
  assert.deepEqual(playground.files(), { "dir/deep/c": "mine", "full/d": "→ /nosuch" });
});

peerTest("removal: follows no link, neither to files nor to empty directories", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await playground.commit(content);
  await playground.checkOut();
  const outside = join(playground.root, "outside");
  // The very files, so that only their place tells that they are others'.
  await Deno.rename(join(playground.app, "dir"), outside);
  await Deno.symlink(outside, join(playground.app, "dir"));
  await Deno.mkdir(join(playground.root, "hollow/deep/er"), { recursive: true });
  await Deno.remove(join(playground.app, "only"), { recursive: true });
  await Deno.symlink(join(playground.root, "hollow"), join(playground.app, "only"));
  const done = playground.remove();
  assert.equal(done.files, 2);
  assert.deepEqual(playground.files(outside), { "b": "2", "deep/c": "3" });
  assert.deepEqual(directories(join(playground.root, "hollow")), ["deep", "deep/er"]);
  assert.deepEqual(Object.keys(playground.files()), ["dir", "only"]);
});

peerTest("removal: brings the backup back, but over nothing", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  const initial = { "a": "old a", "full/d": "old d", "full/kept": "k", "log": "1", "own/x": "x" };
  for (const [path, text] of Object.entries(initial)) {
    await Deno.mkdir(join(playground.app, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(playground.app, path), text);
  }
  await Deno.mkdir(join(playground.app, "hollow"));
  await Deno.chmod(join(playground.app, "own"), 0o555);
  await playground.commit(content);
  await playground.checkOut({ backup });
  await Deno.writeTextFile(join(playground.app, "log"), "2");
  await Deno.writeTextFile(join(playground.app, "a"), "mine");
  await Deno.chmod(join(playground.app, "own"), 0o755);
  await Deno.remove(join(playground.app, "own"), { recursive: true });
  await Deno.remove(join(playground.app, "hollow"));
  const done = playground.remove({ backup });
  assert.deepEqual(playground.files(), { ...initial, "a": "mine", "log": "2" });
  assert.equal(done.restored, 2);
  assert.equal(done.leftInBackup.count, 2);
  assert.deepEqual([...done.leftInBackup.first].sort(), ["a", "log"]);
  assert.deepEqual(playground.files(backup), { "a": "old a", "log": "1" });
  assert.deepEqual(directories(playground.app), ["full", "hollow", "own"]);
  assert.equal((Deno.lstatSync(join(playground.app, "own")).mode ?? 0) & 0o777, 0o555);
  assert.deepEqual(directories(backup), []);
  await Deno.chmod(join(playground.app, "own"), 0o755);
});

peerTest("removal: takes no directory for a backup when nothing was published", [
  "git",
], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await Deno.mkdir(backup);
  await Deno.writeTextFile(join(backup, "x"), "x");
  await assert.rejects(playground.checkOut({ backup, url: playground.remote.url("nosuch") }));
  assert.equal(playground.remove({ backup }).files, 0);
  assert.deepEqual(playground.files(), {});
  assert.deepEqual(playground.files(backup), { "x": "x" });
});

peerTest("removal: says that the record is damaged, and ends", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit(content);
  await playground.checkOut();
  await Deno.truncate(join(playground.gitDirectory, "index"), 50);
  const done = playground.remove();
  assert.deepEqual([done.files, done.recordLost], [0, true]);
  assert.equal((await playground.checkOut()).files, 5);
});

/** Whatever the step: a second call, or a checkout, finishes, and nothing of anybody is lost. */
peerTest("removal: is finished after an interruption at any step", ["git"], async () => {
  const initial = { "a": "old a", "full/kept": "k" };
  let interruptions = 0;
  for (let step = 1;; step++) {
    await using playground = await Playground.open();
    const backup = join(playground.root, "app_backup");
    await Deno.mkdir(join(playground.app, "full"));
    for (const [path, text] of Object.entries(initial)) {
      await Deno.writeTextFile(join(playground.app, path), text);
    }
    await playground.commit(content);
    await playground.checkOut({ backup });
    await Deno.remove(join(playground.app, "full/kept"));
    const interrupted = await interruptAt(
      step,
      () => new Promise((resolve) => resolve(playground.remove({ backup }))),
    );
    if (!interrupted) break;
    interruptions++;
    if (step % 2 === 0) {
      const { notes } = await playground.checkOut({ backup, localChanges: "keep" });
      assert.equal(notes.localChanges.count, 0, `step ${step}`);
      const { "full/kept": kept, ...others } = playground.files();
      assert.deepEqual(others, sorted(content), `step ${step}`);
      // Interrupted before its first mark, the removal has not begun: then the backup has it.
      assert.equal(kept ?? playground.files(backup)["full/kept"], "k", `step ${step}`);
      assert.equal(playground.files(backup).a, "old a", `step ${step}`);
      assert.equal((await playground.nativeGit("status", "-uno", "--porcelain")).text, "");
    }
    if (step % 2 === 1 || step % 4 === 0) {
      try {
        playground.remove({ backup });
      } catch (error) {
        // All was done already.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      assert.deepEqual(playground.files(), initial, `step ${step}`);
      assert.deepEqual(directories(playground.app), ["full"], `step ${step}`);
      assert.deepEqual(playground.surroundings(), ["app", "state"], `step ${step}`);
      assert.deepEqual([...Deno.readDirSync(join(playground.stateDir, "git"))], []);
    }
  }
  assert(interruptions > 15, `${interruptions} steps`);
});

Deno.test("returnBackup: brings nothing back through a link", async () => {
  await using temporary = await temporaryDirectory();
  const at = (path: string) => join(temporary.path, path);
  for (const path of ["app", "outside", "backup/sub/deep"]) {
    await Deno.mkdir(at(path), { recursive: true });
  }
  await Deno.writeTextFile(at("backup/sub/deep/file"), "x");
  await Deno.symlink("/etc/passwd", at("backup/link"));
  await Deno.symlink(at("outside"), at("app/sub"));
  const { files, left } = returnBackup(at("backup"), at("app"));
  assert.deepEqual([files, [...left].sort()], [0, ["link", "sub"]]);
  assert.deepEqual([...Deno.readDirSync(at("outside"))], []);
  // The destination itself is gone: nothing is lost.
  await Deno.remove(at("app"), { recursive: true });
  assert.throws(() => returnBackup(at("backup"), at("app")), AgentError);
  assert.equal(await Deno.readTextFile(at("backup/sub/deep/file")), "x");
});

const otherDevice = "/dev/shm";
const hasOtherDevice = (() => {
  try {
    const probe = Deno.makeTempDirSync({ dir: otherDevice });
    Deno.removeSync(probe);
    const temporary = Deno.makeTempDirSync();
    const { dev } = Deno.statSync(temporary);
    Deno.removeSync(temporary);
    return dev !== Deno.statSync(otherDevice).dev;
  } catch {
    return false;
  }
})();

Deno.test({
  name: "returnBackup: copies from another file system, where nothing can be renamed",
  ignore: !hasOtherDevice,
  fn: async () => {
    await using temporary = await temporaryDirectory();
    const backup = await Deno.makeTempDir({ dir: otherDevice });
    try {
      await Deno.mkdir(join(backup, "sub"));
      await Deno.writeTextFile(join(backup, "sub/run"), "x", { mode: 0o755 });
      const step = await interruptAt(
        3,
        () => new Promise((resolve) => resolve(returnBackup(backup, temporary.path))),
      );
      assert.equal(step, true);
      returnBackup(backup, temporary.path);
      const found = join(temporary.path, "sub/run");
      assert.equal(await Deno.readTextFile(found), "x");
      assert.equal((Deno.lstatSync(found).mode ?? 0) & 0o777, 0o755);
      assert.deepEqual([...Deno.readDirSync(temporary.path)].map(({ name }) => name), ["sub"]);
      await assert.rejects(Deno.lstat(backup), Deno.errors.NotFound);
    } finally {
      await Deno.remove(backup, { recursive: true }).catch(() => {});
    }
  },
});
