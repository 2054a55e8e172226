import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import {
  HealthPublisher,
  type HealthPublisherOptions,
  type HealthSample,
} from "../../src/cep/health_publisher.ts";
import type { HealthReader } from "../../src/cep/health_reader.ts";
import type { HealthPort } from "../../src/lifecycle/ports.ts";
import type { HostPort, IdentityConfig, ReceiverGroup } from "../../src/config/agent_config.ts";
import { cepCaFile, startCepReceiver } from "../cep_receiver.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { peerTest } from "../system_peers.ts";
import { hostileServer } from "./hostile_server.ts";
import { Inbox } from "./inbox.ts";
import { receiverTest, type ReceiverUnderTest, unverified } from "./receiver_under_test.ts";

const identity: IdentityConfig = {
  applicationId: "app",
  serviceName: "php",
  clusterId: "c1",
  clusterInstanceId: "ci1",
  memberId: "m1",
  networkPartitionId: "np1",
  partitionId: "p1",
  tenantId: 1,
  multiTenant: false,
};

/** A reader whose memory value counts the samples. */
function countingReader(): HealthReader {
  let samples = 0;
  return { read: () => Promise.resolve({ memoryPercent: ++samples, loadPercent: 12.5 }) };
}

function failover(...receivers: HostPort[]): ReceiverGroup {
  return { mode: "failover", receivers };
}

function optionsFor(
  groups: readonly ReceiverGroup[],
  changes: Partial<HealthPublisherOptions> = {},
) {
  const log = memoryLog();
  const options: HealthPublisherOptions = {
    cep: { groups, username: "admin", password: new Secret("admin"), tls: unverified },
    health: { enabled: true, intervalMs: 15_000, checkPorts: false },
    identity,
    launcher: "/nowhere/launcher",
    reader: countingReader(),
    log,
    clock: systemClock,
    random: () => 0,
    ...changes,
  };
  return { log, options };
}

/** The next memory value beyond what is known, that is, of a later sample. */
async function memoryAbove(peer: ReceiverUnderTest, value: number): Promise<number> {
  const { payload } = await peer.events.find(({ payload }) =>
    payload.health_description === "memory_consumption" && Number(payload.value) > value
  );
  return Number(payload.value);
}

const often = { enabled: true, intervalMs: 20, checkPorts: false };

receiverTest("health publisher: sends both values at once when it starts", async (peer) => {
  const before = Date.now();
  const { options } = optionsFor([failover(peer)]);
  await using publisher = new HealthPublisher(options);
  const port: HealthPort = publisher;
  port.start();
  port.start();
  const events = [await peer.events.next(), await peer.events.next()];
  const ids = {
    cluster_id: "c1",
    cluster_instance_id: "ci1",
    network_partition_id: "np1",
    member_id: "m1",
    partition_id: "p1",
  };
  assert.deepEqual(events.map(({ payload }) => payload), [
    { ...ids, health_description: "memory_consumption", value: 1 },
    { ...ids, health_description: "load_average", value: 12.5 },
  ]);
  for (const { streamId, timestampMs } of events) {
    assert.equal(streamId, "cartridge_agent_health_stats:1.0.0");
    assert.ok(timestampMs >= BigInt(before) && timestampMs <= BigInt(Date.now()));
  }
  assert.equal(publisher.latest?.memoryPercent, 1);
  assert.equal(await peer.logins(), 1);
});

receiverTest("health publisher: sends again every interval until it stops", async (peer) => {
  const samples: HealthSample[] = [];
  const { options } = optionsFor([failover(peer)], {
    health: often,
    onSample: (sample) => samples.push(sample),
  });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  // A slow machine may miss an interval: then the newer value replaces the older.
  let newest = 0;
  for (let interval = 0; interval < 3; interval++) {
    newest = await memoryAbove(peer, newest);
  }
  publisher.stop();
  publisher.stop();
  assert.equal(publisher.latest, samples.at(-1));
  const taken = samples.length;
  publisher.start();
  await memoryAbove(peer, taken);
});

