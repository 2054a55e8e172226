import assert from "node:assert/strict";
import fc from "fast-check";
import { linePattern } from "../../src/config/line_pattern.ts";

const accepted = [
  "^(TID:|\\[\\d{4}-)",
  "^\\d{4}-\\d{2}-\\d{2}[ T]",
  "^[A-Z][a-z]{2} +\\d+",
  "^\\S.*$",
  "ERROR|WARN",
  "^(a|b)?c",
  "^\\p{Lu}+",
];
const refused: readonly (readonly [string, RegExp])[] = [
  ["(a+)+$", /repeats a group/],
  ["(a|b)*", /repeats a group/],
  ["^(?:ab){2,5}", /repeats a group/],
  ["(a)\\1", /back reference/],
  ["(?<n>a)\\k<n>", /back reference/],
  ["^(?=a)", /looks around/],
  ["^(?<!a)b", /looks around/],
  [".*.*.*.*.*x", /too many repetitions/],
  ["(", /no regular expression/],
  ["^\\", /no regular expression/],
  ["a".repeat(201), /longer than 200/],
];

Deno.test("line pattern: takes what log formats need", () => {
  for (const text of accepted) assert.deepEqual(linePattern.parse(text), { value: text });
});

for (const [text, reason] of refused) {
  Deno.test(`line pattern: refuses ${text.slice(0, 20)}`, () => {
    const result = linePattern.parse(text);
    assert.ok("refused" in result, "it was accepted");
    assert.match(result.refused, reason);
  });
}

Deno.test("line pattern: never throws, and what it takes is a regular expression", () => {
  const piece = fc.constantFrom(..."()[]{}*+?|^$\\.a1,-:", "(?:", "(?=", "\\d", "{2,}", "ä");
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    const result = linePattern.parse(pieces.join(""));
    if ("value" in result) new RegExp(result.value, "u");
  }));
});
