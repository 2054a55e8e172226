import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { peerTest } from "../system_peers.ts";
import { launcherLinks, Playground } from "./playground.ts";
import { openSync, sourceFor } from "./sync_playground.ts";
import { commitTree, shownFiles } from "./tree_commit.ts";

const isRefusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof AgentError && error.kind === "refused" && pattern.test(error.message);

const trees = (playground: Playground) =>
  [...Deno.readDirSync(join(playground.root, "app.agent/trees"))].map(({ name }) => name).sort();

async function assertClean(playground: Playground): Promise<void> {
  assert.equal((await playground.nativeGit("status", "--porcelain")).text, "");
  assert.equal((await playground.nativeGit("fsck", "--full")).code, 0);
}

peerTest(
  "publish by a link: switches complete trees and keeps the one before",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const states = ["1", "2", "3"].map((text) => ({
      "same": "s",
      "dir/change": text,
      [`only${text}`]: "x",
      "l": { link: `only${text}` },
      "run": { executable: "#!" },
      "deep/l": { link: "../dir" },
    }));
    const commits: string[] = [];
    for (const state of states) {
      const commit = await commitTree(playground, state);
      const done = await playground.checkOutLinked();
      assert.deepEqual([done.commit, done.changed, done.files], [commit, true, 4]);
      assert.equal(done.notes.localChanges.count, 0);
      assert.equal(Deno.readLinkSync(playground.app), `app.agent/trees/${commit}`);
      assert.deepEqual(playground.files(), shownFiles(state));
      await assertClean(playground);
      commits.push(commit);
      assert.deepEqual(trees(playground), commits.slice(-2).sort());
      assert.equal((await playground.checkOutLinked()).changed, false);
      assert.deepEqual(trees(playground), commits.slice(-2).sort());
    }
    assert.deepEqual(playground.surroundings(), ["app", "app.agent", "state"]);
    // The tree before is as it was.
    const before = join(playground.root, "app.agent/trees", commits[1] ?? "");
    assert.equal(await Deno.readTextFile(join(before, "dir/change")), "2");
    // What did not change is not written again.
    const inode = (commit = "") =>
      Deno.lstatSync(join(playground.root, "app.agent/trees", commit, "same")).ino;
    assert.equal(inode(commits[1]), inode(commits[2]));
    const mode = (await Deno.lstat(join(playground.app, "run"))).mode ?? 0;
    assert.equal(mode & 0o777, 0o755);
    assert.equal(((await Deno.stat(playground.app)).mode ?? 0) & 0o777, 0o755);
  },
);

peerTest(
  "publish by a link: a tree that somebody changed is replaced by another",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const state = { "a": "1", "b": "2", "l": { link: "a" } };
    const commit = await commitTree(playground, state);
    await playground.checkOutLinked();
    await Deno.remove(join(playground.app, "a"));
    await Deno.writeTextFile(join(playground.app, "b"), "changed");
    const { notes } = await playground.checkOutLinked();
    assert.deepEqual([...notes.localChanges.first].sort(), ["a", "b"]);
    assert.equal(Deno.readLinkSync(playground.app), `app.agent/trees/${commit}.2`);
    assert.deepEqual(playground.files(), shownFiles(state));
    await assertClean(playground);
    // Somebody removed the link, or the tree.
    await Deno.remove(playground.app);
    await playground.checkOutLinked();
    assert.deepEqual(playground.files(), shownFiles(state));
    await Deno.remove(await Deno.realPath(playground.app), { recursive: true });
    await playground.checkOutLinked();
    assert.deepEqual(playground.files(), shownFiles(state));
  },
);