receiverTest("health publisher: begins when the receiver comes up later", async (peer) => {
  await peer.goAway();
  const told = new Inbox<HealthSample>();
  const { options, log } = optionsFor([failover(peer)], { health: often, onSample: told.push });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  await told.find(({ memoryPercent }) => memoryPercent === 5);
  const takenBefore = publisher.latest!.memoryPercent!;
  await peer.comeBack();
  const { payload } = await peer.events.next();
  assert.equal(payload.health_description, "memory_consumption");
  // Nothing of the time when nobody listened is sent later.
  assert.ok(Number(payload.value) >= takenBefore, `${payload.value} after ${takenBefore}`);
  assert.ok(publisher.dropped >= 4);
  const warnings = log.records.filter(({ level }) => level === "warning" || level === "error");
  assert.equal(warnings.filter(({ message }) => message.startsWith("receiver")).length, 1);
});

receiverTest("health publisher: goes on when the receiver restarts or forgets", async (peer) => {
  const { options } = optionsFor([failover(peer)], { health: often });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  await peer.events.next();
  for (const fault of ["restart", "expireSessions", "dropConnections"] as const) {
    await peer[fault]();
    const reached = publisher.latest!.memoryPercent!;
    await memoryAbove(peer, reached);
  }
});

receiverTest(
  "health publisher: is undisturbed when another receiver never answers",
  async (peer) => {
    await using silent = hostileServer();
    const groups = [failover({ host: "localhost", port: silent.port }), failover(peer)];
    const { options } = optionsFor(groups, { health: often });
    await using publisher = new HealthPublisher(options);
    publisher.start();
    const startMs = performance.now();
    let newest = 0;
    for (let interval = 0; interval < 5; interval++) newest = await memoryAbove(peer, newest);
    assert.ok(performance.now() - startMs < 5_000);
    assert.equal(publisher.receivers[0]?.[0]?.state, "untried");
    assert.equal(publisher.receivers[1]?.[0]?.state, "up");
  },
);

peerTest("health publisher: verifies the receiver when a CA is configured", [
  "cep-receiver",
], async () => {
  await using receiver = await startCepReceiver({ certificate: "leaf" });
  const event = new Promise<unknown>((resolve) => {
    receiver.onRecord = ({ kind, payload }) => kind === "event" && resolve(payload);
  });
  const { options } = optionsFor([failover({ host: "localhost", port: receiver.port })]);
  const tls = { verify: true, verifyName: true, caFile: cepCaFile("leaf") };
  await using publisher = new HealthPublisher({ ...options, cep: { ...options.cep, tls } });
  publisher.start();
  assert.equal((await event as { member_id: string }).member_id, "m1");
});

/** Runs a publisher on a fake clock, without receivers, and gives its samples. */
async function samplesOf(
  changes: Partial<HealthPublisherOptions>,
  test: (samples: Inbox<HealthSample>, clock: FakeClock) => Promise<void>,
): Promise<ReturnType<typeof memoryLog>> {
  const clock = new FakeClock();
  const samples = new Inbox<HealthSample>();
  const { log, options } = optionsFor([], { clock, onSample: samples.push, ...changes });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  await test(samples, clock);
  return log;
}

Deno.test("health publisher: takes no sample between stop and start", async () => {
  const clock = new FakeClock();
  const samples = new Inbox<HealthSample>();
  const { options } = optionsFor([], { clock, onSample: samples.push });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  await samples.next();
  publisher.stop();
  await clock.advance(60_000);
  assert.deepEqual(samples.pending, []);
  publisher.start();
  await samples.next();
  await clock.advance(14_999);
  assert.deepEqual(samples.pending, []);
  await clock.advance(1);
  await samples.next();
});

Deno.test("health publisher: leaves out values that are no number", async () => {
  const readings = [
    { memoryPercent: NaN, loadPercent: 1 },
    { memoryPercent: Infinity, loadPercent: -1 },
    { memoryPercent: "7" as unknown as number },
  ];
  const reader = { read: () => Promise.resolve(readings.shift() ?? {}) };
  await samplesOf({ reader }, async (samples, clock) => {
    const { timeMs: _, ...first } = await samples.next();
    assert.deepEqual(first, { loadPercent: 1, closedPorts: [] });
    for (let sample = 0; sample < 2; sample++) {
      await clock.advance(15_000);
      const { timeMs: _, ...next } = await samples.next();
      assert.deepEqual(next, { closedPorts: [] });
    }
  });
});

