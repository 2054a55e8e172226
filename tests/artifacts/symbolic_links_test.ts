import assert from "node:assert/strict";
import { join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { peerTest } from "../system_peers.ts";
import { launcherLinks, Playground } from "./playground.ts";
import { commitTree, type Content, shownFiles } from "./tree_commit.ts";

async function isCleanForGit(playground: Playground): Promise<void> {
  assert.equal((await playground.nativeGit("status", "--porcelain")).text, "");
  assert.equal((await playground.nativeGit("fsck", "--full")).code, 0);
}

peerTest("links: are made, changed and removed as the repository says", ["git"], async () => {
  await using playground = await Playground.open();
  const states: Record<string, Content>[] = [
    {
      "a": "1",
      "current": { link: "releases/1" },
      "releases/1/x": "one",
      "up/l": { link: "../a" },
    },
    {
      "a": "1",
      "current": { link: "releases/2" },
      "releases/2/x": "two",
      "up/l": { link: "../a" },
    },
    { "a": "1", "current": { link: "nowhere/yet" }, "dangling": { link: "./x" } },
    { "a": "1" },
  ];
  for (const [index, state] of states.entries()) {
    await commitTree(playground, state);
    const done = await playground.checkOut({}, launcherLinks);
    assert.equal(done.changed, true);
    assert.deepEqual(done.notes.localChanges.first, [], `${index}`);
    assert.equal(done.notes.symbolicLinks.count, 0);
    assert.deepEqual(playground.files(), shownFiles(state));
    await isCleanForGit(playground);
    assert.equal((await playground.checkOut({}, launcherLinks)).changed, false);
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  }
});

peerTest("links: take turns with files and directories", ["git"], async () => {
  await using playground = await Playground.open();
  const states: Record<string, Content>[] = [
    { "real/f": "x", "p": { link: "real" }, "q/deep/f": "q" },
    { "real/f": "x", "p/f": "now a directory", "p/g/h": "h", "q": { link: "real" } },
    { "real/f": "x", "p": "now a file", "q/deep/f": "again" },
    { "real/f": "x", "p": { link: "q" }, "q": { link: "real" } },
    { "real": { link: "p" }, "p/f": "x" },
  ];
  for (const [index, state] of [...states, ...states].entries()) {
    await commitTree(playground, state);
    const { notes } = await playground.checkOut({}, launcherLinks);
    assert.deepEqual(notes.localChanges.first, [], `${index}`);
    assert.deepEqual(playground.files(), shownFiles(state), `${index}`);
    await isCleanForGit(playground);
  }
});

peerTest("links: those that lead outside are left out and named", ["git"], async () => {
  await using playground = await Playground.open();
  const outside = {
    "absolute": "/etc/passwd",
    "above": "..",
    "dir/above": "../../state",
    "in/and/out": "../../in/../../app/a",
    "loop": "loop",
    // Inside as the system follows it, and outside as it is written.
    "via": "good/../..",
    "git": ".git/config",
    "odd": "a\nb",
  };
  const links = Object.entries(outside).map(([path, link]) => [path, { link }] as const);
  const good = { "a": "1", "d/e/f": "2", "good": { link: "d/e" } };
  await commitTree(playground, {
    ...good,
    ...Object.fromEntries(links),
    "fine": { link: "good/.." },
    "worse": { link: "good/../../.." },
    "second": { link: "absolute/x" },
  });
  const { notes } = await playground.checkOut({}, launcherLinks);
  const left = ["second", "worse", ...Object.keys(outside)];
  assert.deepEqual([...notes.symbolicLinks.first].sort(), left.sort());
  assert.deepEqual(
    playground.files(),
    shownFiles({ ...good, "fine": { link: "good/.." } }),
  );
  await isCleanForGit(playground);
});

peerTest("links: a link of somebody else's on the way leads nowhere", ["git"], async () => {
  await using playground = await Playground.open();
  await Deno.symlink("/etc", join(playground.app, "theirs"));
  await commitTree(playground, { "l": { link: "theirs/passwd" }, "m": { link: "theirs/../f" } });
  const { notes } = await playground.checkOut({}, launcherLinks);
  assert.deepEqual([...notes.symbolicLinks.first].sort(), ["l", "m"]);
  assert.deepEqual(playground.files(), { "theirs": "→ /etc" });
  // It goes, and the next update makes what was left out.
  await Deno.remove(join(playground.app, "theirs"));
  await playground.checkOut({}, launcherLinks);
  assert.deepEqual(Object.keys(playground.files()), ["l", "m"]);
  // It comes back: a link that is in place already goes.
  await Deno.symlink("/etc", join(playground.app, "theirs"));
  await playground.checkOut({}, launcherLinks);
  assert.deepEqual(playground.files(), { "theirs": "→ /etc" });
});

peerTest("links: local changes are noticed and undone", ["git"], async () => {
  await using playground = await Playground.open();
  const state = { "a": "1", "l": { link: "a" }, "m": { link: "a" }, "n": { link: "a" } };
  await commitTree(playground, state);
  await playground.checkOut({}, launcherLinks);
  for (const name of ["l", "m", "n"]) await Deno.remove(join(playground.app, name));
  await Deno.symlink("/etc/passwd", join(playground.app, "l"));
  await Deno.writeTextFile(join(playground.app, "m"), "file");
  const held = await playground.checkOut({ localChanges: "keep" }, launcherLinks);
  assert.deepEqual([...held.notes.localChanges.first].sort(), ["l", "m", "n"]);
  const { notes } = await playground.checkOut({}, launcherLinks);
  assert.deepEqual([...notes.localChanges.first].sort(), ["l", "m", "n"]);
  assert.deepEqual(playground.files(), shownFiles(state));
  await isCleanForGit(playground);
});

peerTest("links: no file is written through a link of the repository", ["git"], async () => {
  await using playground = await Playground.open();
  const outside = join(playground.root, "outside");
  await Deno.mkdir(outside);
  await commitTree(playground, { "dir": { link: "real" }, "real/f": "1" });
  await playground.checkOut({}, launcherLinks);
  await Deno.remove(join(playground.app, "dir"));
  await Deno.symlink(outside, join(playground.app, "dir"));
  await commitTree(playground, { "dir/f": "2", "real/f": "1" });
  await playground.checkOut({}, launcherLinks);
  assert.deepEqual([...Deno.readDirSync(outside)], []);
  assert.deepEqual(playground.files(), { "dir/f": "2", "real/f": "1" });
});

peerTest("links: go with a removal, unless somebody changed them", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, {
    "a": "1",
    "d/l": { link: "../a" },
    "m": { link: "a" },
    "n": { link: "a" },
  });
  await playground.checkOut({}, launcherLinks);
  await Deno.remove(join(playground.app, "m"));
  await Deno.symlink("elsewhere", join(playground.app, "m"));
  const done = playground.remove();
  assert.equal(done.files, 3);
  assert.deepEqual(done.localChanges.first, ["m"]);
  assert.deepEqual(playground.files(), { "m": "→ elsewhere" });
  assert.deepEqual([...Deno.readDirSync(playground.app)].map(({ name }) => name), ["m"]);
});

