import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { AgentError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { decryptRepoPassword } from "../../src/artifacts/repo_password.ts";

interface Vector {
  readonly plain: string;
  readonly key: string;
  readonly cipher: string;
  readonly note: string;
}

const vectors: Vector[] = Deno.readTextFileSync(
  new URL("../fixtures/vectors/repo-password.jsonl", import.meta.url),
).trim().split("\n").map((line) => JSON.parse(line));

const key = "tvnw63ufg9gh5111";

Deno.test("decryptRepoPassword: decrypts what the platform encrypts", () => {
  assert(vectors.length > 20);
  for (const { plain, key, cipher, note } of vectors) {
    const password = decryptRepoPassword(cipher, new Secret(key));
    // The platform sends nothing when the key has a length that AES does not know.
    assert.equal(password?.open(), cipher === "" ? undefined : plain, note);
  }
});

Deno.test("decryptRepoPassword: gives back any text, outer blanks and controls too", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom(16, 24, 32), (plain, length) => {
      const long = key.repeat(2).slice(0, length);
      const cipher = createCipheriv(`aes-${length * 8}-ecb`, long, null);
      const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]).toString("base64");
      assert.equal(decryptRepoPassword(encrypted, new Secret(long))?.open(), plain);
    }),
  );
});

Deno.test("decryptRepoPassword: says what is wrong without the secret when it cannot decrypt", () => {
  const good = vectors.find(({ plain }) => plain === "admin")?.cipher ?? "";
  const cases: [string, string | undefined, RegExp][] = [
    [good, undefined, /there is no CARTRIDGE_KEY/],
    [good, "short", /5 bytes, not 16, 24 or 32/],
    [good, "0123456789abcdef", /does not fit it/],
    ["%%%", key, /not base64/],
    ["YWJj", key, /3 bytes, not a multiple of 16/],
    [good.replace("p", "q"), key, /does not fit it/],
  ];
  for (const [encrypted, key, expected] of cases) {
    const secret = key === undefined ? undefined : new Secret(key);
    assert.throws(() => decryptRepoPassword(encrypted, secret), (error) => {
      assert(error instanceof AgentError);
      assert.equal(error.kind, "input");
      assert.match(error.message, expected);
      const shown = Deno.inspect(error);
      assert(!shown.includes(encrypted) && (!key || !shown.includes(key)));
      return true;
    });
  }
});

Deno.test("decryptRepoPassword: takes a plain text that is not UTF-8 for a wrong key", () => {
  const cipher = createCipheriv("aes-128-ecb", key, null);
  const encrypted = Buffer.concat([cipher.update(Uint8Array.of(0xff, 0xfe)), cipher.final()]);
  assert.throws(
    () => decryptRepoPassword(encrypted.toString("base64"), new Secret(key)),
    /does not fit it/,
  );
});
