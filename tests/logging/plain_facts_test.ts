import assert from "node:assert/strict";
import fc from "fast-check";
import { cannot } from "../../src/base/errors.ts";
import { Redactor } from "../../src/base/redactor.ts";
import { Secret } from "../../src/base/secret.ts";
import { plainFacts } from "../../src/logging/plain_facts.ts";
import { redactedText } from "../../src/logging/visible_text.ts";

const asIs = (text: string) => text;

function redacting(...secrets: string[]): (text: string) => string {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(new Secret(secret));
  return (text) => redactor.redact(text);
}

Deno.test("facts: stay as they are when they are plain", () => {
  const facts = { text: "a", n: 1.5, yes: true, none: null, list: [1, { deep: "x" }] };
  assert.deepEqual(plainFacts(facts, asIs), facts);
});

Deno.test("facts: become readable when they are not plain", () => {
  const cycle: Record<string, unknown> = { name: "c" };
  cycle["self"] = cycle;
  const facts = {
    date: new Date(0),
    url: new URL("http://h/p"),
    secret: new Secret("never shown"),
    big: 10n,
    nan: NaN,
    map: new Map([["k", new Set([1])]]),
    bytes: new Uint8Array(5),
    cycle,
    fn: () => 1,
    symbol: Symbol("s"),
    absent: undefined,
    get broken(): string {
      throw new Error("no");
    },
    ["__proto__"]: "own",
  };
  const plain = plainFacts(facts, asIs);
  assert.deepEqual(JSON.parse(JSON.stringify(plain)), {
    date: "1970-01-01T00:00:00.000Z",
    url: "http://h/p",
    secret: "***",
    big: "10",
    nan: "NaN",
    map: { k: [1] },
    bytes: "(5 bytes)",
    cycle: { name: "c", self: "(cycle)" },
    fn: "(function)",
    symbol: "(symbol)",
    broken: "(unreadable)",
    ["__proto__"]: "own",
  });
});

Deno.test("facts: show an error with its stack, cause and fields", () => {
  const cause = new TypeError("inner");
  const error = cannot("do", "it", "because", { kind: "refused", data: { n: 1 }, cause });
  const { error: shown } = plainFacts({ error }, asIs) as Record<string, Record<string, unknown>>;
  assert.equal(shown?.["message"], 'Cannot do "it": because');
  assert.match(String(shown?.["stack"]), /plain_facts_test/);
  assert.deepEqual(shown?.["data"], { n: 1 });
  assert.equal((shown?.["cause"] as Record<string, unknown>)["message"], "inner");
});

Deno.test("facts: are without secrets in texts, names, numbers, errors and what toJSON gives", () => {
  const redact = redacting("s3cr3t", "123456");
  const error = new Error("with s3cr3t", { cause: "s3cr3t" });
  Object.assign(error, { extra: { deep: "s3cr3t" } });
  const plain = plainFacts({
    s3cr3t: 1,
    text: "a s3cr3t b",
    number: 123456,
    big: 123456n,
    error,
    url: new URL("http://u:other@h/"),
    nested: [{ a: { b: new Map([["s3cr3t", "s3cr3t"]]) } }],
  }, redact);
  const text = JSON.stringify(plain);
  assert.doesNotMatch(text, /s3cr3t|123456|other/);
  assert.match(text, /\*\*\*/);
});

Deno.test("facts: end when there are too many, too deep or too long", () => {
  let deep: unknown = "bottom";
  for (let level = 0; level < 50; level++) deep = { deep };
  const plain = plainFacts({
    deep,
    many: Array.from({ length: 100_000 }, (_, index) => index),
    long: Array.from({ length: 1_000 }, () => "x".repeat(10_000)),
  }, asIs);
  const text = JSON.stringify(plain);
  assert.match(text, /too deep/);
  assert.match(text, /\(more\)/);
  assert.ok(text.length < 300_000, `${text.length}`);
});

Deno.test("facts: never make a log line fail", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.anything()), (facts) => {
    assert.ok(JSON.stringify(plainFacts(facts, redacting("abc"))).startsWith("{"));
  }));
});

Deno.test("long text: is cut where no part of a secret stays in view", () => {
  const secret = "0123456789abcdefghij";
  const redact = redacting(secret);
  // Secrets before the cut shrink and would pull a half one at the far end into view.
  for (const offset of [0, 7, 13]) {
    const text = "x".repeat(offset) + `${secret}-`.repeat(10_000);
    const shown = redactedText(text, redact);
    assert.ok(shown.length < 33_000);
    assert.match(shown, /characters in all\)$/);
    assert.doesNotMatch(shown, /0123|ghij/);
  }
  assert.equal(redactedText("short", redact), "short");
});
