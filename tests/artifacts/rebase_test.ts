import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { mergeFiles, type TreeFiles } from "../../src/git/rebase_files.ts";
import { mergeText } from "../../src/git/rebase_text.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function merged(base: string, ours: string, theirs: string): string | undefined {
  const result = mergeText(bytes(base), bytes(ours), bytes(theirs));
  return result && new TextDecoder().decode(result);
}

Deno.test("mergeText: takes both sides' changes of different lines", () => {
  const base = "1\n2\n3\n4\n5\n";
  assert.equal(merged(base, "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"), "one\n2\n3\n4\nfive\n");
  assert.equal(merged(base, "0\n" + base, base + "6\n"), "0\n" + base + "6\n");
  assert.equal(merged(base, "1\n3\n4\n5\n", "1\n2\n3\n4\n"), "1\n3\n4\n");
  assert.equal(merged(base, base, "x\n"), "x\n");
  assert.equal(merged(base, "same\n", "same\n"), "same\n");
  assert.equal(merged("ä\r\nb\nc", "ä\r\nb\nd", "ü\r\nb\nc"), "ü\r\nb\nd");
});

Deno.test("mergeText: gives up where lines, bytes or sizes do not allow it", () => {
  assert.equal(merged("1\n", "2\n", "3\n"), undefined);
  assert.equal(merged("1\n2\n", "x\n2\n", "1\ny\n"), undefined, "lines beside each other");
  assert.equal(merged("a\n\0\nc\n", "b\n\0\nc\n", "a\n\0\nd\n"), undefined);
  const lines = (count: number, text: string) => `${text}\n`.repeat(count);
  assert.equal(merged(lines(9000, "a"), lines(9000, "b"), lines(9000, "c")), undefined);
  const large = "x".repeat(5_000_000);
  assert.equal(merged(large, large, `${large}y`), undefined);
});

const baseLines = Array.from({ length: 12 }, (_, line) => `line ${line}\n`);
const version = fc.array(
  fc.record({ at: fc.nat(12), remove: fc.nat(2), add: fc.array(fc.nat(3), { maxLength: 2 }) }),
  { maxLength: 3 },
).map((edits) => {
  const lines = [...baseLines];
  for (const { at, remove, add } of edits) {
    lines.splice(at, remove, ...add.map((added) => `added ${added}\n`));
  }
  return lines.join("");
});

peerTest("mergeText: agrees with native git", ["git"], async () => {
  await using place = await temporaryDirectory();
  const names = ["ours", "base", "theirs"];
  await fc.assert(
    fc.asyncProperty(version, version, async (ours, theirs) => {
      for (const [index, content] of [ours, baseLines.join(""), theirs].entries()) {
        await Deno.writeTextFile(join(place.path, names[index]!), content);
      }
      const { code, stdout } = await new Deno.Command("git", {
        args: ["merge-file", "-p", "--diff3", ...names],
        cwd: place.path,
      }).output();
      const native = code === 0 ? new TextDecoder().decode(stdout) : undefined;
      assert.equal(merged(baseLines.join(""), ours, theirs), native);
    }),
    { numRuns: 150 },
  );
});

Deno.test("mergeText: loses no line that one side added or kept", () => {
  const lines = (prefix: string) =>
    fc.array(fc.nat(20), { maxLength: 8 }).map((all) => all.map((n) => `${prefix}${n}\n`));
  const base = Array.from({ length: 30 }, (_, line) => `base ${line}\n`);
  const at = fc.nat(12);
  fc.assert(
    fc.property(lines("o"), lines("t"), at, at, (o, t, ourPlace, theirPlace) => {
      const ours = base.toSpliced(ourPlace, 1, ...o).join("");
      const theirs = base.toSpliced(15 + theirPlace, 1, ...t).join("");
      const wanted = base.toSpliced(15 + theirPlace, 1, ...t).toSpliced(ourPlace, 1, ...o);
      assert.equal(merged(base.join(""), ours, theirs), wanted.join(""));
    }),
  );
});

const tree = (files: Readonly<Record<string, string>>): TreeFiles =>
  new Map(Object.entries(files).map(([path, id]) => [path, { id, mode: 0o100644 }]));
const never = () => undefined;
const plain = (files: TreeFiles) =>
  Object.fromEntries([...files].map(([path, { id }]) => [path, id]));

Deno.test("mergeFiles: puts our changes on theirs", () => {
  const base = tree({ a: "1", b: "1", c: "1", d: "1", e: "1" });
  const ours = tree({ a: "2", c: "1", d: "1", e: "3", new: "n" });
  const theirs = tree({ a: "1", b: "1", c: "9", e: "3", other: "o" });
  const { files, conflicts } = mergeFiles(base, ours, theirs, never);
  assert.deepEqual(plain(files), { a: "2", c: "9", e: "3", other: "o", new: "n" });
  assert.deepEqual(conflicts, []);
});

Deno.test("mergeFiles: leaves theirs where both changed", () => {
  const base = tree({ both: "1", deleted: "1", gone: "1" });
  const ours = tree({ both: "2", gone: "2", added: "o", dir: "f" });
  const theirs = tree({ both: "3", deleted: "3", added: "t", "dir/file": "t" });
  const { files, conflicts } = mergeFiles(base, ours, theirs, never);
  assert.deepEqual(files, theirs);
  assert.deepEqual(conflicts, ["added", "both", "deleted", "dir", "gone"]);
});

Deno.test("mergeFiles: merges contents and modes apart from each other", () => {
  const file = (id: string, mode: number) => new Map([["a", { id, mode }]]);
  const base = file("1", 0o100644);
  const ours = file("1", 0o100755);
  assert.deepEqual(mergeFiles(base, ours, file("2", 0o100644), never).files, file("2", 0o100755));
  const contents = (b: string, o: string, t: string) => `${b}${o}${t}`;
  const both = mergeFiles(base, file("2", 0o100644), file("3", 0o100755), contents);
  assert.deepEqual(both.files, file("123", 0o100755));
  const link = mergeFiles(file("1", 0o120000), file("2", 0o120000), file("3", 0o120000), contents);
  assert.deepEqual(link.conflicts, ["a"]);
});
