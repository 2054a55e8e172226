import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { IgnoreFile } from "../../src/artifacts/commit_ignore.ts";
import { isIgnoredFile } from "../../src/artifacts/commit_ignored.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const decides = (text: string, path: string, isDirectory = false) =>
  new IgnoreFile(text).decides(path, isDirectory);

Deno.test("ignore rules: name, place, directory and negation", () => {
  assert.equal(decides("*.log", "d/x.log"), "ignored");
  assert.equal(decides("*.log\n!keep.log", "keep.log"), "wanted");
  assert.equal(decides("/x", "d/x"), undefined);
  assert.equal(decides("/x", "x"), "ignored");
  assert.equal(decides("d/x", "e/d/x"), undefined);
  assert.equal(decides("build/", "build"), undefined);
  assert.equal(decides("build/", "build", true), "ignored");
  assert.equal(decides("# x\n\\#x", "#x"), "ignored");
  assert.equal(decides("\\!x", "!x"), "ignored");
  assert.equal(decides("x ", "x"), "ignored");
  assert.equal(decides("x\\ ", "x "), "ignored");
  assert.equal(decides("x\r\n", "x"), "ignored");
  assert.equal(decides("\uFEFFx", "x"), "ignored");
  assert.equal(decides("a/**/b", "a/b"), "ignored");
  assert.equal(decides("a/**/b", "a/x/y/b"), "ignored");
  assert.equal(decides("**/b", "x/y/b"), "ignored");
  assert.equal(decides("a/**", "a"), undefined);
  assert.equal(decides("a/**", "a/x/y"), "ignored");
  assert.equal(decides("a**/b", "ab"), "ignored");
  assert.equal(decides("a**/b", "ax/y/b"), "ignored");
  assert.equal(decides("?a**/b", "xay/z/b"), undefined);
  assert.equal(decides("x/a**", "x/a"), "ignored");
  assert.equal(decides("x/a**", "x/ab/c"), "ignored");
  assert.equal(decides("[a-c]?.t[!x]t", "bz.txt"), undefined);
  assert.equal(decides("[a-c]?.t[!y]t", "bz.txt"), "ignored");
  assert.equal(decides("[[:digit:]]", "7"), "ignored");
  assert.equal(decides("[b-a]", "b"), "ignored");
  assert.equal(decides("[b-a]", "a"), undefined);
  assert.equal(decides("[", "["), undefined);
  assert.equal(decides("ä*", "äb"), "ignored");
});

Deno.test("ignore rules: no pattern takes long", () => {
  const pattern = `${"a*".repeat(200)}b`;
  assert.equal(decides(pattern, "a".repeat(255)), undefined);
  assert.equal(decides("**/".repeat(100) + "x", "a/".repeat(500) + "y"), undefined);
});

const piece = fc.constantFrom(
  "a",
  "b",
  "*",
  "**",
  "/",
  "/",
  "?",
  "[ab]",
  "[!a]",
  "[a-c]",
  "[b-a]",
  "\\a",
  ".",
  "***",
  "!",
  " ",
  "#",
  "[[:alpha:]]",
  "ä",
);
const pattern = fc.array(piece, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(""));
const path = fc.array(fc.constantFrom("a", "b", "ab", "a.b", "c", "!a", "ä", "#"), {
  minLength: 1,
  maxLength: 4,
}).map((parts) => parts.join("/"));

peerTest("ignore rules: decide as native git does", ["git"], async () => {
  await using place = await temporaryDirectory();
  const directory = place.path;
  const git = async (args: string[], input = "") => {
    const child = new Deno.Command("git", {
      args: ["-C", directory, ...args],
      env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { stdout } = await child.output();
    return new TextDecoder().decode(stdout);
  };
  await git(["init", "--quiet"]);
  // Many sets of rules, each in a directory of its own, for one start of git.
  const sets = fc.array(
    fc.record({
      rules: fc.array(pattern, { minLength: 1, maxLength: 4 }),
      nested: fc.array(pattern, { maxLength: 2 }),
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(sets, async (sets) => {
      for (const [i, { rules, nested }] of sets.entries()) {
        await Deno.mkdir(join(directory, `${i}`, "a"), { recursive: true });
        await Deno.writeTextFile(join(directory, `${i}`, ".gitignore"), rules.join("\n"));
        await Deno.writeTextFile(join(directory, `${i}`, "a", ".gitignore"), nested.join("\n"));
      }
      // In an index-less repository every path counts as a file that is not there; the one
      // directory that exists would be matched as one.
      const asked = sets.flatMap(({ paths }, i) =>
        paths.filter((path) => path !== "a").map((path) => `${i}/${path}`)
      );
      const args = ["check-ignore", "--no-index", "-z", "--stdin"];
      const theirs = new Set(
        (await git(args, asked.map((path) => `${path}\0`).join(""))).split("\0"),
      );
      for (const path of asked) {
        assert.equal(isIgnoredFile(directory, path), theirs.has(path), path);
      }
    }),
    { numRuns: 100 },
  );
});
