import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { staysInside } from "../../src/artifacts/commit_links.ts";
import { LocalChangesWatch } from "../../src/artifacts/commit_watch.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";

const never = new AbortController().signal;

function isDirty(playground: Playground, mostFileBytes = 1_000_000): Promise<boolean> {
  const { gitDirectory, app: destination } = playground;
  const places = { gitDirectory, destination, mostFileBytes, mayBegin: false };
  return new LocalChangesWatch(systemClock).hasLocalChanges(places, never);
}

Deno.test("links: stay inside by their text", () => {
  assert.equal(staysInside("l", "a"), true);
  assert.equal(staysInside("d/l", "../a/b"), true);
  assert.equal(staysInside("d/l", "./../"), true);
  assert.equal(staysInside("d/l", "../../a"), false);
  assert.equal(staysInside("d/l", "../../a/../x"), false);
  assert.equal(staysInside("l", "/etc/passwd"), false);
  assert.equal(staysInside("l", "d/.git/config"), false);
  assert.equal(staysInside("l", ""), false);
});

peerTest("survey: ignored files stay out, what is tracked stays in", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ ".gitignore": "*.log\nbuild/\n!keep.log\n", "build/tracked": "1" });
  await playground.checkOut();
  await edit(playground, { "x.log": "x", "keep.log": "k", "build/out": "o", "d/y.log": "y" });
  await edit(playground, { "d/.gitignore": "!y.log\nsecret\n", "d/secret": "s" });
  await edit(playground, { "build/tracked": "22" });
  assert.equal(await isDirty(playground), true);
  const { committed } = await commitRound(playground);
  assert.deepEqual(committed.first, ["build/tracked", "d/.gitignore", "d/y.log", "keep.log"]);
  assert.equal(await isDirty(playground), false);
  await edit(playground, { "build/more": "m", "z.log": "z" });
  assert.equal(await isDirty(playground), false);
  await assertSound(playground);
});

peerTest("survey: leaves out what cannot be committed, and names it", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  const { app } = playground;
  await edit(playground, {
    "nested/.git/HEAD": "ref: x",
    "nested/file": "n",
    "big": "x".repeat(3000),
  });
  await edit(playground, { "back\\slash": "b", ".GIT/config": "c", ".cartridge-agent/x": "x" });
  await new Deno.Command("mkfifo", { args: [join(app, "pipe")] }).output();
  await Deno.symlink("/etc/passwd", join(app, "out"));
  await Deno.symlink("a", join(app, "in"));
  await Deno.symlink("nested", join(app, "directory"));
  const limits = { bytes: 2000, files: 100 };
  const { committed, leftOut } = await commitRound(playground, { limits });
  assert.deepEqual(committed.first, ["directory", "in"]);
  assert.equal(leftOut.count, 6);
  const named = leftOut.first.map((line) => line.split(" (")[0]).sort();
  assert.deepEqual(named, [".GIT", "back\\slash", "big", "nested", "out", "pipe"]);
  assert.equal(await isDirty(playground, 2000), false);
  const tree = await playground.remote.git(repository, ["ls-tree", "main"]);
  assert.match(tree, /120000 blob \w+\tdirectory\n120000 blob \w+\tin\n/);
  assert.equal((await remoteFiles(playground))["in"], "a");
  // Not committed again and again, nor taken for deleted.
  assert.equal((await commitRound(playground, { limits })).committed.count, 0);
});

peerTest("survey: a touched file is no change, one of the same size is", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1" });
  await playground.checkOut();
  await Deno.utime(join(playground.app, "a"), 1, 1);
  assert.equal(await isDirty(playground), true);
  assert.equal((await commitRound(playground)).committed.count, 0);
  assert.equal(await isDirty(playground), false, "the new stamp is remembered");
  const { mtime } = await Deno.stat(join(playground.app, "b"));
  // As if it were written in the moment when the record was.
  await Deno.writeTextFile(join(playground.app, "b"), "2");
  const index = join(playground.gitDirectory, "index");
  await Deno.utime(join(playground.app, "b"), mtime!, mtime!);
  await Deno.utime(index, mtime!, mtime!);
  assert.deepEqual((await commitRound(playground)).committed.first, ["b"]);
});

peerTest("survey: an emptied destination is refused, not committed", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "d/b": "1" });
  await playground.checkOut();
  await Deno.rename(playground.app, `${playground.app}.away`);
  await assert.rejects(commitRound(playground), /Cannot read ".*app": it is gone/);
  await Deno.mkdir(playground.app);
  await Deno.mkdir(join(playground.app, "lost+found"));
  await assert.rejects(commitRound(playground), /every file is gone/);
  assert.deepEqual(await remoteFiles(playground), { "a": "1", "d/b": "1" });
});

peerTest("survey: too much is refused with the largest file's name", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  await edit(playground, { "b": "x".repeat(60), "huge": "x".repeat(70) });
  const bytes = commitRound(playground, { limits: { bytes: 100, files: 100 } });
  await assert.rejects(bytes, /130 bytes, more than 100 .*"huge": ignore it/);
  const files = commitRound(playground, { limits: { bytes: 1000, files: 2 } });
  await assert.rejects(files, /3 files, more than 2/);
  assert.equal((await playground.nativeGit("rev-list", "--count", "HEAD")).text.trim(), "1");
});

peerTest("survey: a file that grows while it is read waits", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  await edit(playground, { "b": "half", "c": "whole" });
  const open = Deno.openSync;
  let grows = true;
  try {
    Deno.openSync = (path, options) => {
      const file = open(path, options);
      if (String(path).endsWith("/app/b") && grows) {
        Deno.writeTextFileSync(path, " and half", { append: true });
      }
      return file;
    };
    const first = await commitRound(playground);
    assert.deepEqual([first.committed.first, first.unsettled.first], [["c"], ["b"]]);
    grows = false;
    assert.deepEqual((await commitRound(playground)).committed.first, ["b"]);
  } finally {
    Deno.openSync = open;
  }
  assert.equal((await remoteFiles(playground))["b"], "half and half");
});
