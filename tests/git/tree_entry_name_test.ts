import assert from "node:assert/strict";
import fc from "fast-check";
import { refusedNameReason } from "../../src/git/tree_entry_name.ts";

const reason = (name: string) => refusedNameReason(new TextEncoder().encode(name));

Deno.test("refusedNameReason: refuses .git in every spelling that a file system folds", () => {
  const spellings = [
    ".git",
    ".GIT",
    ".Git",
    ".git.",
    ".git ",
    ".git. . ..",
    ".git:",
    ".git::$INDEX_ALLOCATION",
    ".GIT:stream",
    ".git ...:x",
    "git~1",
    "GIT~1",
    "git~12",
    "git~1.",
    "git~1::$DATA",
    ".g\u200cit",
    ".gi\ufefft",
    "\u202e.git",
    ".git\u200d",
    ".g\u00adit",
    "g\u200bit~1",
    "．ｇｉｔ",
  ];
  for (const name of spellings) assert.match(reason(name) ?? "", /\.git/, JSON.stringify(name));
});

Deno.test("refusedNameReason: refuses what leads elsewhere or cannot be written as it is", () => {
  const names = ["", ".", "..", "a/b", "/etc", "a\\b", "\\", "a\nb", "a\x7f", "\x01", "a\u0085b"];
  for (const name of [...names, "x".repeat(256), ".cartridge-agent"]) {
    assert.notEqual(reason(name), undefined, JSON.stringify(name));
  }
  assert.match(refusedNameReason(Uint8Array.of(0x61, 0xff)) ?? "", /not UTF-8/);
});

Deno.test("refusedNameReason: lets ordinary names pass", () => {
  const names = [
    "index.html",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    ".github",
    "git",
    "git~",
    "git~x",
    "a git",
    "...",
    "..a",
    "Foo::Bar.3pm",
    "ä ö ü",
    "🚀",
    "-rf",
    "x".repeat(255),
    "CON",
  ];
  for (const name of names) assert.equal(reason(name), undefined, name);
});

Deno.test("refusedNameReason: lets nothing pass that is a .git once folded", () => {
  const ignorable = fc.constantFrom("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "");
  const tail = fc.constantFrom("", " ", ".", ". .", ":x", "::$DATA");
  const letter = (lower: string) => fc.constantFrom(lower, lower.toUpperCase());
  const parts = fc.tuple(
    ignorable,
    fc.constant("."),
    ignorable,
    letter("g"),
    ignorable,
    letter("i"),
    letter("t"),
    ignorable,
    tail,
  );
  fc.assert(fc.property(parts, (parts) => reason(parts.join("")) !== undefined));
});
