import assert from "node:assert/strict";
import { join } from "node:path";
import { LocalChangesWatch, thoroughAfterMs } from "../../src/artifacts/commit_watch.ts";
import { steadyAfterMs, SteadyStamp } from "../../src/artifacts/steady_stamp.ts";
import { callsOf, WatchedTree } from "./watched_tree.ts";

const published = ["a", "d/b", "d/e/c", "d/link", "logs/kept"];

/** A tree that three rounds found unchanged: the next one relies on what is remembered. */
async function knownTree(): Promise<WatchedTree> {
  const tree = new WatchedTree({
    "a": "1",
    "d/b": "1",
    "d/e/c": "1",
    "logs/kept": "1",
    // Ignores itself too, so that an edit of it is no change of its own.
    ".gitignore": ".gitignore\n*.log\n/cache/\n",
    "d/e/x.log": "1",
    "cache/deep/x": "1",
    "own/.git/HEAD": "ref: x",
    "own/file": "1",
    "large": "x".repeat(2000),
  });
  Deno.symlinkSync("b", tree.at("d/link"));
  tree.publish(published);
  for (let round = 0; round < 3; round++) assert.equal(await tree.round(), false);
  return tree;
}

Deno.test("watch: asks for stamps only, once the names are known", async () => {
  using tree = await knownTree();
  const reads = await callsOf("readDirSync", async () => assert.equal(await tree.round(), false));
  assert.deepEqual(reads, []);
  const files = await callsOf("readFileSync", () => tree.round());
  assert.deepEqual(files.filter((path) => path === tree.index), [], "nor is the record read");
  const stamps = await callsOf("lstatSync", () => tree.round());
  assert.deepEqual(stamps.filter((path) => /cache|x\.log|file/.test(path)), []);
});

const changes: Record<string, { is: boolean; make: (tree: WatchedTree) => void }> = {
  "content of the same size": { is: true, make: (tree) => tree.write("d/e/c", "2") },
  "content of another size": { is: true, make: (tree) => tree.write("a", "22") },
  "a new file": { is: true, make: (tree) => tree.write("d/e/new", "") },
  "a new file at the top": { is: true, make: (tree) => tree.write("new", "") },
  "a new directory with a file": { is: true, make: (tree) => tree.write("d/f/g/new", "") },
  "a new directory that is empty": { is: false, make: (tree) => Deno.mkdirSync(tree.at("d/f")) },
  "a new link": { is: true, make: (tree) => Deno.symlinkSync("e", tree.at("d/new")) },
  "a new link that leads out": { is: false, make: (tree) => Deno.symlinkSync("/", tree.at("new")) },
  "a removed file": { is: true, make: (tree) => Deno.removeSync(tree.at("d/b")) },
  "a renamed file": {
    is: true,
    make: (tree) => Deno.renameSync(tree.at("d/b"), tree.at("d/renamed")),
  },
  "a renamed directory": {
    is: true,
    make: (tree) => Deno.renameSync(tree.at("d/e"), tree.at("d/f")),
  },
  "an executable bit": { is: true, make: (tree) => Deno.chmodSync(tree.at("d/e/c"), 0o755) },
  "a bit that is not committed": {
    is: false,
    make: (tree) => Deno.chmodSync(tree.at("d/e/c"), 0o640),
  },
  "a touched file": { is: true, make: (tree) => Deno.utimeSync(tree.at("a"), 1, 1) },
  "a new file in an ignored directory": {
    is: false,
    make: (tree) => tree.write("cache/deep/new", ""),
  },
  "a new ignored file": { is: false, make: (tree) => tree.write("d/e/y.log", "") },
  "rules that ignore less": {
    is: true,
    make: (tree) => tree.write(".gitignore", ".gitignore\n/cache/\n"),
  },
  "rules that ignore more": {
    is: false,
    make: (tree) => tree.write(".gitignore", ".gitignore\n*.log\n/cache/\n/logs/\n"),
  },
  "rules that are removed": { is: true, make: (tree) => Deno.removeSync(tree.at(".gitignore")) },
  "rules of a directory below": {
    is: true,
    make: (tree) => tree.write("d/.gitignore", ".gitignore\n!*.log\n"),
  },
  "a directory that a link to its copy replaces": {
    is: true,
    make: (tree) => {
      Deno.renameSync(tree.at("d/e"), join(tree.root, "away"));
      Deno.symlinkSync(join(tree.root, "away"), tree.at("d/e"));
    },
  },
  "a directory that a file replaces": {
    is: true,
    make: (tree) => {
      Deno.removeSync(tree.at("d/e"), { recursive: true });
      tree.write("d/e", "");
    },
  },
  "a file that a link replaces": {
    is: true,
    make: (tree) => {
      Deno.removeSync(tree.at("d/b"));
      Deno.symlinkSync("e/c", tree.at("d/b"));
    },
  },
  "a link that leads elsewhere": {
    is: true,
    make: (tree) => {
      Deno.removeSync(tree.at("d/link"));
      Deno.symlinkSync("e", tree.at("d/link"));
    },
  },
  "a repository that is none any more": {
    is: true,
    make: (tree) => Deno.removeSync(tree.at("own/.git"), { recursive: true }),
  },
  "a directory that becomes a repository": {
    is: false,
    make: (tree) => tree.write("other/.git/HEAD", "ref: x"),
  },
  "a large file that shrinks": {
    is: true,
    make: (tree) => Deno.truncateSync(tree.at("large"), 10),
  },
  "a published file that grows too large": {
    is: false,
    make: (tree) => tree.write("a", "x".repeat(2000)),
  },
  "an edit that is published": {
    is: false,
    make: (tree) => {
      tree.write("a", "2");
      tree.publish(published);
    },
  },
  "a file that is published no more": {
    is: true,
    make: (tree) => tree.publish(published.slice(1)),
  },
  "a file that is published and gone": {
    is: true,
    make: (tree) => {
      tree.write("new", "");
      tree.publish([...published, "new"]);
      Deno.removeSync(tree.at("new"));
    },
  },
  "a record that is damaged": {
    is: true,
    make: (tree) => Deno.writeTextFileSync(tree.index, "nonsense"),
  },
  "a publication that was interrupted": {
    is: true,
    make: (tree) => {
      Deno.copyFileSync(tree.index, `${tree.index}.publishing`);
      tree.write("d/new", "");
    },
  },
};

