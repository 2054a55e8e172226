import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { AgentError, type ErrorKind } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { MetadataClient } from "../../src/metadata/metadata_client.ts";
import { FakeClock } from "../fake_clock.ts";
import { canaryToken, clientOf, never, properties, serveMetadata } from "./metadata_server.ts";

const base = "/metadata/api/applications/app%201";

async function failure(work: Promise<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error));
    assert.ok(!error.message.includes(canaryToken), error.message);
    assert.ok(!error.message.includes("\n"), error.message);
    return error;
  }
  throw new Error("it did not fail");
}

Deno.test("metadata client: reads the properties of the application and of the cluster with the token", async () => {
  await using server = serveMetadata((request) =>
    request.url.includes("clusters") ? properties(["c", "1"]) : properties(["a", "x", "y"], ["b"])
  );
  const client = clientOf(server);
  assert.deepEqual([...await client.get("application", never)], [["a", ["x", "y"]], ["b", []]]);
  assert.deepEqual([...await client.get("cluster", never)], [["c", ["1"]]]);
  assert.deepEqual(server.seen.map(({ line }) => line), [
    `GET ${base}/properties`,
    `GET ${base}/clusters/php%2Fx/properties`,
  ]);
  assert.deepEqual(
    new Set(server.seen.map(({ authorization }) => authorization)),
    new Set([`Bearer ${canaryToken}`]),
  );
});

Deno.test("metadata client: writes one property as the service reads it", async () => {
  await using server = serveMetadata(() => new Response(null, { status: 201 }));
  const client = clientOf(server);
  await client.put("application", "k", ["v"], never);
  await client.put("cluster", 'ü"', ["1", "2"], never);
  assert.deepEqual(server.seen.map(({ line }) => line), [
    `POST ${base}/properties {"key":"k","values":["v"]}`,
    `POST ${base}/clusters/php%2Fx/properties {"key":"ü\\"","values":["1","2"]}`,
  ]);
  assert.equal(server.seen[0]?.contentType, "application/json");
});

Deno.test("metadata client: deletes one value, percent-encoded, below the path of the service's URL", async () => {
  await using server = serveMetadata(() => new Response());
  const client = clientOf({ url: `${server.url}//other.example/base/?q#f` });
  assert.equal(await client.delete("a/b ?#%", "ü&../x", never), true);
  assert.deepEqual(server.seen.map(({ line }) => line), [
    `DELETE //other.example/base${base}/properties/a%2Fb%20%3F%23%25/value/%C3%BC%26..%2Fx`,
  ]);
});

Deno.test("metadata client: sends no authorization without a token, and nothing for the cluster without an alias", async () => {
  await using server = serveMetadata(() => new Response(null, { status: 401 }));
  const client = new MetadataClient({
    url: server.url,
    applicationId: "a",
    tls: { verify: true, verifyName: true },
    clock: systemClock,
    random: () => 0,
  });
  const error = await failure(client.get("application", never));
  assert.match(error.message, /the launch parameters have no TOKEN \(401\)/);
  assert.equal(server.seen[0]?.authorization, null);
  const none = await failure(client.get("cluster", never));
  assert.equal(none.kind, "configuration");
  assert.match(none.message, /CARTRIDGE_ALIAS is not set/);
  assert.equal(server.seen.length, 1);
});

Deno.test("metadata client: takes 404 and an empty answer as none", async () => {
  for (
    const answer of [
      () => new Response("x", { status: 404 }),
      () => new Response(null, { status: 204 }),
      () => new Response(""),
    ]
  ) {
    await using server = serveMetadata(answer);
    assert.equal((await clientOf(server).get("application", never)).size, 0);
  }
  await using server = serveMetadata(() => new Response(null, { status: 404 }));
  assert.equal(await clientOf(server).delete("k", "v", never), false);
  assert.equal(server.seen.length, 1);
});

for (
  const [what, act, count] of [
    ["reads", "get", 3],
    ["writes", "put", 3],
    ["deletes", "delete", 3],
  ] as const
) {
  Deno.test(`metadata client: ${what} again after failures that may pass`, async () => {
    await using server = serveMetadata((_, count) => {
      if (count === 1) return new Response("busy", { status: 503 });
      if (count === 2) return new Response("slowly", { status: 429 });
      return Response.json({});
    });
    const client = clientOf(server);
    if (act === "get") await client.get("application", never);
    else if (act === "put") await client.put("application", "k", ["v"], never);
    else assert.equal(await client.delete("k", "v", never), true);
    assert.equal(server.seen.length, count);
    assert.equal(new Set(server.seen.map(({ line }) => line)).size, 1);
  });
}

Deno.test("metadata client: takes 404 to a repeated delete as done, for the first may have done it", async () => {
  await using server = serveMetadata((_, count) =>
    new Response(null, { status: count === 1 ? 502 : 404 })
  );
  assert.equal(await clientOf(server).delete("k", "v", never), true);
});

