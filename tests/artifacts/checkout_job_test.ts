import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { peerTest } from "../system_peers.ts";
import { canarySpellings, filesHolding, Playground, repository } from "./playground.ts";

peerTest(
  "checkout: publishes the remote's HEAD and leaves nothing temporary",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "index.html": "hello", "a/b/c.txt": "deep" });
    const result = await playground.checkOut();
    assert.equal(result.kind, "published");
    assert.equal(result.commit, commit);
    assert.equal(result.branch, "refs/heads/main");
    assert.equal(result.files, 2);
    assert.equal(result.changed, true);
    assert.deepEqual(playground.files(), { "a/b/c.txt": "deep", "index.html": "hello" });
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  },
);

peerTest("checkout: is whole and clean in the eyes of native git", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "index.html": "hello", "a/b/c.txt": "deep", "ä/ü": "ö" });
  await playground.checkOut();
  await playground.commit({ "index.html": "again", "a/b/c.txt": null, "a/d": "new" });
  await playground.checkOut();
  assert.deepEqual(await playground.nativeGit("status", "--porcelain"), { code: 0, text: "" });
  assert.equal((await playground.nativeGit("fsck", "--full", "--strict")).code, 0);
  assert.match((await playground.nativeGit("log", "--oneline")).text, /^\w+ a change\n$/);
});

peerTest("checkout: keeps the modes 644 and 755 and no others", ["git"], async () => {
  await using playground = await Playground.open();
  const blob = await playground.blob("#!/bin/sh\n");
  await playground.commitRawTree([
    { mode: "100644", name: "a", id: blob },
    { mode: "100755", name: "b", id: blob },
    { mode: "100664", name: "c", id: blob },
  ]);
  await playground.checkOut();
  const modes = ["a", "b", "c"].map((name) => Deno.lstatSync(join(playground.app, name)).mode);
  assert.deepEqual(modes.map((mode) => (mode ?? 0) & 0o7777), [0o644, 0o755, 0o644]);
});

peerTest("checkout: takes artifact.branch, and says so when there is none", ["git"], async () => {
  await using playground = await Playground.open();
  const main = await playground.commit({ "file": "main" });
  await playground.remote.git(repository, ["update-ref", "refs/heads/release/1", main]);
  await playground.commit({ "file": "later" });
  const result = await playground.checkOut({ branch: "release/1" });
  assert.equal(result.commit, main);
  assert.deepEqual(playground.files(), { "file": "main" });
  await assert.rejects(playground.checkOut({ branch: "nosuch" }), /no branch "nosuch"/);
});

peerTest("checkout: takes the only branch when HEAD names none", ["git"], async () => {
  await using playground = await Playground.open();
  const commit = await playground.commit({ "file": "x" });
  await playground.remote.git(repository, ["symbolic-ref", "HEAD", "refs/heads/gone"]);
  assert.equal((await playground.checkOut()).commit, commit);
  await playground.remote.git(repository, ["update-ref", "refs/heads/other", commit]);
  await assert.rejects(playground.checkOut(), /choose one with artifact.branch/);
});

peerTest("checkout: of an empty repository succeeds with no files", ["git"], async () => {
  await using playground = await Playground.open();
  const result = await playground.checkOut();
  assert.deepEqual([result.kind, result.files, result.commit], ["published", 0, undefined]);
});

peerTest("checkout: follows additions, changes, deletions and mode changes", ["git"], async () => {
  await using playground = await Playground.open();
  const keep = crypto.getRandomValues(new Uint8Array(20_000)).toBase64();
  await playground.commit({ "keep": keep, "change": "1", "dir/sub/gone": "x", "dir/stay": "y" });
  const first = await playground.checkOut();
  const kept = Deno.lstatSync(join(playground.app, "keep"));
  await Deno.writeTextFile(join(playground.app, "foreign"), "not ours");
  await playground.commit({ "change": "2", "dir/sub/gone": null, "dir/new": "z" });
  const second = await playground.checkOut();
  assert.equal(second.changed, true);
  assert.deepEqual(second.notes.localChanges, { count: 0, first: [] });
  assert.deepEqual(playground.files(), {
    "change": "2",
    "dir/new": "z",
    "dir/stay": "y",
    "foreign": "not ours",
    "keep": keep,
  });
  assert.throws(() => Deno.lstatSync(join(playground.app, "dir/sub")), Deno.errors.NotFound);
  assert.equal(Deno.lstatSync(join(playground.app, "keep")).ino, kept.ino);
  // Only what is new travels.
  assert(first.receivedBytes > 20_000);
  assert(second.receivedBytes < 5_000, `${second.receivedBytes} bytes`);
});

