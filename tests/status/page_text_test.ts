import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { pageModule } from "../../scripts/status_page.ts";
import { statusPage } from "../../src/status/page.ts";

const { html, securityPolicy } = statusPage();
const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)![1]!;
const style = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!;

Deno.test("page text: is what the files in src/status/page say", async () => {
  const module = new URL("../../src/status/page_text.ts", import.meta.url);
  assert.equal(await Deno.readTextFile(module), await pageModule(), "run scripts/status_page.ts");
});

Deno.test("page text: its policy allows its own script and style by their hashes, and no other", () => {
  const sources = new Map(
    securityPolicy.split("; ").map((rule) => [rule.split(" ")[0], rule.split(" ").slice(1)]),
  );
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  assert.deepEqual(sources.get("default-src"), ["'none'"]);
  assert.deepEqual(sources.get("script-src"), [hash(script)]);
  assert.deepEqual(sources.get("style-src"), [hash(style)]);
  assert.deepEqual(sources.get("connect-src"), ["'self'"]);
  assert.deepEqual(sources.get("require-trusted-types-for"), ["'script'"]);
  assert.doesNotMatch(securityPolicy, /unsafe|\*|https?:/);
});

Deno.test("page text: needs nothing from elsewhere and has no handlers or styles in its markup", () => {
  const markup = html.replace(script, "").replace(style, "");
  assert.doesNotMatch(markup, /\son[a-z]+=|\sstyle=|javascript:/i);
  assert.doesNotMatch(markup, /(?:src|href)="(?:https?:)?\/\//);
  assert.doesNotMatch(style, /@import|url\(/);
  assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|\beval\b|document\.write/);
});

Deno.test("page text: has one script in which no name is declared twice", () => {
  assert.doesNotThrow(() => new Script(`"use strict";${script}`));
  assert.doesNotMatch(script, /^(?:import|export)\b/m);
});

Deno.test("page text: stays small enough to be sent on every look", () => {
  assert.ok(html.length < 80_000, `${html.length} characters`);
});