Deno.test("metadata client: gives up after its attempts with the last failure", async () => {
  await using server = serveMetadata(() => new Response("x", { status: 500 }));
  const error = await failure(clientOf(server).get("application", never));
  assert.equal(error.kind, "unavailable");
  assert.match(error.message, /^Cannot read from the metadata service at "http:.*status 500$/);
  assert.equal(server.seen.length, 3);
});

Deno.test("metadata client: waits longer after each failure, at random, and not at all when its signal fires", async () => {
  const clock = new FakeClock();
  await using server = serveMetadata(() => new Response(null, { status: 500 }));
  const ending = new AbortController();
  const client = clientOf(server, {
    clock,
    random: () => 0.5,
    limitMs: 600_000,
    retry: { firstMs: 1_000, maxMs: 3_000, attempts: 9 },
  });
  const work = client.get("application", ending.signal);
  for (const delayMs of [500, 1_000, 1_500, 1_500]) {
    await clock.untilNextIn(delayMs);
    await clock.advance(delayMs);
  }
  await clock.untilNextIn(1_500);
  ending.abort(new Error("stop"));
  await assert.rejects(work, /stop/);
  assert.equal(server.seen.length, 5);
});

for (
  const [status, kind, text] of [
    [400, "refused", /status 400/],
    [401, "refused", /does not accept the TOKEN/],
    [403, "refused", /forbids it/],
    [404, "refused", /no such place/],
  ] as const satisfies readonly (readonly [number, ErrorKind, RegExp])[]
) {
  Deno.test(`metadata client: does not repeat a write that is refused with ${status}`, async () => {
    await using server = serveMetadata(() => new Response(canaryToken, { status }));
    const error = await failure(clientOf(server).put("application", "k", ["v"], never));
    assert.equal(error.kind, kind);
    assert.match(error.message, text);
    assert.equal(server.seen.length, 1);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`metadata client: follows no redirect with ${status}, to another origin least of all`, async () => {
    await using other = serveMetadata(() => properties(["stolen", "x"]));
    await using server = serveMetadata(() =>
      new Response(null, { status, headers: { location: `${other.url}/${canaryToken}` } })
    );
    const error = await failure(clientOf(server).get("application", never));
    assert.equal(error.kind, "refused");
    assert.match(error.message, new RegExp(`redirects to ${other.url} `));
    assert.equal(other.seen.length, 0);
  });
}

for (
  const [what, body, text] of [
    ["an HTML page", "<html><body>Sign in</body></html>", /\(text\/html\).*no JSON/],
    ["damaged JSON", '{"properties":[', /no JSON/],
    ["a list", "[]", /no JSON object/],
    ["a property that is a text", '{"properties":["x"]}', /a property is no object/],
    ["a property without key", '{"properties":[{"values":["x"]}]}', /no key/],
    ["values that are objects", '{"properties":[{"key":"k","values":[{}]}]}', /neither a text/],
    ["deep nesting", `{"properties":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, /no object/],
    ["unfinished deep nesting", "[".repeat(500_000), /no JSON/],
  ] as const
) {
  Deno.test(`metadata client: refuses ${what} once and says what it is`, async () => {
    await using server = serveMetadata(() =>
      new Response(body, { headers: { "content-type": "text/html; charset=x" } })
    );
    const error = await failure(clientOf(server).get("application", never));
    assert.equal(error.kind, "input");
    assert.match(error.message, text);
    assert.equal(server.seen.length, 1);
  });
}

Deno.test("metadata client: refuses an answer that is not UTF-8", async () => {
  await using server = serveMetadata(() => new Response(new Uint8Array([123, 255, 125])));
  const error = await failure(clientOf(server).get("application", never));
  assert.match(error.message, /not UTF-8/);
});

Deno.test("metadata client: hides the token where the service repeats it", async () => {
  await using server = serveMetadata(() =>
    new Response("x", { headers: { "content-type": `${canaryToken}/x` } })
  );
  assert.match((await failure(clientOf(server).get("application", never))).message, /\*\*\*\/x/);
});

Deno.test("metadata client: refuses a token that no header can hold, without showing it", () => {
  for (const token of ["a canary\nx-header: 1", "canary ü", ""]) {
    assert.throws(() => clientOf({ url: "http://h" }, { token: new Secret(token) }), (error) => {
      assert.ok(error instanceof AgentError && error.kind === "configuration");
      assert.ok(!error.message.includes("canary"));
      return true;
    });
  }
});

Deno.test("metadata client: refuses what no path can name", async () => {
  const client = clientOf({ url: "http://127.0.0.1:1" });
  for (const text of ["", ".", "..", "\ud800"]) {
    for (const [key, value] of [[text, "v"], ["k", text]] as const) {
      assert.equal((await failure(client.delete(key, value, never))).kind, "usage");
    }
  }
  assert.equal((await failure(client.put("application", "k", [], never))).kind, "usage");
  assert.equal((await failure(client.put("application", "", ["v"], never))).kind, "usage");
});
