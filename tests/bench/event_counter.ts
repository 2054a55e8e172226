/**
 * A process of its own that counts events: the agent of a home, or a bare subscriber beside it.
 *
 *   event_counter.ts agent HOME TOPIC COUNT
 *   event_counter.ts bare PORT USER PASSWORD TOPIC COUNT
 *
 * Prints a line of JSON when it listens, one for each COUNT events, and one when it is told to end by
 * the end of its standard input.
 */
import process from "node:process";
import mqtt from "mqtt";
import { startAgent } from "../../src/agent/agent.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Redactor } from "../../src/base/redactor.ts";
import { openLogs } from "../../src/cli/open_logs.ts";
import { loadConfig } from "../../src/config/load_config.ts";

const say = (line: unknown) => console.log(JSON.stringify(line));

/** Longest time between two turns of the event loop, since it was last asked, in milliseconds. */
function watchPauses(): () => number {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  setInterval(look, 1);
  return () => {
    look();
    const seen = longest;
    longest = 0;
    return seen;
  };
}

/** Counts, and tells when the last of a round is there, with the wall-clock time of that. */
function counter(round: number): () => void {
  let count = 0;
  return () => {
    if (++count % round === 0) say({ counted: count, atMs: Date.now() });
  };
}

async function untilInputEnds(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
}

async function agent(home: string, kind: string, round: number): Promise<void> {
  const { config } = await loadConfig({ home, cwd: home, readEnv: () => undefined });
  const redactor = new Redactor();
  const logging = await openLogs(config, redactor, () => Promise.resolve());
  const pauses = watchPauses();
  const count = counter(round);
  let wasActive = false;
  const running = await startAgent(config, {
    log: logging.log,
    clock: systemClock,
    random: Math.random,
    redactor,
    onStep: (input, state) => {
      const step = input.kind === "event" ? input.event.kind : input.kind;
      if (step === "completeTopology" || step === "unchanged") {
        const atMs = Date.now();
        // After this turn, so that it is part of what is measured.
        setTimeout(() => say({ step, atMs, pauseMs: pauses() }), 0);
      }
      if (step === kind) count();
      if (!wasActive && state.phase.kind === "active") {
        wasActive = true;
        say({ listens: true });
        keepAlive(config.broker);
      }
    },
  });
  await untilInputEnds();
  await running.stop();
  await logging[Symbol.asyncDispose]();
  const status = await Deno.readTextFile("/proc/self/status");
  say({ peakMiB: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024, cpuMs: cpuMs() });
}

/** A connection on the same event loop that the broker drops when it is silent for 7.5 s. */
function keepAlive(
  { urls, username, password }: Awaited<ReturnType<typeof loadConfig>>["config"]["broker"],
): void {
  const client = mqtt.connect({
    ...urls[0]!,
    username: username!,
    password: password!.open(),
    keepalive: 5,
    reconnectPeriod: 0,
  });
  client.on("close", () => say({ dropped: true }));
  client.on("error", (error) => say({ dropped: true, reason: error.message }));
}

async function bare(
  port: string,
  username: string,
  password: string,
  topic: string,
  round: number,
): Promise<void> {
  const count = counter(round);
  const client = mqtt.connect({ host: "127.0.0.1", port: Number(port), username, password });
  client.on("message", (_topic, payload) => {
    JSON.parse(payload.toString());
    count();
  });
  await client.subscribeAsync(topic, { qos: 1 });
  say({ listens: true });
  await untilInputEnds();
  await client.endAsync();
  say({ cpuMs: cpuMs() });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const [mode, ...rest] = Deno.args;
if (mode === "agent") await agent(rest[0]!, rest[1]!, Number(rest[2]));
else await bare(rest[0]!, rest[1]!, rest[2]!, rest[3]!, Number(rest[4]));
Deno.exit(0);