for (const [name, { is, make }] of Object.entries(changes)) {
  Deno.test(`watch: ${is ? "finds" : "passes over"} ${name}`, async () => {
    using tree = await knownTree();
    make(tree);
    assert.equal(await tree.freshLook(), is, "somebody who remembers nothing");
    assert.equal(await tree.round(), is);
    assert.equal(await tree.round(), is, "in the round after, too");
  });
}

Deno.test("watch: does not rely on stamps that are not old enough", async () => {
  using tree = new WatchedTree({ "a": "1", "d/b": "1" });
  tree.publish(["a", "d/b"]);
  for (let round = 0; round < 4; round++) {
    const reads = await callsOf("readDirSync", () => tree.round(steadyAfterMs / 4));
    assert.deepEqual(reads, [tree.app, tree.at("d")]);
  }
  await tree.round(steadyAfterMs);
  assert.deepEqual(await callsOf("readDirSync", () => tree.round(0)), []);
  const { mtime, atime } = Deno.statSync(tree.at("d"));
  tree.write("d/x.log", "");
  tree.write(".gitignore", "*.log\n.gitignore\n");
  // As if the file system's clock had not moved on since the look.
  await tree.round(0);
  Deno.removeSync(tree.at("d/x.log"));
  Deno.utimeSync(tree.at("d"), atime!, mtime!);
  await tree.round(0);
  tree.write("d/new", "");
  Deno.utimeSync(tree.at("d"), atime!, mtime!);
  assert.equal(await tree.round(), true);
});

Deno.test("watch: does not rely on rules that are not old enough", async () => {
  using tree = await knownTree();
  const rules = (text: string) => {
    Deno.writeTextFileSync(tree.at(".gitignore"), `.gitignore\n/cache/\n${text}`);
    Deno.utimeSync(tree.at(".gitignore"), 1, 1);
  };
  rules("*.log\n#\n");
  assert.equal(await tree.round(), false);
  rules("#.log\n#\n");
  assert.equal(await tree.round(), true);
});

