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
