import assert from "node:assert/strict";
import { StatusEndpoint } from "../../src/status/status_endpoint.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";

const handler = () => new Response("here");

Deno.test("status endpoint: listens at once and says where", async () => {
  const log = memoryLog();
  const clock = new FakeClock();
  const listen = { host: "127.0.0.1", port: 0 };
  await using endpoint = new StatusEndpoint({ listen, handler, log, clock });
  const { port } = endpoint.address!;
  assert.match(
    log.text(),
    new RegExp(`info test The status is at http://127\\.0\\.0\\.1:${port}/`),
  );
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await response.text(), "here");
});

Deno.test("status endpoint: warns once when the port is taken, and has it when it is free", async () => {
  const log = memoryLog();
  const clock = new FakeClock();
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = { host: "127.0.0.1", port: other.addr.port };
  await using endpoint = new StatusEndpoint({ listen, handler, log, clock });
  assert.equal(endpoint.address, undefined);
  await clock.untilSleeping();
  await clock.advance(95_000);
  assert.equal(log.records.filter(({ level }) => level === "warning").length, 1, log.text());
  assert.match(log.text(), /warning test The status endpoint cannot listen on 127\.0\.0\.1:\d+: /);
  assert.equal(log.records.filter(({ level }) => level === "debug").length, 3);
  other.close();
  await clock.advance(30_000);
  assert.deepEqual(endpoint.address, listen);
  assert.equal(clock.sleeping, 0);
});

Deno.test("status endpoint: can be ended while it cannot listen", async () => {
  const clock = new FakeClock();
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = { host: "127.0.0.1", port: other.addr.port };
  const endpoint = new StatusEndpoint({ listen, handler, log: memoryLog(), clock });
  await endpoint[Symbol.asyncDispose]();
  assert.equal(clock.sleeping, 0);
  other.close();
});
