import assert from "node:assert/strict";
import { untilSilent } from "../../src/broker/keep_alive.ts";
import { FakeClock } from "../fake_clock.ts";

Deno.test("keep-alive: pings twice a period and is content as long as any byte comes", async () => {
  const clock = new FakeClock();
  const life = new AbortController();
  const link = { heardBytes: 0, heardPackets: 0, pings: 0, ping: () => void link.pings++ };
  const silent = untilSilent(link, 30_000, clock, life.signal);
  for (let half = 0; half < 20; half++) {
    link.heardBytes++;
    if (half === 10) link.heardPackets++;
    await clock.advance(15_000);
  }
  assert.equal(link.pings, 20);
  life.abort();
  assert.equal(await silent, "it was closed");
});

Deno.test("keep-alive: ends after two silent half periods in a row", async () => {
  const clock = new FakeClock();
  const link = { heardBytes: 0, heardPackets: 0, pings: 0, ping: () => void link.pings++ };
  const silent = untilSilent(link, 30_000, clock, new AbortController().signal);
  await clock.advance(15_000);
  link.heardBytes++;
  await clock.advance(15_000);
  await clock.advance(15_000);
  assert.equal(clock.sleeping, 1);
  await clock.advance(15_000);
  assert.equal(await silent, "the broker was silent for 30 s");
  assert.equal(link.pings, 3);
});

Deno.test("keep-alive: ends when bytes drip in but no packet gets whole for ten periods", async () => {
  const clock = new FakeClock();
  const link = { heardBytes: 0, heardPackets: 1, ping: () => {} };
  const silent = untilSilent(link, 30_000, clock, new AbortController().signal);
  for (let half = 0; half < 20; half++) {
    assert.equal(clock.sleeping, 1);
    link.heardBytes++;
    await clock.advance(15_000);
  }
  assert.equal(await silent, "the broker sent no whole packet for 300 s");
});
