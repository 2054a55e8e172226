import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEvent } from "../../src/events/decode.ts";
import { readVectors } from "../vectors.ts";

const files = [
  "topology",
  "tenant",
  "instance-notifier",
  "application-signup",
  "domain-mapping",
  "sequence-single-member",
];
/** Payloads of these say nothing when they are empty. */
const withContent = new Set([
  "topology/CompleteTopologyEvent",
  "topology/ClusterCreatedEvent",
  "topology/ClusterInstanceCreatedEvent",
  "tenant/CompleteTenantEvent",
  "tenant/TenantCreatedEvent",
]);

function decode(topic: string, payload: string | Uint8Array) {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return decodeEvent(topic, bytes);
}

for (const file of files) {
  Deno.test(`decode: reads every golden message of ${file} as what it is`, () => {
    const vectors = readVectors(file);
    assert.ok(vectors.length > 0);
    for (const { topic, payload, note } of vectors) {
      const expected = withContent.has(topic) && payload === "{}" ? "ignored" : "event";
      assert.equal(decode(topic, payload).kind, expected, `${topic} ${note}`);
    }
  });
}

Deno.test("decode: gives the fields of ArtifactUpdatedEvent with the platform's escapes resolved", () => {
  const vector = readVectors("instance-notifier").find(({ note }) =>
    note.startsWith("private repo")
  )!;
  assert.deepEqual(decode(vector.topic, vector.payload), {
    kind: "event",
    event: {
      kind: "artifactUpdated",
      clusterId: "single-cartridge-app.my-php.php.domain",
      tenantId: "-1234",
      repoUrl: "https://bitbucket.org/example-user/opentestrepo1.git",
      repoUsername: "example-user",
      repoPassword: "JgOJL2sEm3Vd2g84CAZ+7Ri4ObhPkEvUuaA+2EUJFvE=",
      status: "",
    },
  });
});

Deno.test("decode: keeps what a member event says beyond its ids", () => {
  const vector = readVectors("topology").find(({ topic, note }) =>
    topic.endsWith("MemberInitializedEvent") && note.startsWith("full")
  )!;
  const decoded = decode(vector.topic, vector.payload);
  assert.ok(decoded.kind === "event" && decoded.event.kind === "memberInitialized");
  assert.equal(decoded.event.details.defaultPrivateIP, JSON.parse(vector.payload).defaultPrivateIP);
  assert.deepEqual(decoded.event.details.properties, JSON.parse(vector.payload).properties);
});

for (
  const [name, topic, payload, reason] of [
    ["text that is no JSON", "topology/MemberStartedEvent", "{", /JSON/],
    ["a list", "topology/MemberStartedEvent", "[]", /payload must be an object, not a list/],
    ["a wrong type", "topology/MemberStartedEvent", '{"memberId":7}', /memberId must be a string/],
    [
      "a service map that is a list",
      "topology/CompleteTopologyEvent",
      '{"topology":{"serviceMap":[]}}',
      /serviceMap must be an object/,
    ],
    [
      "a state stack of numbers",
      "topology/CompleteTopologyEvent",
      '{"topology":{"serviceMap":{"s":{"clusterIdClusterMap":{"c":{"memberMap":{"m":' +
      '{"memberStateManager":{"stateStack":[1]}}}}}}}}}',
      /stateStack of member m must hold strings/,
    ],
    ["a tenant without id", "tenant/CompleteTenantEvent", '{"tenants":[{}]}', /tenantId/],
  ] as const
) {
  Deno.test(`decode: calls ${name} malformed and says why`, () => {
    const decoded = decode(topic, payload);
    assert.ok(decoded.kind === "malformed", JSON.stringify(decoded));
    assert.match(decoded.reason, reason);
  });
}

Deno.test("decode: refuses bytes that are not UTF-8", () => {
  const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]);
  const decoded = decode("topology/MemberStartedEvent", bytes);
  assert.deepEqual(decoded, { kind: "malformed", reason: "it is not valid UTF-8" });
});

Deno.test("decode: refuses what nests too deep, brackets inside texts not counted", () => {
  const deep = `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
  const decoded = decode("topology/MemberStartedEvent", deep);
  assert.deepEqual(decoded, { kind: "malformed", reason: "it nests deeper than 100 levels" });
  const text = JSON.stringify({ memberId: '["{'.repeat(500) });
  assert.equal(decode("topology/MemberStartedEvent", text).kind, "event");
});

Deno.test("decode: refuses an event about one thing that is too large to wait in a lane", () => {
  const large = JSON.stringify({ memberId: "m".repeat(70_000) });
  const decoded = decode("topology/MemberStartedEvent", large);
  assert.ok(decoded.kind === "malformed");
  assert.match(decoded.reason, /70\d+ bytes are more than 65536/);
  const tenants = { tenants: [{ tenantId: 1, tenantDomain: "d".repeat(70_000) }] };
  assert.equal(decode("tenant/CompleteTenantEvent", JSON.stringify(tenants)).kind, "event");
});

Deno.test("decode: passes an empty payload over", () => {
  assert.deepEqual(decode("topology/MemberStartedEvent", ""), {
    kind: "ignored",
    reason: "it is empty",
  });
});

Deno.test("decode: calls topics outside the protocol unknown, names of object members included", () => {
  for (const topic of ["topology/Nothing", "__proto__", "constructor", ""]) {
    assert.deepEqual(decode(topic, "{}"), { kind: "unknown" });
  }
});

Deno.test("decode: never throws, whatever the bytes of a known topic are", () => {
  const topics = new Set(files.flatMap((file) => readVectors(file)).map(({ topic }) => topic));
  const payloads = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 6 }).map((json) => new TextEncoder().encode(json)),
  );
  fc.assert(fc.property(fc.constantFrom(...topics), payloads, (topic, payload) => {
    assert.match(decodeEvent(topic, payload).kind, /event|ignored|malformed/);
  }));
});

Deno.test("decode: survives mutated golden messages", () => {
  const vectors = files.flatMap(readVectors).filter(({ payload }) => payload.length < 5_000);
  const mutation = fc.record({
    vector: fc.constantFrom(...vectors),
    at: fc.nat(),
    with: fc.constantFrom("", "null", "[]", "{}", "-1", '"x"', "\\", '"', "}", "true"),
    length: fc.nat({ max: 8 }),
  });
  fc.assert(
    fc.property(mutation, ({ vector: { topic, payload }, at, with: insert, length }) => {
      const from = at % (payload.length + 1);
      const mutated = payload.slice(0, from) + insert + payload.slice(from + length);
      assert.match(decode(topic, mutated).kind, /event|ignored|malformed/);
    }),
    { numRuns: 500 },
  );
});
