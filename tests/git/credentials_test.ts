import assert from "node:assert/strict";
import fc from "fast-check";
import { isAllowedHost, portOf } from "../../src/artifacts/allowed_host.ts";
import {
  basicAuthorization,
  mergeCredentials,
  parseRepositoryUrl,
} from "../../src/git/credentials.ts";
import { Secret } from "../../src/base/secret.ts";

function merged(text: string, username: string, password?: string) {
  const parsed = parseRepositoryUrl(text);
  assert.equal(parsed.kind, "url", text);
  if (parsed.kind !== "url") throw new Error(text);
  const secret = password === undefined ? undefined : new Secret(password);
  const { url, credentials } = mergeCredentials(parsed, { username, password: secret });
  return [url, credentials?.username, credentials?.password.open()];
}

Deno.test("mergeCredentials: lets the URL win, user name and password each for itself", () => {
  const clean = "https://git.example/a/b.git";
  assert.deepEqual(merged("https://git.example/a/b.git", "u", "p"), [clean, "u", "p"]);
  assert.deepEqual(merged("https://x@git.example/a/b.git", "u", "p"), [clean, "x", "p"]);
  assert.deepEqual(merged("https://x:y@git.example/a/b.git", "u", "p"), [clean, "x", "y"]);
  assert.deepEqual(merged("https://:y@git.example/a/b.git", "u", "p"), [clean, "u", "y"]);
  assert.deepEqual(merged("https://x@git.example/a/b.git", ""), [clean, "x", ""]);
  assert.deepEqual(merged("https://git.example/a/b.git", "", "token"), [clean, "", "token"]);
  assert.deepEqual(merged("https://git.example/a/b.git", ""), [clean, undefined, undefined]);
});

Deno.test("parseRepositoryUrl: decodes user information and takes it out of the URL", () => {
  assert.deepEqual(merged("http://us%40er:p%2Fa%3Ass%C3%A4@h:3000/r.git/#x", ""), [
    "http://h:3000/r.git",
    "us@er",
    "p/a:ssä",
  ]);
  assert.deepEqual(merged("http://u:100%@h/r", "")[2], "100%");
});

Deno.test("parseRepositoryUrl: refuses everything but http and https, without showing secrets", () => {
  const refused = [
    "git@github.com:a/b.git",
    "ssh://user:s3cret@host/a.git",
    "file:///etc/passwd",
    "ext::sh -c s3cret",
    "git://host/a.git",
    "ftp://user:s3cret@host/a",
    "https://host/a.git?token=s3cret",
    "https://u:s3cret@*.example.org/a.git",
    "https://%2A.example.org/s3cret.git",
    "https://*/s3cret.git",
    "s3cret",
    "",
  ];
  for (const text of refused) {
    const parsed = parseRepositoryUrl(text);
    assert.equal(parsed.kind, "refused", text);
    assert(!JSON.stringify(parsed).includes("s3cret"), text);
  }
});

Deno.test("parseRepositoryUrl: never shows a password however it is printed", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), (password) => {
      const parsed = parseRepositoryUrl(`https://u:${encodeURIComponent("§" + password)}@h/r`);
      assert(!Deno.inspect(parsed).includes("§"));
      assert(!JSON.stringify(parsed).includes("§"));
    }),
  );
});

Deno.test("basicAuthorization: encodes as UTF-8", () => {
  const header = basicAuthorization({ username: "u", password: new Secret("pä") });
  assert.equal(header.open(), `Basic ${new TextEncoder().encode("u:pä").toBase64()}`);
  assert.equal(String(header), "***");
});

