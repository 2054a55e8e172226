import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { launcherLinks, Playground } from "./playground.ts";
import { commitTree, type Content, shownFiles } from "./tree_commit.ts";

const { makeLinks } = launcherLinks;
const links = makeLinks === undefined ? {} : { makeLinks };

const withLinks = {
  "a": "1",
  "current": { link: "releases/1" },
  "outside": { link: "/etc/hostname" },
  "releases/1/x": "one",
} as const satisfies Readonly<Record<string, Content>>;

peerTest("commit: leaves links of the repository alone", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, withLinks);
  await playground.checkOut({}, launcherLinks);
  assert.equal((await commitRound(playground, {}, links)).committed.count, 0);
  await edit(playground, { "a": "2" });
  const done = await commitRound(playground, {}, links);
  assert.deepEqual(done.committed.first, ["a"]);
  assert.equal(done.pushFailure, undefined);
  assert.deepEqual(await remoteFiles(playground), {
    "a": "2",
    "current": "releases/1",
    "outside": "/etc/hostname",
    "releases/1/x": "one",
  });
  await assertSound(playground);
});

peerTest("commit: keeps all links when it goes on top of what others pushed", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, withLinks);
  await playground.checkOut({}, launcherLinks);
  await edit(playground, { "mine": "m" });
  const theirs = { ...withLinks, "a": "theirs", "second": { link: "a" } };
  await commitTree(playground, theirs);
  const done = await commitRound(playground, {}, links);
  assert.equal(done.pushFailure, undefined);
  assert.equal(done.pushed, true);
  assert.deepEqual(await remoteFiles(playground), {
    "a": "theirs",
    "current": "releases/1",
    "mine": "m",
    "outside": "/etc/hostname",
    "releases/1/x": "one",
    "second": "a",
  });
  const { outside: _, ...inside } = theirs;
  assert.deepEqual(playground.files(), shownFiles({ ...inside, "mine": "m" }));
  await assertSound(playground);
});

peerTest("commit: takes links that were made, changed and removed here", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { ...withLinks, "old": { link: "a" } });
  await playground.checkOut({}, launcherLinks);
  await Deno.remove(join(playground.app, "old"));
  await Deno.remove(join(playground.app, "current"));
  await Deno.symlink("releases/2", join(playground.app, "current"));
  await Deno.symlink("../a", join(playground.app, "releases/made"));
  const done = await commitRound(playground, {}, links);
  assert.deepEqual(done.committed.first, ["current", "old", "releases/made"]);
  assert.deepEqual(await remoteFiles(playground), {
    "a": "1",
    "current": "releases/2",
    "outside": "/etc/hostname",
    "releases/1/x": "one",
    "releases/made": "../a",
  });
  await assertSound(playground);
});

peerTest("commit: links that were made here follow the remote afterwards", ["git"], async () => {
  await using playground = await Playground.open();
  const follow = async (files: Readonly<Record<string, Content>>) => {
    await commitTree(playground, files);
    const { kind, notes } = await playground.checkOut({ localChanges: "keep" }, launcherLinks);
    assert.deepEqual([kind, notes.localChanges.first], ["published", []]);
    assert.deepEqual(playground.files(), shownFiles(files));
    assert.equal((await commitRound(playground, {}, links)).committed.count, 0);
    await assertSound(playground);
  };
  await follow({ "a": "1", "b": "2" });
  for (const name of ["changed", "removed"]) {
    await Deno.symlink("a", join(playground.app, name));
  }
  assert.deepEqual((await commitRound(playground, {}, links)).committed.count, 2);
  const made = { link: "a" };
  await follow({ "a": "1", "b": "3", "changed": made, "removed": made });
  await follow({ "a": "1", "b": "3", "changed": { link: "b" } });
  await Deno.remove(join(playground.app, "changed"));
  assert.deepEqual((await commitRound(playground, {}, links)).committed.first, ["changed"]);
});

peerTest("commit: links that were made here go with the artifacts, unless they are only here", [
  "git",
], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { "a": "1" });
  await playground.checkOut({}, launcherLinks);
  await Deno.symlink("a", join(playground.app, "made"));
  assert.equal((await commitRound(playground, {}, links)).pushed, true);
  await Deno.symlink("a", join(playground.app, "later"));
  const url = "http://127.0.0.1:1/none.git";
  assert.equal((await commitRound(playground, { url }, links)).pushed, false);
  assert.deepEqual(playground.remove().localChanges.first, ["later"]);
  assert.deepEqual(playground.files(), { "later": "→ a" });
});

peerTest(
  "checkout: a link of somebody else that is the wanted one is none to lose",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const made = { link: "a" };
    await commitTree(playground, { "a": "1", made });
    // Nobody makes links.
    await playground.checkOut({ localChanges: "keep" });
    await Deno.symlink("a", join(playground.app, "made"));
    assert.equal((await commitRound(playground)).committed.count, 0);
    await commitTree(playground, { "a": "2", made });
    assert.equal((await playground.checkOut({ localChanges: "keep" })).kind, "published");
    assert.deepEqual(playground.files(), { "a": "2", "made": "→ a" });
    await commitTree(playground, { "a": "3" });
    assert.equal((await playground.checkOut({ localChanges: "keep" })).kind, "published");
    assert.deepEqual(playground.files(), { "a": "3" });
  },
);

peerTest("commit: links that no checkout would make stay where they are", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { "a": "1", ".gitignore": "mine" });
  await playground.checkOut({ localChanges: "keep" }, launcherLinks);
  const made = { "circle": "circle", "through": "mine/x", "sub/up": "../way/../..", "way": "a" };
  await Deno.mkdir(join(playground.app, "sub"));
  await Deno.symlink("/tmp", join(playground.app, "mine"));
  for (const [path, target] of Object.entries(made)) {
    await Deno.symlink(target, join(playground.app, path));
  }
  const { committed } = await commitRound(playground, {}, links);
  const inTree = Object.fromEntries(committed.first.map((path) => [path, made[path as "way"]]));
  assert.deepEqual(Object.keys(inTree), ["circle", "through", "way"]);
  const before = playground.files();
  await commitTree(playground, {
    "a": "2",
    ".gitignore": "mine",
    ...Object.fromEntries(Object.entries(inTree).map(([path, link]) => [path, { link }])),
  });
  const { kind } = await playground.checkOut({ localChanges: "keep" }, launcherLinks);
  assert.equal(kind, "published");
  assert.deepEqual(playground.files(), { ...before, "a": "2" });
});