peerTest("checkout: touches nothing when nothing changed", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "file": "x" });
  await playground.checkOut();
  const before = Deno.lstatSync(join(playground.app, "file"));
  const requests = playground.remote.requests;
  assert.equal((await playground.checkOut()).changed, false);
  assert.deepEqual(Deno.lstatSync(join(playground.app, "file")), before);
  assert.equal(playground.remote.requests, requests + 1);
});

peerTest("checkout: follows a rewritten history and an unrelated one", ["git"], async () => {
  await using playground = await Playground.open();
  const first = await playground.commit({ "a": "1" });
  await playground.commit({ "b": "2" });
  await playground.checkOut();
  await playground.remote.git(repository, ["update-ref", "refs/heads/main", first]);
  await playground.commit({ "c": "3" });
  await playground.checkOut();
  assert.deepEqual(playground.files(), { "a": "1", "c": "3" });
  await playground.remote.createRepository("other");
  await playground.remote.commit("other", { "d": "4" });
  await playground.checkOut({ url: playground.remote.url("other") });
  assert.deepEqual(playground.files(), { "d": "4" });
});

peerTest(
  "checkout: replaces files of the same name at first and keeps all others",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await Deno.mkdir(join(playground.app, "dir"));
    await Deno.writeTextFile(join(playground.app, "index.html"), "default page");
    await Deno.writeTextFile(join(playground.app, "dir/config"), "mine");
    await playground.commit({ "index.html": "hello", "dir/x": "y" });
    const { notes } = await playground.checkOut();
    assert.equal(notes.localChanges.count, 0);
    assert.deepEqual(playground.files(), {
      "dir/config": "mine",
      "dir/x": "y",
      "index.html": "hello",
    });
  },
);

peerTest("checkout: discards local changes and names them", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "2", "c": "3", "touched": "4", "d": "5" });
  await playground.checkOut();
  await Deno.writeTextFile(join(playground.app, "a"), "X");
  await Deno.remove(join(playground.app, "b"));
  await Deno.chmod(join(playground.app, "c"), 0o755);
  await Deno.utime(join(playground.app, "touched"), 1, 1);
  await Deno.writeTextFile(join(playground.app, "new"), "clash");
  await Deno.writeTextFile(join(playground.app, "d"), "changed and deleted upstream");
  await playground.commit({ "new": "theirs", "d": null });
  const { notes } = await playground.checkOut();
  assert.deepEqual([...notes.localChanges.first].sort(), ["a", "b", "c", "d", "new"]);
  assert.deepEqual(playground.files(), {
    "a": "1",
    "b": "2",
    "c": "3",
    "new": "theirs",
    "touched": "4",
  });
});

peerTest("checkout: holds when local changes are to be kept", ["git"], async () => {
  await using playground = await Playground.open();
  const commit = await playground.commit({ "a": "1" });
  await playground.checkOut({ localChanges: "keep" });
  await Deno.writeTextFile(join(playground.app, "a"), "mine");
  await playground.commit({ "a": "2" });
  const result = await playground.checkOut({ localChanges: "keep" });
  assert.equal(result.kind, "held");
  assert.equal(result.commit, commit);
  assert.deepEqual(result.notes.localChanges.first, ["a"]);
  assert.deepEqual(playground.files(), { "a": "mine" });
});

