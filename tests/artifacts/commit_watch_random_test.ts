import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "node:path";
import { WatchedTree } from "./watched_tree.ts";

const directories = ["", "d", "d/e", "f"];
const names = ["a", "b", "x.log", ".gitignore"];
const path = fc.tuple(fc.constantFrom(...directories), fc.constantFrom(...names))
  .map(([directory, name]) => directory === "" ? name : `${directory}/${name}`);
const edit = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    path,
    content: fc.constantFrom("", "1", "*.log", "!*.log", ".gitignore", "e/", "x".repeat(1500)),
  }),
  fc.record({ do: fc.constantFrom("remove" as const, "run" as const, "publish" as const), path }),
  fc.record({ do: fc.constantFrom("move" as const, "link" as const), path, to: path }),
  fc.record({
    do: fc.constantFrom("moveAll" as const, "repository" as const),
    path: fc.constantFrom("d", "d/e", "f"),
    to: fc.constantFrom("d", "d/e", "f", "f/g"),
  }),
);

function carryOut(tree: WatchedTree, step: Edit) {
  try {
    switch (step.do) {
      case "write":
        return tree.write(step.path, step.content);
      case "remove":
        return Deno.removeSync(tree.at(step.path));
      case "run":
        return Deno.chmodSync(tree.at(step.path), 0o755);
      case "publish":
        return tree.publish(publishable(tree));
      case "link":
        return Deno.symlinkSync(step.to.split("/").at(-1)!, tree.at(step.path));
      case "repository":
        return Deno.mkdirSync(tree.at(`${step.path}/.git`));
      default:
        return Deno.renameSync(tree.at(step.path), tree.at(step.to));
    }
  } catch {
    // There is nothing to do it with.
  }
}

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function publishable(tree: WatchedTree, directory = ""): string[] {
  return [...Deno.readDirSync(tree.at(directory))].flatMap(({ name, isDirectory }) => {
    const path = join(directory, name);
    if (name === ".git" || name === "x.log") return [];
    return isDirectory ? publishable(tree, path) : [path];
  });
}

Deno.test("watch: whoever remembers gives the answers of whoever does not", async () => {
  const rounds = fc.array(fc.array(edit, { maxLength: 2 }), { minLength: 8, maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(rounds, async (rounds) => {
      using tree = new WatchedTree({ "a": "1", "d/b": "1", "d/e/x.log": "1", "f/a": "1" });
      tree.publish(["a", "d/b", "f/a"]);
      for (const steps of rounds) {
        for (const step of steps) carryOut(tree, step);
        const answers = [await answer(tree.freshLook()), await answer(tree.round())];
        assert.equal(answers[1], answers[0]);
        tree.age();
      }
    }),
    { numRuns: 100 },
  );
});

async function answer(look: Promise<boolean>): Promise<string> {
  try {
    return String(await look);
  } catch (error) {
    return (error as Error).message;
  }
}
