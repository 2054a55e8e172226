import assert from "node:assert/strict";
import { Secret } from "../../src/base/secret.ts";
import { isLoopback, refusalOf } from "../../src/status/access.ts";

const listen = { host: "127.0.0.1", port: 9463 };
const token = new Secret("0123456789abcdef");

function ask(url: string, authorization?: string): Request {
  return new Request(url, authorization === undefined ? {} : { headers: { authorization } });
}

Deno.test("access: on a loopback address any name of one will do", () => {
  for (const host of ["127.0.0.1:9463", "localhost", "LOCALHOST:1", "[::1]:9463", "127.9.9.9"]) {
    assert.equal(refusalOf(ask(`http://${host}/`), { listen }), undefined, host);
  }
});

Deno.test("access: a name that was made to lead to a loopback address is misdirected", () => {
  for (const host of ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io"]) {
    assert.equal(refusalOf(ask(`http://${host}/`), { listen }), "misdirected", host);
    const withToken = ask(`http://${host}/`, `Bearer ${token.open()}`);
    assert.equal(refusalOf(withToken, { listen, token }), "misdirected", host);
  }
});

Deno.test("access: with a token only whoever has it gets an answer", () => {
  const rules = { listen: { host: "0.0.0.0", port: 1 }, token };
  const of = (authorization?: string) =>
    refusalOf(ask("http://agent.example/", authorization), rules);
  assert.equal(of(`Bearer ${token.open()}`), undefined);
  assert.equal(of(`bearer  ${token.open()}`), undefined);
  for (
    const wrong of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token.open()}`,
      token.open(),
      "Bearer 0123456789abcdeF",
      `Bearer ${token.open()}0`,
      `Bearer ${token.open().slice(1)}`,
    ]
  ) {
    assert.equal(of(wrong), "unauthorized", wrong ?? "no token");
  }
});

Deno.test("access: what is a loopback address", () => {
  for (const host of ["localhost", "127.0.0.1", "127.255.0.3", "::1"]) assert.ok(isLoopback(host));
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example", "127.evil"]) {
    assert.ok(!isLoopback(host), host);
  }
});