peerTest("checkout: turns files into directories and back", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "x": "file", "y/a": "1", "y/b/c": "2" });
  await playground.checkOut();
  await playground.commit({ "x": null, "y/a": null, "y/b/c": null });
  await playground.commit({ "x/inner": "now a directory", "y": "now a file" });
  await playground.checkOut();
  assert.deepEqual(playground.files(), { "x/inner": "now a directory", "y": "now a file" });
});

peerTest("checkout: refuses when files of others are in the way", ["git"], async () => {
  await using playground = await Playground.open();
  await Deno.mkdir(join(playground.app, "page"));
  await Deno.writeTextFile(join(playground.app, "page/mine"), "x");
  await playground.commit({ "page": "a file", "other": "y" });
  const isRefusal = (error: unknown) =>
    error instanceof AgentError && !error.retryable &&
    /is in the way/.test(error.message);
  await assert.rejects(playground.checkOut(), isRefusal);
  assert.deepEqual(playground.files(), { "page/mine": "x" });
  await Deno.remove(join(playground.app, "page"), { recursive: true });
  await Deno.writeTextFile(join(playground.app, "page"), "x");
  await playground.commit({ "page": null });
  await playground.commit({ "page/a": "1" });
  await assert.rejects(playground.checkOut(), isRefusal);
  assert.deepEqual(playground.files(), { "page": "x" });
});

peerTest(
  "checkout: names links, submodules, LFS pointers and names that differ in case",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const blob = await playground.blob("text");
    const pointer = await playground.blob(
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    );
    await playground.commitRawTree([
      { mode: "100644", name: "README", id: blob },
      { mode: "100644", name: "large.bin", id: pointer },
      { mode: "120000", name: "link", id: await playground.blob("/etc/passwd") },
      { mode: "160000", name: "module", id: "1".repeat(40) },
      { mode: "100644", name: "readme", id: blob },
    ]);
    const { notes, files } = await playground.checkOut();
    assert.equal(files, 3);
    assert.deepEqual(notes.symbolicLinks.first, ["link"]);
    assert.deepEqual(notes.submodules.first, ["module"]);
    assert.deepEqual(notes.largeFilePointers.first, ["large.bin"]);
    assert.deepEqual(notes.collisions.first, ["readme"]);
    assert.deepEqual(Object.keys(playground.files()), ["README", "large.bin", "readme"]);
    assert.equal((await playground.checkOut()).changed, false);
  },
);

peerTest("checkout: reports a .git of an earlier agent and leaves it alone", ["git"], async () => {
  await using playground = await Playground.open();
  await Deno.mkdir(join(playground.app, ".git"));
  await Deno.writeTextFile(join(playground.app, ".git/config"), "old");
  await playground.commit({ "a": "1" });
  const { notes } = await playground.checkOut();
  assert.equal(notes.strayGitDirectory, true);
  assert.equal(playground.files()[".git/config"], "old");
});

peerTest("checkout: keeps what was there in a backup, once and complete", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await Deno.mkdir(join(playground.app, "sub"), { mode: 0o750 });
  await Deno.writeTextFile(join(playground.app, "index.html"), "default");
  await Deno.writeTextFile(join(playground.app, "sub/run"), "x", { mode: 0o755 });
  await Deno.symlink("/etc/passwd", join(playground.app, "link"));
  await playground.commit({ "index.html": "new" });
  const { notes } = await playground.checkOut({ backup });
  assert.deepEqual([notes.backup?.files, notes.backup?.leftOut.first], [2, ["link"]]);
  assert.deepEqual(playground.files(backup), { "index.html": "default", "sub/run": "x" });
  assert.equal((Deno.lstatSync(join(backup, "sub/run")).mode ?? 0) & 0o777, 0o755);
  await playground.commit({ "index.html": "newer" });
  assert.equal((await playground.checkOut({ backup })).notes.backup, undefined);
  assert.equal(playground.files(backup)["index.html"], "default");
  assert.deepEqual(playground.surroundings(), ["app", "app_backup", "state"]);
});

