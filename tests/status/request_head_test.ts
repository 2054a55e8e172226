import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRequestHead } from "../../src/status/request_head.ts";

function parse(...lines: string[]) {
  return parseRequestHead(lines.join("\r\n"));
}

Deno.test("request head: is read with target, headers and whether the connection goes on", () => {
  const head = parse("GET /status.json?x=1 HTTP/1.1", "Host: localhost:1", "X-A:  b ");
  assert.equal(head?.method, "GET");
  assert.equal(head?.target, "/status.json?x=1");
  assert.equal(head?.headers.get("x-a"), "b");
  assert.equal(head?.keepsAlive, true);
  assert.equal(head?.hasBody, false);
  assert.equal(parse("GET / HTTP/1.1", "Host: h", "Connection: x, Close")?.keepsAlive, false);
  assert.equal(parse("GET / HTTP/1.0")?.keepsAlive, false);
});

Deno.test("request head: a body that is announced ends the connection after the answer", () => {
  for (const header of ["Content-Length: 1", "Transfer-Encoding: chunked"]) {
    const head = parse("POST / HTTP/1.1", "Host: h", header);
    assert.equal(head?.hasBody, true);
    assert.equal(head?.keepsAlive, false);
  }
  assert.equal(parse("GET / HTTP/1.1", "Host: h", "Content-Length: 0")?.hasBody, false);
});

const refused: readonly (readonly [string, readonly string[]])[] = [
  ["no request line", [""]],
  ["no version", ["GET /"]],
  ["another version", ["GET / HTTP/2.0", "Host: h"]],
  ["an absolute target", ["GET http://h/ HTTP/1.1", "Host: h"]],
  ["a blank in the target", ["GET /a b HTTP/1.1", "Host: h"]],
  ["lower case", ["get / HTTP/1.1", "Host: h"]],
  ["no host", ["GET / HTTP/1.1"]],
  ["two hosts", ["GET / HTTP/1.1", "Host: localhost", "Host: evil"]],
  ["a folded line", ["GET / HTTP/1.1", "Host: h", " more"]],
  ["a blank before the colon", ["GET / HTTP/1.1", "Host : h"]],
  ["a line feed alone", ["GET / HTTP/1.1", "Host: h\nX: y"]],
  ["a zero byte", ["GET / HTTP/1.1", "Host: h\0"]],
  ["too many headers", ["GET / HTTP/1.1", "Host: h", ...Array(64).fill("X: y")]],
];
for (const [what, lines] of refused) {
  Deno.test(`request head: is refused with ${what}`, () => {
    assert.equal(parse(...lines), undefined);
  });
}

Deno.test("request head: whatever comes is read or refused, never thrown", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    parseRequestHead(text);
    parseRequestHead(`GET / HTTP/1.1\r\nHost: h\r\n${text}`);
  }));
});
