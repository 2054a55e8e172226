import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { ancestorsOf, directoriesAbove, planTree } from "../../src/git/tree_plan.ts";
import { parseTree } from "../../src/git/tree_object.ts";
import { bytesOf, idOf } from "./pack_builder.ts";

interface Entry {
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

/** Objects in memory. */
class Objects {
  readonly #objects = new Map<string, Uint8Array>();

  tree(entries: readonly Entry[]): string {
    return this.#add(
      "tree",
      bytesOf(
        ...entries.flatMap(({ mode, name, id }) => [`${mode} ${name}\0`, Uint8Array.fromHex(id)]),
      ),
    );
  }

  commit(tree: string): string {
    return this.#add("commit", bytesOf(`tree ${tree}\nauthor a <a> 0 +0000\n\nx\n`));
  }

  read(id: string): Uint8Array {
    const target = linkTargets.get(id);
    if (target !== undefined) return bytesOf(target);
    const bytes = this.#objects.get(id);
    if (!bytes) throw new Error(`no ${id}`);
    return bytes;
  }

  #add(type: string, bytes: Uint8Array): string {
    const id = idOf(type, bytes);
    this.#objects.set(id, bytes);
    return id;
  }
}

const blob = "1".repeat(40);
/** A link out of the tree. */
const linkOut = "2".repeat(40);
const linkInside = "3".repeat(40);
const linkTargets = new Map([[linkOut, "/etc"], [linkInside, "../a"]]);
const file = (name: string): Entry => ({ mode: "100644", name, id: blob });
const directory = (name: string, id: string): Entry => ({ mode: "40000", name, id });

function planOf(entries: (objects: Objects) => readonly Entry[], most = 1000) {
  const objects = new Objects();
  return planTree(objects, objects.commit(objects.tree(entries(objects))), most);
}

function refuses(entries: (objects: Objects) => readonly Entry[], reason: RegExp, most = 1000) {
  assert.throws(
    () => planOf(entries, most),
    (error) => error instanceof AgentError && !error.retryable && reason.test(error.message),
  );
}

Deno.test("planTree: lists files, links, what is left out, and directories that hold something", () => {
  const plan = planOf((objects) => [
    file("a"),
    directory("d", objects.tree([{ ...file("run"), mode: "100755" }])),
    directory("empty", objects.tree([])),
    { mode: "120000", name: "link", id: linkOut },
    directory("links", objects.tree([{ mode: "120000", name: "inside", id: linkInside }])),
    { mode: "160000", name: "module", id: blob },
    { ...file("old"), mode: "100664" },
  ]);
  assert.deepEqual(plan.files.map(({ path, mode }) => `${path} ${mode.toString(8)}`), [
    "a 100644",
    "d/run 100755",
    "old 100644",
  ]);
  assert.deepEqual(plan.leftOut.map(({ path }) => path), ["link", "module"]);
  assert.deepEqual(plan.directories, ["d", "links"]);
  assert.deepEqual(plan.links, [
    { path: "links/inside", id: linkInside, mode: 0o120000, target: "../a" },
  ]);
});

Deno.test("planTree: refuses bad names at every depth, without showing them", () => {
  for (const name of ["..", ".git", "a/b", "/etc", "", "a\\b", "evil\nname"]) {
    refuses(() => [file(name)], /the repository is refused/);
    refuses((objects) => [directory("d", objects.tree([file(name)]))], /d\/.*refused/);
    refuses((objects) => [directory(name, objects.tree([file("x")]))], /refused/);
  }
  assert.throws(
    () => planOf(() => [file("evil\nname")]),
    (error) => !String(error).includes("evil"),
  );
});

Deno.test("planTree: refuses duplicates, also of a file and a directory or a link", () => {
  refuses(() => [file("a"), file("a")], /twice/);
  refuses((objects) => [file("a"), directory("a", objects.tree([file("b")]))], /twice/);
  refuses((objects) => [
    { mode: "120000", name: "a", id: blob },
    directory("a", objects.tree([file("b")])),
  ], /twice/);
});

Deno.test("planTree: reports names that differ in case or composition only", () => {
  const plan = planOf((objects) => [
    file("README"),
    directory("Dir", objects.tree([file("x")])),
    directory("dir", objects.tree([file("X")])),
    file("readme"),
    file("\u00e4"),
    file("a\u0308"),
  ]);
  assert.deepEqual(plan.collisions, ["dir", "dir/X", "readme", "a\u0308"]);
});