Deno.test("health publisher: keeps its interval with one warning when reading fails", async () => {
  const reader = { read: () => Promise.reject(new Error("broken module")) };
  const log = await samplesOf({ reader }, async (samples, clock) => {
    for (let sample = 0; sample < 3; sample++) {
      await samples.next();
      await clock.advance(15_000);
    }
  });
  const warnings = log.records.filter(({ message }) => message.includes("broken module"));
  assert.deepEqual(warnings.map(({ level }) => level), ["warning", "debug", "debug", "debug"]);
});

Deno.test("health publisher: goes on after 10 s when reading never ends", async () => {
  let aborted = 0;
  const reader: HealthReader = {
    read: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          aborted++;
          reject(signal.reason);
        });
      }),
  };
  await samplesOf({ reader }, async (samples, clock) => {
    await clock.untilSleeping(1);
    await clock.advance(10_000);
    assert.deepEqual((await samples.next()).closedPorts, []);
    assert.equal(aborted, 1);
    await clock.advance(5_000 + 10_000);
    await samples.next();
  });
});

const checked = { enabled: true, intervalMs: 15_000, checkPorts: true };

Deno.test("health publisher: reports a port when it is closed twice, a second apart", async () => {
  const probes = [[8080, 9090], [8080]];
  const closedPorts = () => Promise.resolve(probes.shift() ?? []);
  await samplesOf({ health: checked, closedPorts }, async (samples, clock) => {
    await clock.untilSleeping(1);
    await clock.advance(1_000);
    assert.deepEqual((await samples.next()).closedPorts, [8080]);
    await clock.advance(14_000);
    assert.deepEqual((await samples.next()).closedPorts, []);
  });
});

Deno.test("health publisher: probes no port when that is off", async () => {
  const closedPorts = () => Promise.reject(new Error("probed"));
  const log = await samplesOf({ closedPorts }, async (samples) => {
    assert.deepEqual((await samples.next()).closedPorts, []);
  });
  assert.ok(!log.text().includes("probed"));
});

receiverTest("health publisher: sends ports_not_open when a port is closed", async (peer) => {
  const { options } = optionsFor([failover(peer)], {
    health: checked,
    closedPorts: () => Promise.resolve([8080]),
  });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  const seen = [];
  for (let event = 0; event < 3; event++) seen.push((await peer.events.next()).payload);
  assert.deepEqual(
    seen.map(({ health_description, value }) => `${health_description} ${value}`),
    ["memory_consumption 1", "load_average 12.5", "ports_not_open 1"],
  );
});

Deno.test("health publisher: does nothing when health statistics are off", async () => {
  const reader = { read: () => Promise.reject(new Error("read")) };
  const { log, options } = optionsFor([], { reader, health: { ...often, enabled: false } });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  await publisher.takeBaseline(new AbortController().signal);
  assert.equal(publisher.latest, undefined);
  assert.equal(log.text(), "");
});

Deno.test("health publisher: warns once when certificates are not checked", async () => {
  const { log, options } = optionsFor([], { clock: new FakeClock() });
  await using publisher = new HealthPublisher(options);
  publisher.start();
  publisher.stop();
  publisher.start();
  const warnings = log.records.filter(({ message }) => message.includes("thrift.tls.verify=false"));
  assert.deepEqual(warnings.map(({ level }) => level), ["warning"]);
});

Deno.test("health publisher: shows this system when no reader is given", async () => {
  const samples = new Inbox<HealthSample>();
  const { options } = optionsFor([], { onSample: samples.push });
  const { reader: _, ...rest } = options;
  await using publisher = new HealthPublisher(rest);
  publisher.start();
  const { memoryPercent, loadPercent } = await samples.next();
  assert.ok(memoryPercent! > 0 && memoryPercent! <= 100 && loadPercent! >= 0);
});
