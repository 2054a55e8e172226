import { join } from "node:path";
import mqtt from "mqtt";
import { systemClock } from "../../src/base/clock.ts";
import { Secret } from "../../src/base/secret.ts";
import { decodeEvent } from "../../src/events/decode.ts";
import { fingerprint } from "../../src/events/fingerprint.ts";
import { initialState } from "../../src/lifecycle/state.ts";
import { step } from "../../src/lifecycle/step.ts";
import { gsonText } from "../../src/sandbox/gson.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { MemberRegistry } from "../../src/sandbox/member_registry.ts";
import { connectPlatform, type PlatformConnection } from "../../src/sandbox/platform_client.ts";
import { completeTopology, memberEvent } from "../../src/sandbox/platform_events.ts";
import { untilFile } from "../e2e/extension_runs.ts";
import { openMosquitto } from "../mosquitto.ts";
import { type PeerKit, systemPeers } from "../e2e/peer_kit.ts";
import { canaries, openScene, type Scene } from "../e2e/scene.ts";
import { hasPeer } from "../system_peers.ts";
import { identity, lifecycleConfig } from "../lifecycle/simulated_agent.ts";
import { bigTopology, changed, facts } from "./big_topology.ts";
import { CountingProcess } from "./counting_process.ts";
import { row } from "./figures.ts";

const patience = { timeoutMs: 60_000 };
const now = () => performance.now();
const settings = { identity, lifecycle: lifecycleConfig };
const topic = "topology/MemberActivatedEvent";
/** Prints how fast events are taken, small ones and complete topologies of 20,000 members. */
export async function eventsBench(quick: boolean): Promise<void> {
  console.log("\nEvents, median (range)");
  decodeAndStep(quick ? 3 : 10);
  const big = await bigTopology(20);
  bigTopologyAlone(big, quick ? 3 : 10);
  if (!hasPeer("mosquitto")) {
    console.log("SKIPPED (Debian package mosquitto is not installed): events through a broker");
    return;
  }
  await throughput(quick ? 2 : 7);
  await latency(quick ? 8 : 40);
  for (const scripts of [false, true]) await bigTopologies(big, quick ? 7 : 20, scripts);
}

const encoder = new TextEncoder();

function smallPayload(memberId: string = identity.memberId): string {
  const registry = new MemberRegistry();
  const member = registry.add({ identity: { ...sandboxMember, memberId }, state: "Active" }, 0);
  return gsonText(memberEvent(member, facts).payload);
}

function decodeAndStep(rounds: number): void {
  const registry = new MemberRegistry();
  registry.add({ identity: { ...sandboxMember, memberId: identity.memberId }, state: "Active" }, 0);
  const { payload } = completeTopology(sandboxMember, facts, registry.all);
  const start = decodeEvent("topology/CompleteTopologyEvent", encoder.encode(gsonText(payload)));
  if (start.kind !== "event") throw new Error("the topology cannot be read");
  let state = step(initialState({}), { kind: "event", event: start.event }, settings).state;
  const bytes = encoder.encode(smallPayload());
  const perRound = 50_000;
  const rates: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const startMs = now();
    for (let count = 0; count < perRound; count++) {
      const decoded = decodeEvent(topic, bytes);
      if (decoded.kind !== "event") throw new Error(decoded.kind);
      state = step(state, { kind: "event", event: decoded.event }, settings).state;
    }
    // The first one warms up.
    if (round >= 0) rates.push(perRound / (now() - startMs) * 1000);
  }
  console.log(row(`decode and step, MemberActivated (${bytes.length} bytes)`, "/s", rates));
}

function bigTopologyAlone(big: Uint8Array, rounds: number): void {
  const completeTopic = "topology/CompleteTopologyEvent";
  let state = initialState({});
  const prints: number[] = [], decodes: number[] = [], steps: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const bytes = changed(big, round);
    let startMs = now();
    fingerprint(bytes);
    prints.push(now() - startMs);
    startMs = now();
    const decoded = decodeEvent(completeTopic, bytes);
    decodes.push(now() - startMs);
    if (decoded.kind !== "event") throw new Error(JSON.stringify(decoded));
    startMs = now();
    state = step(state, { kind: "event", event: decoded.event }, settings).state;
    steps.push(now() - startMs);
  }
  console.log(row("20,000 members, unchanged bytes: recognised in", "ms", prints));
  console.log(row("20,000 members, changed: decoded in", "ms", decodes));
  console.log(row("20,000 members, changed: step", "ms", steps));
}

interface Opened extends AsyncDisposable {
  readonly scene: Scene;
  readonly platform: PlatformConnection;
  readonly agent: CountingProcess;
}

