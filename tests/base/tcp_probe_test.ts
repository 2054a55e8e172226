import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { openPorts } from "../../src/base/tcp_probe.ts";

const { signal } = new AbortController();

Deno.test("tcp probe: tells open ports from closed ones", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const { port: closedPort } = closed.addr as Deno.NetAddr;
  closed.close();
  const open = await openPorts("127.0.0.1", [port, closedPort], 2_000, systemClock, signal);
  assert.deepEqual([...open], [port]);
});

Deno.test("tcp probe: calls a host that cannot be resolved closed", async () => {
  const open = await openPorts("no-such-host.invalid", [80], 2_000, systemClock, signal);
  assert.deepEqual([...open], []);
});

Deno.test("tcp probe: ends with the signal's reason", async () => {
  const reason = new Error("told to");
  const aborted = AbortSignal.abort(reason);
  await assert.rejects(openPorts("127.0.0.1", [9], 2_000, systemClock, aborted), reason);
});