Deno.test("isAllowedHost: compares host, port and domain", () => {
  const allowed = (url: string, ...entries: string[]) => isAllowedHost(new URL(url), entries);
  assert(allowed("https://git.example/r", "git.example"));
  assert(allowed("https://GIT.example./r", "git.EXAMPLE"));
  assert(!allowed("http://git.example:3000/r", "git.example"));
  const announced = (url: string) =>
    isAllowedHost(new URL(url), ["git.example"], "http://git.example:3000/x");
  assert(announced("http://git.example:3000/r") && announced("https://git.example/r"));
  assert(!announced("http://git.example:3001/r") && !announced("http://other:3000/r"));
  assert(allowed("http://git.example:3000/r", "other", "git.example:3000"));
  assert(!allowed("http://git.example:3001/r", "git.example:3000"));
  assert(allowed("https://git.example/r", "git.example:443"));
  assert(!allowed("http://git.example/r", "git.example:443"));
  assert(allowed("https://a.b.example/r", "*.example"));
  assert(!allowed("https://example/r", "*.example"));
  assert(!allowed("https://evilexample/r", "*.example"));
  assert(!allowed("https://git.example.evil/r", "git.example", "*.example"));
  assert(allowed("https://[::1]/r", "[::1]"));
  assert(!allowed("https://*.example/r", "*.example", "*.example:443"));
  assert(!allowed("https://git.example/r"));
  assert(!allowed("https://git.example/r", "", "*", "https://git.example", "*."));
  assert(!allowed("https://git.example@evil/r", "git.example"));
});

Deno.test("isAllowedHost: lets nobody turn https into http, where passwords travel in the clear", () => {
  const cases: [entry: string, repoUrl: string | undefined, yes: string[], no: string[]][] = [
    ["h.org", undefined, ["https://h.org"], [
      "http://h.org",
      "http://h.org:443",
      "https://h.org:80",
      "https://h.org:3000",
    ]],
    ["h.org", "https://h.org/r", ["https://h.org"], ["http://h.org", "http://h.org:443"]],
    ["h.org", "https://h.org:8443/r", ["https://h.org", "https://h.org:8443"], [
      "http://h.org:8443",
      "http://h.org",
      "https://h.org:3000",
    ]],
    ["h.org", "http://h.org/r", ["https://h.org", "http://h.org"], [
      "https://h.org:80",
      "http://h.org:443",
      "http://h.org:8080",
    ]],
    ["h.org", "http://h.org.:3000/r", ["https://h.org", "http://h.org:3000"], [
      "http://h.org",
      "https://h.org:3000",
    ]],
    ["h.org", "http://other.org/r", ["https://h.org"], ["http://h.org", "http://other.org"]],
    ["*.org", "http://h.org:3000/r", ["https://x.org", "http://h.org:3000"], ["http://x.org:3000"]],
    ["h.org:3000", "https://h.org/r", ["http://h.org:3000", "https://h.org:3000"], [
      "https://h.org",
      "http://h.org",
    ]],
    // What REPO_URL gives when nothing is configured.
    ["h.org:8443", "https://h.org:8443/r", ["https://h.org:8443"], [
      "http://h.org:8443",
      "https://h.org",
    ]],
    ["h.org:3000", "http://h.org:3000/r", ["http://h.org:3000"], ["https://h.org"]],
    ["h.org:80", "https://h.org/r", ["http://h.org"], ["https://h.org:80", "https://h.org"]],
    ["h.org:443", undefined, ["https://h.org"], ["http://h.org:443", "http://h.org"]],
    ["h.org:443", "http://h.org:443/r", ["http://h.org:443"], ["http://h.org"]],
  ];
  for (const [entry, repoUrl, yes, no] of cases) {
    for (const url of [...yes, ...no]) {
      const isAllowed = isAllowedHost(new URL(url), [entry], repoUrl);
      assert.equal(isAllowed, yes.includes(url), `${url} with ${entry} and ${repoUrl}`);
    }
  }
});

Deno.test("portOf: is the scheme's own when the URL names none", () => {
  const ports = ["https://h", "http://h", "http://h:8080"].map((url) => portOf(new URL(url)));
  assert.deepEqual(ports, [443, 80, 8080]);
});