peerTest("publish by a link: what is there is kept, or the checkout refused", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await commitTree(playground, { "a": "1" });
  await Deno.writeTextFile(join(playground.app, "mine"), "m");
  await assert.rejects(
    playground.checkOutLinked(),
    isRefusal(/directory with files.*enable\.initial\.artifact\.backup/),
  );
  assert.deepEqual(playground.files(), { "mine": "m" });
  await Deno.mkdir(backup);
  await assert.rejects(playground.checkOutLinked({ backup }), isRefusal(/is there already/));
  await Deno.remove(backup);
  const { notes } = await playground.checkOutLinked({ backup });
  assert.equal(notes.backup?.files, 1);
  assert.deepEqual(playground.files(backup), { "mine": "m" });
  assert.deepEqual(playground.files(), { "a": "1" });

  await Deno.remove(playground.app);
  await Deno.writeTextFile(playground.app, "file");
  await assert.rejects(playground.checkOutLinked({ backup }), isRefusal(/no directory/));
  await Deno.remove(playground.app);
  for (const target of ["elsewhere", "app.agent/trees/../../state", "/etc", "app.agent/trees/x"]) {
    await Deno.symlink(target, playground.app);
    await assert.rejects(playground.checkOutLinked({ backup }), isRefusal(/not the agent's/));
    assert.equal(await Deno.readLink(playground.app), target);
    await Deno.remove(playground.app);
  }
});

peerTest(
  "publish by a link: nothing is switched when the link cannot be made",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await commitTree(playground, { "a": "1" });
    await playground.checkOutLinked();
    await commitTree(playground, { "a": "2" });
    const failing = { makeLinks: () => Promise.resolve("no launcher") };
    await assert.rejects(playground.checkOutLinked({}, failing), /no launcher/);
    assert.deepEqual(playground.files(), { "a": "1" });
    await playground.checkOutLinked();
    assert.deepEqual(playground.files(), { "a": "2" });
    await assertClean(playground);
  },
);

peerTest(
  "publish by a link: what is there stays when the first link cannot be made",
  ["git"],
  async () => {
    const failing = { makeLinks: () => Promise.resolve("no launcher") };
    for (const before of [{}, { "mine": "m" }]) {
      await using playground = await Playground.open();
      const backup = join(playground.root, "app_backup");
      for (const [name, text] of Object.entries(before)) {
        await Deno.writeTextFile(join(playground.app, name), text);
      }
      await commitTree(playground, { "a": "1" });
      await assert.rejects(playground.checkOutLinked({ backup }, failing), /no launcher/);
      assert.deepEqual(playground.files(), before);
      const { notes } = await playground.checkOutLinked({ backup });
      assert.equal(notes.backup?.files ?? 0, Object.keys(before).length);
      assert.deepEqual(playground.files(), { "a": "1" });
    }
  },
);

peerTest("publish by a link: an empty repository leaves an empty directory", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.checkOutLinked();
  assert.deepEqual(playground.files(), {});
  await commitTree(playground, { "a": "1" });
  await playground.checkOutLinked();
  assert.deepEqual(playground.files(), { "a": "1" });
});

peerTest("publish by a link: removed, changed files and the backup stay", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  await Deno.writeTextFile(join(playground.app, "mine"), "m");
  await commitTree(playground, { "a": "1", "b": "2", "l": { link: "a" } });
  await playground.checkOutLinked({ backup });
  await Deno.writeTextFile(join(playground.app, "b"), "changed");
  await Deno.writeTextFile(join(playground.app, "new"), "n");
  const job = playground.linkedJob({ backup });
  const done = playground.remove({
    backup,
    stagingDirectories: job.stagingDirectories,
    trees: join(playground.root, "app.agent/trees"),
  });
  // The backup does not fit back as a whole: there is something already.
  assert.deepEqual([done.files, done.restored, done.localChanges.first], [2, 1, ["b"]]);
  assert.equal(Deno.lstatSync(playground.app).isDirectory, true);
  assert.deepEqual(playground.files(), { "b": "changed", "mine": "m", "new": "n" });
  await Deno.remove(join(playground.root, "app.agent"));
  assert.deepEqual(playground.surroundings(), ["app", "state"]);
});

