import assert from "node:assert/strict";
import fc from "fast-check";
import { bundleLines, LogBundle } from "../../src/cep/log_bundle.ts";
import { maxMessageBytes } from "../../src/followers/log_message.ts";
import { dayOf, logSender, logStream } from "../../src/cep/log_stream.ts";
import { publishCall } from "../../src/cep/data_bridge_messages.ts";
import { bundleOf, eventOf, streamDefinitionJson } from "../../src/cep/stream_definition.ts";
import { exampleConfig } from "../scope/example_config.ts";

const sender = { tenant: "0", alias: "cluster1", memberId: "m1" };
const session = "0f8fad5b-d9cb-469f-a165-70867728950e";
const encoder = new TextEncoder();

function add(bundle: LogBundle, line: string): boolean {
  const bytes = encoder.encode(`<${line}>`);
  return bundle.add(bytes, 1, bytes.length - 1);
}

/** What the general encoder makes of the same lines. */
function expected(lines: readonly string[], timeMs: number): Uint8Array {
  const stream = logStream(sender, dayOf(timeMs));
  const events = lines.map((message) =>
    eventOf(stream, BigInt(timeMs), {
      metaData: { memberId: sender.memberId },
      correlationData: {},
      payloadData: {
        tenantID: sender.tenant,
        serverName: sender.alias,
        appName: "",
        logTime: new Date(timeMs).toISOString(),
        priority: "",
        message,
        logger: "",
        ip: "",
        instance: sender.memberId,
        stacktrace: "",
      },
    })
  );
  return publishCall({ sessionId: session, ...bundleOf(events) }).encode(7);
}

Deno.test("log bundle: is byte for byte what the general encoder makes of the same events", () => {
  const bundle = new LogBundle(sender);
  fc.assert(fc.property(
    fc.array(fc.string({ unit: "binary" }).map((text) => text.toWellFormed()), {
      minLength: 1,
      maxLength: 20,
    }),
    fc.integer({ min: 0, max: 4e12 }),
    (lines, timeMs) => {
      bundle.begin(timeMs);
      for (const line of lines) assert.ok(add(bundle, line));
      assert.equal(bundle.count, lines.length);
      for (let attempt = 0; attempt < 2; attempt++) {
        assert.deepEqual(
          new Uint8Array(bundle.call(session).encode(7)),
          new Uint8Array(expected(lines, timeMs)),
        );
      }
    },
  ));
});

Deno.test("log bundle: is full after 200 lines, and takes several of the longest", () => {
  const bundle = new LogBundle(sender);
  bundle.begin(0);
  for (let line = 0; line < bundleLines; line++) assert.ok(add(bundle, ""));
  assert.ok(!add(bundle, ""));
  bundle.begin(0);
  let taken = 0;
  while (add(bundle, "x".repeat(maxMessageBytes))) taken++;
  assert.ok(taken >= 2 && taken < 10, `${taken}`);
});

Deno.test("log bundle: refuses a session that has no room, as a failure of the server", () => {
  const bundle = new LogBundle(sender);
  bundle.begin(0);
  for (let line = 0; line < bundleLines; line++) add(bundle, "x");
  assert.equal(bundle.call("s".repeat(2_000)).encode(0).length > 2_000, true);
  assert.throws(() => bundle.call("s".repeat(3_000)).encode(0), /its id is 3000 bytes long/);
});

Deno.test("log bundle: goes to the stream of the next day at the instance's own midnight", () => {
  const bundle = new LogBundle(sender);
  const midnight = new Date(2026, 1, 1).getTime();
  bundle.begin(midnight - 1);
  assert.equal(bundle.stream.name, "logs.0.cluster1.2026.01.31");
  bundle.begin(midnight);
  assert.equal(bundle.stream.name, "logs.0.cluster1.2026.02.01");
});

Deno.test("log stream: is the one that the platform's agents define", async () => {
  const file = new URL("../fixtures/vectors/thrift/requests.json", import.meta.url);
  const { vectors } = JSON.parse(await Deno.readTextFile(file)) as {
    vectors: { name: string; args: { streamDefinition: string } }[];
  };
  const { args } = vectors.find(({ name }) => name === "define-logs")!;
  const ours = JSON.parse(streamDefinitionJson(logStream(sender, "2015.11.01")));
  assert.deepEqual(ours, JSON.parse(args.streamDefinition));
});

Deno.test("log stream: names the super tenant 0, and the cluster whole or up to its first dot", () => {
  const { identity } = exampleConfig();
  const of = (tenantId: number, streamAlias: "full" | "first") =>
    logSender({ ...identity, tenantId, clusterId: "php.domain.x", memberId: "m" }, streamAlias);
  assert.deepEqual(of(-1234, "full"), { tenant: "0", alias: "php.domain.x", memberId: "m" });
  assert.deepEqual(of(-1, "first"), { tenant: "0", alias: "php", memberId: "m" });
  assert.equal(of(7, "full").tenant, "7");
  assert.equal(logStream({ ...sender, alias: "a:b" }, "d").name, "logs.0.a_b.d");
});
