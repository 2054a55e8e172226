import assert from "node:assert/strict";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { PlanMemory } from "../../src/git/plan_memory.ts";
import { planTree } from "../../src/git/tree_plan.ts";
import { bytesOf, idOf } from "./pack_builder.ts";

const blob = "1".repeat(40);
const linkOut = "2".repeat(40);
const linkInside = "3".repeat(40);
const blobs = new Map([[blob, "x"], [linkOut, "/etc"], [linkInside, "a"]]);

/** A directory: for each name a file, a link, a submodule, or a directory. */
interface Directory {
  readonly [name: string]: string | Directory;
}

/** Objects in memory, and which of them were read. */
class Objects {
  readonly #objects = new Map<string, Uint8Array>();
  readonly asked: string[] = [];

  commit(directory: Directory): string {
    return this.#add(
      "commit",
      bytesOf(`tree ${this.#tree(directory)}\nauthor a <a> 0 +0000\n\nx\n`),
    );
  }

  read(id: string): Uint8Array {
    this.asked.push(id);
    const bytes = this.#objects.get(id) ?? bytesOf(blobs.get(id) ?? "");
    return bytes;
  }

  #tree(directory: Directory): string {
    const entries = Object.entries(directory).flatMap(([name, content]) => {
      const [mode, id] = typeof content === "string"
        ? content.split(" ")
        : ["40000", this.#tree(content)];
      return [`${mode} ${name}\0`, Uint8Array.fromHex(id ?? "")];
    });
    return this.#add("tree", bytesOf(...entries));
  }

  #add(type: string, bytes: Uint8Array): string {
    const id = idOf(type, bytes);
    this.#objects.set(id, bytes);
    return id;
  }
}

const file = `100644 ${blob}`;
const name = fc.constantFrom("a", "A", "b", "c", "d", "\u00e4", "a\u0308", ".git");
const { directory } = fc.letrec<{ directory: Directory }>((tie) => ({
  directory: fc.dictionary(
    // Names that are refused are there, and rare.
    fc.oneof({ weight: 40, arbitrary: name.filter((name) => name !== ".git") }, {
      weight: 1,
      arbitrary: name,
    }),
    fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(
        file,
        file,
        `100755 ${blob}`,
        `120000 ${linkInside}`,
        `120000 ${linkOut}`,
        `160000 ${blob}`,
      ),
      tie("directory"),
    ),
    { maxKeys: 5, noNullPrototype: true },
  ),
}));

function outcome(plan: () => unknown): unknown {
  try {
    return plan();
  } catch (error) {
    assert(error instanceof AgentError);
    return [error.kind, error.message];
  }
}

Deno.test("plan memory: plans every commit as if there were none", () => {
  fc.assert(
    fc.property(
      fc.array(directory, { minLength: 2, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.constantFrom(3, 10, 1000)), {
        minLength: 2,
        maxLength: 8,
      }),
      (directories, steps) => {
        const memory = new PlanMemory();
        const objects = new Objects();
        for (const [first, second, most] of steps) {
          // Parts of one commit are parts of the next.
          const commit = objects.commit({
            "left": directories[first % directories.length] ?? {},
            "right": directories[second % directories.length] ?? {},
          });
          assert.deepEqual(
            outcome(() => planTree(objects, commit, most, memory)),
            outcome(() => planTree(objects, commit, most)),
          );
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("plan memory: reads the trees that changed, and gives the same files again", () => {
  const memory = new PlanMemory();
  const objects = new Objects();
  const same = { "deep": { "er": { "a": file } }, "b": file };
  const before = planTree(objects, objects.commit({ same, "other": { "a": file } }), 100, memory);
  objects.asked.length = 0;
  const commit = objects.commit({ same, "other": { "a": `100755 ${blob}` } });
  const after = planTree(objects, commit, 100, memory);
  // The commit, the top tree, and the other one.
  assert.equal(objects.asked.length, 3);
  assert.deepEqual(after.files.map(({ path }) => path), ["same/deep/er/a", "same/b", "other/a"]);
  assert.equal(after.files[0], before.files[0]);
  assert.equal(after.files[1], before.files[1]);
  assert.notEqual(after.files[2]?.mode, before.files[2]?.mode);
});

Deno.test("plan memory: counts what it knows for the limit", () => {
  const memory = new PlanMemory();
  const objects = new Objects();
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`f${at}`, file]));
  planTree(objects, objects.commit({ many }), 11, memory);
  const commit = objects.commit({ many, "one": file });
  assert.throws(() => planTree(objects, commit, 11, memory), /more than 11 files/);
  assert.equal(planTree(objects, commit, 12, memory).files.length, 11);
});

Deno.test("plan memory: keeps the last commit alone, and none that is too large", () => {
  const memory = new PlanMemory();
  const objects = new Objects();
  planTree(objects, objects.commit({ "a": { "x": file } }), 100, memory);
  planTree(objects, objects.commit({ "b": file }), 100, memory);
  assert.deepEqual(memory.root?.items, [{ path: "b", id: blob, mode: 0o100644 }]);
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`f${at}`, file]));
  const large = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`d${at}`, wide]));
  const commit = objects.commit(large);
  assert.equal(planTree(objects, commit, 200_000, memory).files.length, 101_000);
  assert.equal(memory.root, undefined);
});