peerTest("publish by a link: the backup comes back with links and all", ["git"], async () => {
  await using playground = await Playground.open();
  const backup = join(playground.root, "app_backup");
  const trees = join(playground.root, "app.agent/trees");
  await Deno.symlink("/nosuch", join(playground.app, "theirs"));
  await Deno.mkdir(join(playground.app, "empty"));
  await commitTree(playground, { "a": "1" });
  await playground.checkOutLinked({ backup });
  const { stagingDirectories } = playground.linkedJob();
  const done = playground.remove({ backup, trees, stagingDirectories });
  assert.deepEqual([done.files, done.restored, done.leftInBackup.count], [1, 1, 0]);
  assert.deepEqual(playground.files(), { "theirs": "→ /nosuch" });
  assert.equal(Deno.lstatSync(join(playground.app, "empty")).isDirectory, true);
});

peerTest(
  "publish by a link: file by file again, the link becomes a directory",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await commitTree(playground, { "a": "1", "l": { link: "a" } });
    await playground.checkOutLinked();
    await commitTree(playground, { "a": "2", "l": { link: "a" } });
    const agent = join(playground.root, "app.agent");
    const places = { trees: join(agent, "trees"), stagingDirectories: [join(agent, "1")] };
    await playground.checkOut(places, launcherLinks);
    assert.equal(Deno.lstatSync(playground.app).isDirectory, true);
    assert.deepEqual(playground.files(), shownFiles({ "a": "2", "l": { link: "a" } }));
    await assertClean(playground);
    assert.deepEqual([...Deno.readDirSync(agent)], []);
  },
);

peerTest("ArtifactSync: publishes by a link and removes all of it", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { "a": "1", "l": { link: "a" } });
  const signal = new AbortController().signal;
  const { makeLinks = () => Promise.resolve("never") } = launcherLinks;
  const { sync, log } = openSync(playground, { publish: "symlink" }, { makeLinks });
  await using _sync = sync;
  const outcome = await sync.checkOut(sourceFor(playground), signal);
  assert.equal(outcome.kind, "checkedOut", JSON.stringify(outcome));
  assert.deepEqual(playground.files(), { "a": "1", "l": "→ a" });
  assert.equal(Deno.lstatSync(playground.app).isSymlink, true);
  const agent = await Deno.lstat(join(playground.root, "app.agent"));
  // A web server passes through it.
  assert.equal((agent.mode ?? 0) & 0o777, 0o711);
  assert.deepEqual(log.records.filter(({ level }) => level === "warning"), []);
  assert.deepEqual(await sync.remove(1, signal), { kind: "removed", files: 2 });
  assert.deepEqual(playground.surroundings(), ["app", "state"]);
  assert.deepEqual(playground.files(), {});
});

peerTest("ArtifactSync: publishes tenants by links beside each other", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { "a": "1", "l": { link: "a" } });
  const signal = new AbortController().signal;
  const { makeLinks = () => Promise.resolve("never") } = launcherLinks;
  const config = { publish: "symlink", multiTenant: true } as const;
  const { sync } = openSync(playground, config, { makeLinks });
  await using _sync = sync;
  for (const tenantId of [7, 8, -1234]) {
    const outcome = await sync.checkOut(sourceFor(playground, { tenantId }), signal);
    assert.equal(outcome.kind, "checkedOut", JSON.stringify(outcome));
  }
  for (
    const path of ["repository/tenants/7", "repository/tenants/8", "repository/deployment/server"]
  ) {
    assert.deepEqual(playground.files(join(playground.app, path)), { "a": "1", "l": "→ a" });
    assert.equal(Deno.lstatSync(join(playground.app, path)).isSymlink, true);
  }
  assert.deepEqual(await sync.remove(7, signal), { kind: "removed", files: 2 });
  const left = [...Deno.readDirSync(join(playground.app, "repository/tenants"))];
  assert.deepEqual(left.map(({ name }) => name).sort(), ["8", "8.agent"]);
});
