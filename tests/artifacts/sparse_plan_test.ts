import assert from "node:assert/strict";
import { sparsePlan } from "../../src/artifacts/sparse_plan.ts";
import { Playground } from "./playground.ts";
import { peerTest } from "../system_peers.ts";

const id = "1".repeat(40);
const files = (...paths: string[]) => paths.map((path) => ({ path, id, mode: 0o100644 as const }));

Deno.test("sparsePlan: keeps named directories, and files of those above them", () => {
  const plan = {
    files: files("top", "a/in", "a/b/in", "a/b/c/in", "a/bc/out", "a/other/out", "z/out"),
    links: [{ path: "z/link", id, mode: 0o120000 as const, target: "out" }],
    leftOut: [
      { path: "a/module", id, mode: 0o160000 as const },
      { path: "z/module", id, mode: 0o160000 as const },
    ],
    directories: ["a", "a/b", "a/b/c", "a/bc", "a/other", "z"],
    collisions: ["a/b/in", "z/out"],
  };
  const sparse = sparsePlan(plan, ["a/b", "gone"]);
  assert.deepEqual(sparse.files, files("top", "a/in", "a/b/in", "a/b/c/in"));
  assert.deepEqual(sparse.directories, ["a", "a/b", "a/b/c"]);
  assert.deepEqual(sparse.links, []);
  assert.deepEqual(sparse.leftOut.map(({ path }) => path), ["a/module"]);
  assert.deepEqual(sparse.collisions, ["a/b/in"]);
  assert.deepEqual(
    sparse.outside.map(({ path }) => path),
    ["a/bc/out", "a/other/out", "z/out", "z/link", "z/module"],
  );
  assert.deepEqual(sparsePlan(plan, undefined), { ...plan, outside: [] });
});

peerTest("sparse checkout: follows the setting, updates and removal", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "top": "t", "a/in": "1", "a/b/in": "2", "c/in": "3" });
  await Deno.writeTextFile(`${playground.app}/mine`, "m");
  await playground.checkOut({ sparse: ["a/b"] });
  assert.deepEqual(playground.files(), { "a/b/in": "2", "a/in": "1", "mine": "m", "top": "t" });
  assert.doesNotMatch((await playground.nativeGit("status", "--porcelain")).text, /^[ MAD]{2} /m);
  // Nothing is to be done again.
  const same = await playground.checkOut({ sparse: ["a/b"] });
  assert.deepEqual([same.changed, same.notes.localChanges.count], [false, 0]);
  // An update that is outside, and one that is inside.
  await playground.commit({ "c/in": "4" });
  assert.equal((await playground.checkOut({ sparse: ["a/b"] })).changed, false);
  await playground.commit({ "a/b/in": "5", "c/in": null });
  await Deno.writeTextFile(`${playground.app}/a/b/in`, "local");
  const changed = await playground.checkOut({ sparse: ["a/b"] });
  assert.deepEqual(changed.notes.localChanges.first, ["a/b/in"]);
  await playground.commit({ "c/in": "6" });
  // Another setting, and none.
  await playground.checkOut({ sparse: ["c"] });
  assert.deepEqual(playground.files(), { "c/in": "6", "mine": "m", "top": "t" });
  const whole = await playground.checkOut();
  assert.equal(whole.notes.localChanges.count, 0);
  assert.deepEqual(playground.files(), {
    "a/b/in": "5",
    "a/in": "1",
    "c/in": "6",
    "mine": "m",
    "top": "t",
  });
  await playground.checkOut({ sparse: ["a"] });
  await playground.remove();
  assert.deepEqual(playground.files(), { "mine": "m" });
});
