import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { interruptAt } from "./interruption.ts";
import { Playground } from "./playground.ts";

peerTest(
  "recovery: fetches again what is damaged or missing in the Git directory",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const packs = join(playground.gitDirectory, "objects/pack");
    const content = { "a": "1".repeat(5000), "b": "2" };
    await playground.commit(content);
    await playground.checkOut();
    const pathOf = (ending: string) => {
      const entry = [...Deno.readDirSync(packs)].find(({ name }) => name.endsWith(ending));
      return join(packs, entry?.name ?? "nosuch");
    };
    const damages: [string, () => void][] = [
      ["index cut off", () => Deno.truncateSync(pathOf(".idx"), 100)],
      ["index empty", () => Deno.truncateSync(pathOf(".idx"), 0)],
      ["pack cut off", () => Deno.truncateSync(pathOf(".pack"), 40)],
      ["pack missing", () => Deno.removeSync(pathOf(".pack"))],
      ["index missing", () => Deno.removeSync(pathOf(".idx"))],
      ["HEAD empty", () => Deno.truncateSync(join(playground.gitDirectory, "HEAD"), 0)],
      ["incoming left", () => Deno.writeTextFileSync(join(packs, "incoming.pack"), "half")],
      ["all gone", () => Deno.removeSync(playground.gitDirectory, { recursive: true })],
    ];
    for (const [what, damage] of damages) {
      damage();
      Deno.removeSync(join(playground.app, "a"));
      await playground.checkOut();
      assert.deepEqual(playground.files(), content, what);
      assert.equal((await playground.nativeGit("fsck", "--full")).code, 0, what);
      const names = [...Deno.readDirSync(packs)].map(({ name }) => name);
      assert.equal(names.length, 2, `${what}: ${names}`);
    }
  },
);

peerTest("recovery: says so when the record of published files is damaged", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  await Deno.writeTextFile(join(playground.gitDirectory, "index"), "rubbish");
  await playground.commit({ "a": "2" });
  const { notes } = await playground.checkOut();
  assert.equal(notes.recordLost, true);
  assert.deepEqual(playground.files(), { "a": "2" });
  assert.equal((await playground.checkOut()).notes.recordLost, false);
});

peerTest("recovery: replaces many packs by one", ["git"], async () => {
  await using playground = await Playground.open();
  const packs = join(playground.gitDirectory, "objects/pack");
  const counts: number[] = [];
  for (let update = 0; update < 52; update++) {
    await playground.commit({ [`file${update}`]: `${update}` });
    await playground.checkOut();
    counts.push([...Deno.readDirSync(packs)].length / 2);
  }
  assert.equal(Math.max(...counts), 50);
  assert.equal(counts.at(50), 1);
  assert.equal(Object.keys(playground.files()).length, 52);
  assert.equal((await playground.nativeGit("fsck", "--full")).code, 0);
  assert.equal((await playground.nativeGit("status", "--porcelain")).text, "");
});

peerTest(
  "recovery: replaces packs by one when they grow, not when they only are",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const packs = join(playground.gitDirectory, "objects/pack");
    const noise = (bytes: number) => {
      const data = new Uint8Array(bytes);
      for (let at = 0; at < bytes; at += 65_536) {
        crypto.getRandomValues(data.subarray(at, Math.min(bytes, at + 65_536)));
      }
      return data;
    };
    const counts: number[] = [];
    const checkOut = async (content: Uint8Array) => {
      await playground.commit({ "data": content });
      await playground.checkOut();
      counts.push([...Deno.readDirSync(packs)].length / 2);
    };
    for (let day = 0; day < 5; day++) await checkOut(noise(8_000_000));
    // The sum passes twice 8 MB and 16 MiB with the fifth.
    assert.deepEqual(counts, [1, 2, 3, 4, 5]);
    const newest = noise(100);
    await checkOut(newest);
    assert.equal(counts.at(-1), 1);
    const bytes = [...Deno.readDirSync(packs)]
      .reduce((sum, { name }) => sum + Deno.statSync(join(packs, name)).size, 0);
    assert(bytes < 10_000, `${bytes} bytes are left`);
    await checkOut(noise(100));
    assert.equal(counts.at(-1), 2);
    assert.equal((await playground.nativeGit("fsck", "--full")).code, 0);
  },
);

