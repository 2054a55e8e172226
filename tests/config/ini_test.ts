import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIni } from "../../src/config/ini.ts";

function agent(lines: string): Record<string, string> {
  const { sections, problems } = parseIni(`[agent]\n${lines}`);
  assert.deepEqual(problems, []);
  return Object.fromEntries(
    [...sections.get("agent") ?? []].map(([key, { value }]) => [key, value]),
  );
}

const readings: readonly (readonly [string, string, Record<string, string>])[] = [
  ["= separates", "a=1", { a: "1" }],
  [": separates", "a: 1", { a: "1" }],
  ["blanks around the separator go", "a \t =  1  ", { a: "1" }],
  ["the first separator counts", "a = b:c=d", { a: "b:c=d" }],
  ["a colon before = is the separator", "a:b=c", { a: "b=c" }],
  ["keys are in lower case", "Mb.IP = X", { "mb.ip": "X" }],
  ["# and ; begin comment lines", "# a = 1\n; b = 2\nc = 3", { c: "3" }],
  ["an indented comment is no continuation", "a = 1\n  # b\n  ; c\n  2", { a: "1\n2" }],
  ["rem begins a comment line", "rem a = 1\nREM\nremote = 2", { remote: "2" }],
  ["a blank and ; begin a comment", "a = 1 ; one\nb = 2\t;two", { a: "1", b: "2" }],
  ["; inside a word belongs to the value", "a = 1;2\nb=;c", { a: "1;2", b: ";c" }],
  ["a comment may follow ; inside a word", "a = 1;2 ; x", { a: "1;2" }],
  ["# belongs to the value", "a = 1 # 2#3", { a: "1 # 2#3" }],
  ["indented lines continue the value", "a = 1,\n  2,\n\t3", { a: "1,\n2,\n3" }],
  ["a continued value may begin on the next line", "a =\n  1", { a: "\n1" }],
  ["blank lines do not end a value", "a = 1\n\n  2", { a: "1\n2" }],
  ["a continuation may look like a key", "a = 1\n  b = 2", { a: "1\nb = 2" }],
  ["comments of continuations go", "a = 1\n  2 ; x", { a: "1\n2" }],
  ["%% is %", "a = 100%%\nb = %(a)s 5%", { a: "100%", b: "%(a)s 5%" }],
  ['"" is empty', 'a = ""\nb = "x"', { a: "", b: '"x"' }],
  ["empty values are values", "a =\nb:", { a: "", b: "" }],
  ["the last of repeated keys counts", "a = 1\n  2\nA = 3", { a: "3" }],
  ["carriage returns go", "a = 1\r\nb = 2\r\n  3\r\n", { a: "1", b: "2\n3" }],
  ["blanks inside keys stay", "a b = 1", { "a b": "1" }],
  ["keys named as members of objects are keys", "__proto__ = 1\nconstructor = 2", {
    ["__proto__"]: "1",
    constructor: "2",
  }],
];

for (const [rule, lines, expected] of readings) {
  Deno.test(`ini: ${rule}`, () => assert.deepEqual(agent(lines), expected));
}

Deno.test("ini: keeps sections apart, joins repeated ones and applies [DEFAULT] to all", () => {
  const { sections } = parseIni("[DEFAULT]\nx=0\ny=0\n[a]\nx=1\n[b] trailing\nx=2\n[a]\nz=3\n");
  const plain = [...sections].map(([name, entries]) => [
    name,
    [...entries].map(([key, { value }]) => `${key}=${value}`),
  ]);
  assert.deepEqual(plain, [
    ["DEFAULT", ["x=0", "y=0"]],
    ["a", ["x=1", "y=0", "z=3"]],
    ["b", ["x=2", "y=0"]],
  ]);
});

Deno.test("ini: keeps line numbers and the raw value", () => {
  const entry = parseIni("\uFEFF# x\n[s]\n\nk = 5%%\n  6\n").sections.get("s")?.get("k");
  assert.deepEqual(entry, { value: "5%\n6", raw: "5%%\n6", line: 4 });
});

Deno.test("ini: names the line, never its content, when it cannot be read", () => {
  const { problems } = parseIni("canary = 1\n[s]\n  canary\ncanary\n=canary\n[canary\nok = 1");
  assert.deepEqual(problems.map(({ line }) => line), [1, 3, 4, 5, 6]);
  assert.equal(JSON.stringify(problems).includes("canary"), false);
});

Deno.test("ini: says which keys stand twice", () => {
  const { repeated } = parseIni("[s]\na=1\nb=1\nA=2\n[t]\na=1");
  assert.deepEqual(repeated, [{ section: "s", key: "a", line: 4, earlierLine: 2 }]);
});

Deno.test("ini: reads back what was written when keys and values are ordinary", () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9._]{0,20}$/).filter((key) => key !== "rem");
  const value = fc.stringMatching(/^[A-Za-z0-9][!-$&-:<-~]{0,30}$/);
  fc.assert(fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (entries) => {
    const lines = Object.entries(entries).map(([k, v]) => `${k.toUpperCase()} = ${v}`);
    assert.deepEqual(agent(lines.join("\n")), entries);
  }));
});

Deno.test("ini: never throws, whatever the text", () => {
  const pieces = fc.constantFrom(
    "[",
    "]",
    "=",
    ":",
    " ",
    "\n",
    ";",
    "#",
    "%",
    '"',
    "a",
    "\r",
    "\t",
  );
  const text = fc.oneof(fc.string(), fc.array(pieces).map((parts) => parts.join("")));
  fc.assert(
    fc.property(text, (source) => {
      const { sections, problems } = parseIni(source);
      const lines = source.split("\n").length;
      assert.ok(problems.every(({ line }) => line >= 1 && line <= lines));
      assert.ok([...sections.values()].every((entries) => entries.size <= lines));
    }),
    { numRuns: 500 },
  );
});

Deno.test("ini: takes no longer than a moment when a file is large and odd", () => {
  for (const line of ["[a", "k" + " ".repeat(200), "a=" + " ;".repeat(100), " x", "a = %%%%"]) {
    const text = "[s]\nq = 1\n" + `${line}\n`.repeat(Math.ceil(1_000_000 / line.length));
    const started = performance.now();
    parseIni(text);
    assert.ok(performance.now() - started < 3000, line.slice(0, 10));
  }
});