peerTest("links: are left out where nobody can make them, and made later", ["git"], async () => {
  await using playground = await Playground.open();
  const state = { "a": "1", "d/l": { link: "../a" }, "m": { link: "a" } };
  await commitTree(playground, state);
  const failing = { makeLinks: () => Promise.resolve("old launcher") };
  const first = await playground.checkOut({}, failing);
  assert.deepEqual([...first.notes.symbolicLinks.first].sort(), ["d/l", "m"]);
  assert.equal(first.notes.linkFailure, "old launcher");
  assert.deepEqual(playground.files(), { "a": "1" });
  await isCleanForGit(playground);
  const second = await playground.checkOut({}, failing);
  assert.equal(second.changed, false);
  await playground.checkOut({}, launcherLinks);
  assert.deepEqual(playground.files(), shownFiles(state));
  await isCleanForGit(playground);
  // A link of before that cannot be changed now is removed rather than forgotten.
  await commitTree(playground, { ...state, "m": { link: "d" } });
  await playground.checkOut({}, failing);
  assert.deepEqual(playground.files(), { "a": "1", "d/l": "→ ../a" });
});

peerTest("links: what is no link, or another one, is not brought into place", ["git"], async () => {
  await using playground = await Playground.open();
  await commitTree(playground, { "a": "1", "l": { link: "a" }, "m": { link: "a" } });
  const { notes } = await playground.checkOut({}, {
    makeLinks: async (directory) => {
      await Deno.writeTextFile(join(directory, "links", "l"), "file");
      await Deno.symlink("/etc", join(directory, "links", "m"));
      return undefined;
    },
  });
  assert.deepEqual([...notes.symbolicLinks.first].sort(), ["l", "m"]);
  assert.deepEqual(playground.files(), { "a": "1" });
});

peerTest("links: a foreign directory in a link's place stays", ["git"], async () => {
  await using playground = await Playground.open();
  await Deno.mkdir(join(playground.app, "l"));
  await Deno.writeTextFile(join(playground.app, "l/mine"), "x");
  await commitTree(playground, { "a": "1", "l": { link: "a" } });
  await assert.rejects(
    playground.checkOut({}, launcherLinks),
    (error) => error instanceof AgentError && error.kind === "refused",
  );
  assert.deepEqual(playground.files(), { "l/mine": "x" });
});