peerTest("recovery: keeps one pack though what follows the transfer fails", ["git"], async () => {
  await using playground = await Playground.open();
  const packs = join(playground.gitDirectory, "objects/pack");
  for (let update = 0; update < 50; update++) {
    await playground.commit({ [`file${update}`]: `${update}` });
    await playground.checkOut();
  }
  await Deno.writeTextFile(join(playground.app, "mine"), "x");
  await playground.commit({ "mine/inner": "in the way" });
  await assert.rejects(playground.checkOut(), /is in the way/);
  assert.equal([...Deno.readDirSync(packs)].length, 2);
  await Deno.remove(join(playground.app, "mine"));
  await playground.checkOut();
  assert.equal(playground.files()["mine/inner"], "in the way");
});

peerTest("recovery: takes no files of its own for initial ones", ["git"], async () => {
  for (let step = 1;; step++) {
    await using playground = await Playground.open();
    const backup = join(playground.root, "app_backup");
    await playground.commit({ "a": "1", "b": "2" });
    const interrupted = await interruptAt(step, () => playground.checkOut({ backup }));
    await playground.checkOut({ backup });
    assert.deepEqual(playground.files(), { "a": "1", "b": "2" });
    assert.deepEqual(playground.surroundings(), ["app", "state"], `step ${step}`);
    if (!interrupted) break;
  }
});

/**
 * Ends a checkout at its n-th renaming or removal, as a killed process would, and goes on with a new
 * one. Whatever n: each file is old or new, the next start finishes, and nothing is left over.
 */
peerTest(
  "recovery: finishes what was interrupted at any step of the publication",
  ["git"],
  async () => {
    const before = { "change": "1", "gone": "x", "dir/gone": "y", "same": "s", "flip": "file" };
    const after = {
      "change": "2",
      "same": "s",
      "dir/new": "n",
      "add/deep/er": "d",
      "flip/x": "dir",
    };
    const third = { "change": "3", "same": "s" };
    let interruptions = 0;
    for (let step = 1;; step++) {
      await using playground = await Playground.open();
      await playground.commit(before);
      await playground.checkOut();
      await playground.commit({ ...Object.fromEntries(Object.keys(before).map((k) => [k, null])) });
      await playground.commit(after);
      const interrupted = await interruptAt(step, () => playground.checkOut());
      if (!interrupted) break;
      interruptions++;
      for (const [path, content] of Object.entries(playground.files())) {
        if (path.startsWith(".cartridge-agent")) continue;
        const states: Record<string, string>[] = [before, after];
        assert(states.some((state) => state[path] === content), `step ${step}: ${path}`);
      }
      if (step % 2 === 0) {
        // The remote has moved on meanwhile.
        await playground.commit(Object.fromEntries(Object.keys(after).map((k) => [k, null])));
        await playground.commit(third);
      }
      const { notes } = await playground.checkOut();
      assert.deepEqual(notes.localChanges.first.filter((name) => !(name in before)), [], `${step}`);
      assert.deepEqual(playground.files(), sorted(step % 2 === 0 ? third : after), `step ${step}`);
      assert.deepEqual(playground.surroundings(), ["app", "state"]);
      assert.equal((await playground.checkOut()).changed, false);
      assert.equal((await playground.nativeGit("status", "--porcelain")).text, "", `step ${step}`);
    }
    assert(interruptions > 10, `${interruptions} steps`);
  },
);

peerTest("recovery: loses track of no file when it is interrupted twice", ["git"], async () => {
  const none = { "a": null, "dir/b": null, "dir/c": null };
  let interruptions = 0;
  for (let second = 1;; second++) {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    await playground.checkOut();
    await playground.commit({ ...none, "dir/b": "2", "dir/c": "3" });
    // Both new files are in place, and no record but the unfinished one knows them.
    await interruptWhen(() => Object.keys(playground.files()).includes("dir/c"), playground);
    await playground.commit({ ...none, "last": "4" });
    const interrupted = await interruptAt(second, () => playground.checkOut());
    await playground.checkOut();
    assert.deepEqual(playground.files(), { "last": "4" }, `step ${second}`);
    if (!interrupted) break;
    interruptions++;
  }
  assert(interruptions > 5, `${interruptions} steps`);
});

/** Ends a checkout at its first step at which a condition holds. */
async function interruptWhen(isTime: () => boolean, playground: Playground): Promise<void> {
  for (let step = 1; !isTime(); step++) {
    await interruptAt(step, () => playground.checkOut());
  }
}

function sorted(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1));
}
