import assert from "node:assert/strict";
import { contentNames } from "../../scripts/chunk_names.ts";

/** A bundle whose shared parts the bundler called by these names. */
function bundle(first: string, second: string, third: string): Map<string, string> {
  return new Map([
    ["main.js", `import"./${first}";`],
    [first, `import{a}from"./${second}";export{a};`],
    [second, `import{a}from"./${third}";export{a};`],
    [third, `export const a=1,text="/other-AAAAAAAA.js";`],
  ]);
}

const names = (texts: Map<string, string>) => [...contentNames(texts).values()];

Deno.test("names of shared parts: are the same whatever the bundler called them", () => {
  const one = names(bundle("chunk-AAAAAAA1.js", "chunk-AAAAAAA2.js", "run-AAAAAAA3.js"));
  const other = names(bundle("chunk-BBBBBBB3.js", "chunk-BBBBBBB1.js", "run-BBBBBBB2.js"));
  assert.deepEqual(one, other);
  assert.equal(new Set(one).size, 3);
  for (const name of one) assert.match(name, /^(chunk|run)-[0-9a-f]{16}\.js$/);
});

Deno.test("names of shared parts: differ with the content, and leave entries alone", () => {
  const texts = bundle("chunk-AAAAAAA1.js", "chunk-AAAAAAA2.js", "run-AAAAAAA3.js");
  const before = contentNames(texts);
  texts.set("run-AAAAAAA3.js", "export const a=2;");
  const after = contentNames(texts);
  assert.notEqual(after.get("run-AAAAAAA3.js"), before.get("run-AAAAAAA3.js"));
  assert.ok(!after.has("main.js"));
});

Deno.test("names of shared parts: tell parts apart that differ only in what they name", () => {
  const texts = new Map([
    ["chunk-AAAAAAA1.js", `import"./chunk-AAAAAAA3.js";`],
    ["chunk-AAAAAAA2.js", `import"./chunk-AAAAAAA4.js";`],
    ["chunk-AAAAAAA3.js", "1"],
    ["chunk-AAAAAAA4.js", "2"],
  ]);
  assert.equal(new Set(names(texts)).size, 4);
});

Deno.test("names of shared parts: are refused to two that are the same", () => {
  const texts = new Map([["chunk-AAAAAAA1.js", "1"], ["chunk-AAAAAAA2.js", "1"]]);
  assert.throws(() => contentNames(texts), /the same/);
});