peerTest(
  "checkout: waits inside the destination when there is no room beside it",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1", "d/e": "2" });
    // A place that cannot be made, as in a directory that belongs to somebody else.
    const stagingDirectories = [join(playground.root, "nosuch", "place")];
    await playground.checkOut({ stagingDirectories });
    assert.deepEqual(playground.files(), { "a": "1", "d/e": "2" });
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  },
);

peerTest("checkout: leaves the password in no file", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  await playground.commit({ "a": "2" });
  await playground.checkOut();
  assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
  // The search finds what is there.
  await Deno.writeTextFile(join(playground.root, "leak"), `x${canarySpellings[0]}`);
  assert.equal(filesHolding(playground.root, canarySpellings).length, 1);
});

peerTest(
  "checkout: fails with the status when credentials are wrong or missing",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await assert.rejects(
      playground.checkOut({ password: "wrong" }),
      /does not accept the credentials/,
    );
    const { username: _, password: __, ...anonymous } = playground.job();
    const { runCheckout } = await import("../../src/artifacts/checkout_job.ts");
    await assert.rejects(runCheckout(anonymous), /wants credentials, and there are none/);
    const elsewhere = { url: playground.remote.url("nosuch") };
    await assert.rejects(playground.checkOut(elsewhere), /there is no such repository/);
  },
);

peerTest("checkout: backs up what came while the files arrived", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await playground.commit({ "a": "1", "sub/b": "2" });
  const { notes } = await playground.checkOut({ backup }, {
    faultPoint: (point) => {
      if (point !== "objects fetched") return;
      Deno.writeTextFileSync(join(playground.app, "a"), "theirs");
      Deno.writeTextFileSync(join(playground.app, "other"), "theirs");
    },
  });
  assert.equal(notes.backup?.files, 2);
  assert.deepEqual(playground.files(backup), { "a": "theirs", "other": "theirs" });
  assert.deepEqual(playground.files(), { "a": "1", "other": "theirs", "sub/b": "2" });
  assert.deepEqual(playground.surroundings(), ["app", "app_backup", "state"]);
});

peerTest("checkout: never touches a backup that exists", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await Deno.mkdir(backup);
  await Deno.writeTextFile(join(backup, "older"), "x");
  await Deno.writeTextFile(join(playground.app, "newer"), "y");
  await playground.commit({ "a": "1" });
  assert.equal((await playground.checkOut({ backup })).notes.backup, undefined);
  assert.deepEqual(playground.files(backup), { "older": "x" });
});

peerTest("checkout: follows a branch whose name was a directory of names", ["git"], async () => {
  await using playground = await Playground.open();
  const { remote } = playground;
  const git = (...args: string[]) => remote.git(repository, args);
  for (const [index, name] of ["x", "x/y", "x/y/z", "x"].entries()) {
    const commit = await playground.commit({ "a": `${index}` });
    const former = (await git("symbolic-ref", "HEAD")).trim();
    await git("symbolic-ref", "HEAD", "refs/heads/main");
    if (index > 0) await git("update-ref", "-d", former);
    await git("update-ref", `refs/heads/${name}`, commit);
    await git("symbolic-ref", "HEAD", `refs/heads/${name}`);
    assert.equal((await playground.checkOut()).branch, `refs/heads/${name}`);
    assert.deepEqual(playground.files(), { "a": `${index}` });
    assert.equal((await playground.nativeGit("status", "--porcelain")).text, "");
  }
});

peerTest("checkout: does without a place on another file system", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "d/e": "2" });
  // Where this is no file system of its own, nothing is special, and nothing may fail either.
  const elsewhere = await Deno.makeTempDir({ dir: "/dev/shm" });
  try {
    await playground.checkOut({ stagingDirectories: [join(elsewhere, "staging")] });
    assert.deepEqual([...Deno.readDirSync(elsewhere)], []);
  } finally {
    await Deno.remove(elsewhere, { recursive: true });
  }
  assert.deepEqual(playground.files(), { "a": "1", "d/e": "2" });
});