/** An active agent that counts, on mosquitto. */
async function openAgent(kind: string, round: number, scripts: boolean): Promise<Opened> {
  await using opened = new AsyncDisposableStack();
  const kit: PeerKit = {
    ...systemPeers,
    // It drops bursts at quality of service 0 otherwise, which is not what is measured here.
    openBroker: (username, password) =>
      openMosquitto({ username, password, lines: ["max_queued_messages 0"] }),
  };
  const scene = opened.use(await openScene(kit, { receiver: false }));
  if (!scripts) await Deno.remove(join(scene.home.path, "extensions/bash"), { recursive: true });
  const platform = opened.use(connectPlatform(
    {
      host: "127.0.0.1",
      port: scene.broker.port,
      username: "agent",
      password: new Secret(canaries.broker),
    },
    "bench",
    ["nothing"],
    { onMessage: () => {}, onConnected: () => {} },
    systemClock,
  ));
  await platform.ready;
  const agent = opened.use(new CountingProcess(["agent", scene.home.path, kind, String(round)]));
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  await scene.platform.initializeMember();
  await agent.line("listens");
  await systemClock.sleep(1_000);
  const all = opened.move();
  return { scene, platform, agent, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function throughput(runs: number): Promise<void> {
  const count = 2_000;
  await using opened = await openAgent("memberActivated", count, false);
  const { scene, agent } = opened;
  const { port } = scene.broker;
  const login = [String(port), "agent", canaries.broker];
  await using bare = new CountingProcess(["bare", ...login, "bench/events", String(count)]);
  await bare.line("listens");
  const payload = smallPayload("somebody-else");
  const rates = { agent: [] as number[], bare: [] as number[] };
  for (let run = 0; run < runs; run++) {
    for (const who of ["bare", "agent"] as const) {
      const to = who === "agent" ? topic : "bench/events";
      const counted = (who === "agent" ? agent : bare).line("counted");
      // The own member's activation was counted, too.
      const messages = who === "agent" && run === 0 ? count - 1 : count;
      const startMs = Date.now();
      await publishMany({ port, to, payload, count: messages });
      const { atMs } = await counted;
      rates[who].push(messages / (Number(atMs) - startMs) * 1000);
      await systemClock.sleep(300);
    }
  }
  const [agentEnd, bareEnd] = [await agent.end(), await bare.end()];
  console.log(row("2,000 events through mosquitto: a bare subscriber", "/s", rates.bare));
  console.log(row("2,000 events through mosquitto: the agent, no scripts", "/s", rates.agent));
  const ratios = rates.agent.map((rate, index) => rate / rates.bare[index]!);
  console.log(row("the agent beside the bare subscriber (target 0.8)", "", ratios));
  const cpu = (lines: readonly Record<string, unknown>[]) =>
    Number(lines.find((line) => "cpuMs" in line)?.["cpuMs"]).toFixed(0);
  console.log(`processor time with the start: agent ${cpu(agentEnd)} ms, bare ${cpu(bareEnd)} ms`);
}

/** Publishes all at once, as fast as the broker takes them. */
async function publishMany(
  { port, to, payload, count }: {
    readonly port: number;
    readonly to: string;
    readonly payload: string;
    readonly count: number;
  },
): Promise<void> {
  const login = { username: "agent", password: canaries.broker };
  const client = await mqtt.connectAsync({ host: "127.0.0.1", port, ...login });
  const publish = () => client.publishAsync(to, payload, { qos: 1 });
  await Promise.all(Array.from({ length: count }, publish));
  await client.endAsync();
}

async function latency(count: number): Promise<void> {
  await using opened = await openAgent("memberActivated", 1, true);
  const { scene, platform } = opened;
  const times = join(scene.home.path, "times");
  await Deno.writeTextFile(times, "");
  await Deno.writeTextFile(
    join(scene.home.path, "extensions/bash/MemberActivatedEvent.sh"),
    `#!/bin/sh\ndate +%s%N >>'${times}'\n`,
  );
  const sentMs: number[] = [];
  for (let event = 0; event < count; event++) {
    sentMs.push(Date.now());
    await platform.publish(topic, smallPayload(sandboxMember.memberId));
    await systemClock.sleep(250);
  }
  const ranMs = (await untilFile(times, (text) => text.split("\n").length > count))
    .trimEnd().split("\n").map((line) => Number(line) / 1e6);
  const waits = ranMs.map((ms, index) => ms - sentMs[index]!);
  console.log(row("published → script runs, at 4 events/s", "ms", waits));
}

async function bigTopologies(big: Uint8Array, seconds: number, scripts: boolean): Promise<void> {
  await using opened = await openAgent("none", 1, scripts);
  const { platform, agent } = opened;
  const completeTopic = "topology/CompleteTopologyEvent";
  const what = scripts ? "shipped scripts" : "no scripts";
  const figures = { changed: [] as number[], unchanged: [] as number[] };
  const pauses = { changed: [] as number[], unchanged: [] as number[] };
  agent.forget(); // the small topology of the start
  const deadlineMs = now() + seconds * 1000;
  for (let turn = 0; now() < deadlineMs; turn++) {
    const bytes = changed(big, turn);
    for (const kind of ["changed", "unchanged"] as const) {
      const stepped = agent.line("step");
      const startMs = Date.now();
      await platform.publish(completeTopic, bytes);
      const { step: seen, atMs, pauseMs } = await stepped;
      const expected = kind === "unchanged" ? "unchanged" : "completeTopology";
      if (seen !== expected) throw new Error(`${seen} instead of ${expected}`);
      figures[kind].push(Number(atMs) - startMs);
      pauses[kind].push(Number(pauseMs));
    }
    await systemClock.sleep(500);
  }
  const end = await agent.end();
  const drops = end.filter((line) => "dropped" in line).length;
  const peak = end.find((line) => "peakMiB" in line);
  console.log(row(`16 MB published → recognised as unchanged, ${what}`, "ms", figures.unchanged));
  console.log(row(`16 MB published → in the model, ${what}`, "ms", figures.changed));
  console.log(row(`pause of the event loop, unchanged, ${what}`, "ms", pauses.unchanged));
  console.log(row(`pause of the event loop, changed, ${what}`, "ms", pauses.changed));
  console.log(
    `${what}: peak ${Number(peak?.["peakMiB"]).toFixed(0)} MiB; ` +
      `a connection with keep-alive 5 s was dropped ${drops} times in ${seconds} s`,
  );
}