Deno.test("planTree: refuses unknown modes", () => {
  for (const mode of ["100600", "100777", "140000", "0", "777777"]) {
    refuses(() => [{ ...file("a"), mode }], /no file mode/);
  }
});

Deno.test("planTree: stops at the limits, however few objects make many files", () => {
  refuses(() => Array.from({ length: 11 }, (_, index) => file(`f${index}`)), /limit.files/, 10);
  refuses((objects) => {
    let tree = objects.tree([file("f")]);
    for (let level = 0; level < 20; level++) {
      const id = tree;
      tree = objects.tree(Array.from({ length: 10 }, (_, index) => directory(`d${index}`, id)));
    }
    return [directory("d", tree)];
  }, /limit.files/);
  refuses((objects) => {
    let tree = objects.tree([file("f")]);
    for (let level = 0; level < 200; level++) tree = objects.tree([directory("d", tree)]);
    return [directory("d", tree)];
  }, /deeper than/);
  refuses((objects) => {
    let tree = objects.tree([file("f")]);
    for (let level = 0; level < 20; level++) {
      tree = objects.tree([directory("d".repeat(250), tree)]);
    }
    return [directory("d", tree)];
  }, /path is longer/);
});

Deno.test("planTree: stops when the paths are too long together, however few objects hold them", () => {
  const huge = (copies: number) => (objects: Objects) => {
    const names = Array.from({ length: 1000 }, (_, index) => file(`f${index}`));
    let tree = objects.tree(names);
    for (let level = 0; level < 12; level++) {
      tree = objects.tree([directory("d".repeat(250), tree)]);
    }
    return Array.from({ length: copies }, (_, index) => directory(`top${index}`, tree));
  };
  assert.throws(
    () => planOf(huge(198), 200_000),
    (error) =>
      error instanceof AgentError && error.kind === "limit" && !error.retryable &&
      /the paths of its files and directories have more than 67108864 bytes/.test(error.message),
  );
  const { files, directories } = planOf(huge(15), 200_000);
  assert.deepEqual([files.length, directories.length], [15_000, 15 * 13]);
});

Deno.test("planTree: counts the bytes of names and slashes of a path, not its characters", () => {
  const nested = (last: string) => (objects: Objects) => {
    let tree = objects.tree([file(last)]);
    for (let level = 0; level < 16; level++) {
      tree = objects.tree([directory("\u00e4".repeat(100), tree)]);
    }
    return [directory("\u00e4".repeat(100), tree)];
  };
  // 17 directories of 200 bytes and a slash.
  assert.equal(planOf(nested("f".repeat(83))).files.length, 1);
  refuses(nested("f".repeat(84)), /path is longer than 3500 bytes/);
});

Deno.test("planTree: finds what collides with any of several directories, at every depth", () => {
  const plan = planOf((objects) => {
    const nest = (...names: string[]) =>
      names.reduceRight(
        (id, name) => objects.tree([directory(name, id)]),
        objects.tree([file("x")]),
      );
    return [
      directory("DIR", nest("a", "b")),
      directory("Dir", objects.tree([file("a"), file("c")])),
      directory("dir", nest("A", "B")),
      directory("other", nest("a", "b")),
    ];
  });
  assert.deepEqual(plan.collisions, ["Dir", "Dir/a", "dir", "dir/A", "dir/A/B", "dir/A/B/x"]);
});

Deno.test("planTree: leaves out directories that hold no file, with all below them", () => {
  const plan = planOf((objects) => {
    const link = objects.tree([{ mode: "120000", name: "link", id: linkOut }]);
    const full = objects.tree([file("x")]);
    return [
      directory("a", objects.tree([directory("b", objects.tree([])), directory("c", link)])),
      directory("d", objects.tree([directory("e", link), directory("f", full)])),
    ];
  });
  assert.deepEqual(plan.directories, ["d", "d/f"]);
});

Deno.test("parseTree: ends with an AgentError or entries, whatever the bytes are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const { id } of parseTree(bytes)) assert.equal(id.length, 40);
      } catch (error) {
        assert(error instanceof AgentError);
      }
    }),
  );
});

Deno.test("ancestorsOf: lists directories from the top", () => {
  assert.deepEqual(ancestorsOf("a/b/c"), ["a", "a/b"]);
  assert.deepEqual(ancestorsOf("a"), []);
});

Deno.test("directoriesAbove: lists each directory once, children before parents", () => {
  const paths = ["a/b/c", "a/b/d", "a/e", "f", "a/b/g/h"];
  assert.deepEqual(directoriesAbove(paths), ["a/b/g", "a/b", "a"]);
});
