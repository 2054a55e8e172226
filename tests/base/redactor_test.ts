import assert from "node:assert/strict";
import fc from "fast-check";
import { Redactor } from "../../src/base/redactor.ts";
import { Secret } from "../../src/base/secret.ts";

Deno.test("redactor: hides a secret as it is, percent-encoded, in base64 and as JSON writes it", () => {
  const redactor = new Redactor();
  const value = 'p@ss "word"/ü';
  redactor.add(new Secret(value));
  const spellings = [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    new TextEncoder().encode(value).toBase64(),
  ];
  for (const spelling of spellings) {
    assert.equal(redactor.redact(`before ${spelling} after`), "before *** after");
  }
});

Deno.test("redactor: leaves no known secret in any text", () => {
  const secret = fc.string({ minLength: 3, maxLength: 20 }).filter((value) =>
    !"***".includes(value)
  );
  fc.assert(fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
    const redactor = new Redactor();
    redactor.add(new Secret(value));
    const shown = redactor.redact(before + value + after);
    assert.ok(shown.includes("***"));
    assert.ok(!shown.replaceAll("***", "\u0000").includes(value));
  }));
});

Deno.test("redactor: hides the longer of two secrets when one is part of the other", () => {
  const redactor = new Redactor();
  redactor.add(new Secret("abc"));
  redactor.add(new Secret("abcdef"));
  assert.equal(redactor.redact("abcdef abc"), "*** ***");
});

Deno.test("redactor: hides credentials in URLs and authorization headers that nobody added", () => {
  const redactor = new Redactor();
  assert.equal(
    redactor.redact("clone of https://user:p@ss@host/r.git failed"),
    "clone of https://***@host/r.git failed",
  );
  assert.equal(
    redactor.redact("sent Authorization: Basic dXNlcjpwYXNz"),
    "sent Authorization: Basic ***",
  );
  assert.equal(redactor.redact("mail to a@b.example"), "mail to a@b.example");
});

Deno.test("redactor: forgets a secret when everybody who added it did", () => {
  const redactor = new Redactor();
  const forgetOne = redactor.add(new Secret("canary"));
  const forgetTwo = redactor.add(new Secret("canary"));
  forgetOne();
  forgetOne();
  assert.equal(redactor.redact("canary"), "***");
  forgetTwo();
  assert.equal(redactor.redact("canary"), "canary");
});

Deno.test("redactor: ignores values that are too short to be told from other text", () => {
  const redactor = new Redactor();
  redactor.add(new Secret(""));
  redactor.add(new Secret("ab"));
  assert.equal(redactor.redact("about"), "about");
});

Deno.test("secret: shows itself in no way of printing but open", () => {
  const secret = new Secret("canary");
  const shown = [`${secret}`, String(secret), JSON.stringify({ secret }), Deno.inspect({ secret })];
  for (const text of shown) assert.ok(!text.includes("canary"), text);
  assert.equal(secret.open(), "canary");
});