Deno.test("watch: reads a directory again that changes, and no other", async () => {
  using tree = await knownTree();
  tree.write("d/e/y.log", "");
  const reads = await callsOf("readDirSync", () => tree.round());
  assert.deepEqual(reads, [tree.at("d/e")]);
  assert.deepEqual(await callsOf("readDirSync", () => tree.round()), [tree.at("d/e")]);
  assert.deepEqual(await callsOf("readDirSync", () => tree.round()), []);
});

Deno.test("watch: asks the next round too about what is not committed", async () => {
  using tree = await knownTree();
  tree.write("d/new", "");
  for (let round = 0; round < 4; round++) assert.equal(await tree.round(), true);
  Deno.removeSync(tree.at("d/new"));
  for (let round = 0; round < 4; round++) assert.equal(await tree.round(), false);
  Deno.removeSync(tree.at("d/b"));
  for (let round = 0; round < 4; round++) assert.equal(await tree.round(), true);
});

Deno.test("watch: reads all directories after some minutes, whatever their stamps say", async () => {
  using tree = await knownTree();
  const lstat = Deno.lstatSync;
  const before = lstat(tree.at("d/e"));
  try {
    Deno.lstatSync = (path) => path === tree.at("d/e") ? before : lstat(path);
    tree.write("d/e/new", "");
    assert.equal(await tree.round(), false, "the file system tells nothing");
    assert.equal(await tree.round(thoroughAfterMs), true);
    Deno.removeSync(tree.at("d/e/new"));
    const reads = await callsOf("readDirSync", () => tree.round());
    assert.equal(reads.length, 5, "until a round gets to its end");
    assert.deepEqual(await callsOf("readDirSync", () => tree.round()), []);
  } finally {
    Deno.lstatSync = lstat;
  }
});

Deno.test("watch: forgets when it is told to, and when it fails", async () => {
  using tree = await knownTree();
  tree.watch.forget();
  assert.equal((await callsOf("readDirSync", () => tree.round())).length, 5);
  await tree.round();
  Deno.renameSync(tree.app, `${tree.app}.away`);
  await assert.rejects(tree.round(), /Cannot read ".*app": it is gone/);
  Deno.renameSync(`${tree.app}.away`, tree.app);
  assert.equal((await callsOf("readDirSync", () => tree.round())).length, 5);
  assert.equal(await tree.round(), false);
});

Deno.test("watch: gives others their turn", async () => {
  using tree = new WatchedTree(
    Object.fromEntries(Array.from({ length: 600 }, (_, file) => [`f${file}`, ""])),
  );
  tree.publish([]);
  let nowMs = 0;
  const clock = { ...tree.clock, now: () => nowMs, monotonicMs: () => nowMs += 5 };
  const watch = new LocalChangesWatch({ ...clock, sleep: () => Promise.resolve() });
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("enough")), 0);
  Deno.writeTextFileSync(tree.at(".gitignore"), "*\n");
  const { gitDirectory, app: destination } = tree;
  const places = { gitDirectory, destination, mostFileBytes: 1000, mayBegin: false };
  const looks = async () => {
    while (true) await watch.hasLocalChanges(places, abort.signal);
  };
  await assert.rejects(looks, /enough/);
  clearTimeout(timer);
});

Deno.test("watch: a stamp is steady when it stays for longer than clocks are coarse", () => {
  const info = Deno.lstatSync(".");
  const stamp = new SteadyStamp();
  assert.equal(stamp.see(info, 0), false);
  assert.equal(stamp.see(info, steadyAfterMs - 1), false);
  assert.equal(stamp.see(info, steadyAfterMs), true);
  const others: Partial<Deno.FileInfo>[] = [
    { mtime: new Date(1) },
    { ctime: new Date(1) },
    { ino: 1 },
    { dev: 1 },
    { size: 1 },
  ];
  for (const other of others) {
    const changed = { ...info, ...other };
    assert.equal(stamp.see(changed, 10 * steadyAfterMs), false);
    assert.equal(stamp.see(info, 20 * steadyAfterMs), false);
    assert.equal(stamp.see(info, 21 * steadyAfterMs), true);
  }
  const unstamped = { ...info, mtime: null };
  assert.equal(stamp.see(unstamped, 30 * steadyAfterMs), false);
  assert.equal(stamp.see(unstamped, 40 * steadyAfterMs), false);
});
