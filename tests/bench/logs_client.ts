/**
 * Sends lines to a monitoring server in a process of its own and prints what that cost as JSON.
 *
 * `publish PORT DIRECTORY LINES`: the publisher, which follows a file of so many lines.
 * `bare PORT DIRECTORY LINES`: a loop that only sends prepared bundles of the same lines.
 */
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Secret } from "../../src/base/secret.ts";
import { bundleLines, LogBundle } from "../../src/cep/log_bundle.ts";
import { LogPublisher } from "../../src/cep/log_publisher.ts";
import { logSender } from "../../src/cep/log_stream.ts";
import { Receiver } from "../../src/cep/receiver.ts";
import { exampleConfig } from "../scope/example_config.ts";
import { usageOf } from "./figures.ts";

const [mode, port, directory, count] = Deno.args;
const lines = Number(count);
const { logPublisher, identity } = exampleConfig();
const config = {
  ...logPublisher,
  enabled: true,
  receiver: { host: "localhost", port: Number(port) },
  password: new Secret("admin"),
  tls: { verify: false, verifyName: false },
  paths: [join(directory!, "bench.log")],
};
const shared = { log: silentLog, clock: systemClock, random: Math.random };
const line = new TextEncoder().encode(`${"0123456789".repeat(10).slice(0, 99)}\n`);

async function measured(work: () => Promise<void>): Promise<void> {
  const before = await usageOf(Deno.pid);
  const startMs = performance.now();
  await work();
  const seconds = (performance.now() - startMs) / 1000;
  const after = await usageOf(Deno.pid);
  const status = await Deno.readTextFile("/proc/self/status");
  console.log(JSON.stringify({
    seconds,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    grownMiB: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024 - before.rssMiB,
  }));
}

if (mode === "publish") {
  await using publisher = new LogPublisher({
    config,
    identity,
    checkpoint: join(directory!, "positions.jsonl"),
    ...shared,
  });
  // A first line has everything loaded and connected, as in the bare loop.
  await Deno.writeTextFile(config.paths[0]!, "");
  publisher.start();
  await until(() => publisher.status.files.length === 1);
  await Deno.writeFile(config.paths[0]!, line, { append: true });
  await until(() => publisher.status.linesConfirmed === 1);
  await Deno.rename(join(directory!, "prepared.log"), config.paths[0]!);
  await measured(() => until(() => publisher.status.linesConfirmed === 1 + lines));
} else {
  const options = { username: config.username, password: config.password, tls: config.tls };
  await using receiver = new Receiver(config.receiver, { ...options, ...shared });
  const bundle = new LogBundle(logSender(identity, "full"));
  const fill = (length: number) => {
    bundle.begin(Date.now());
    for (let index = 0; index < length; index++) bundle.add(line, 0, line.length - 1);
  };
  const { signal } = new AbortController();
  const send = () => {
    const { count, stream } = bundle;
    const call = (session: string) => bundle.call(session);
    return receiver.sendPrepared({ streams: [stream], count, call }, signal);
  };
  fill(1);
  await send();
  fill(bundleLines);
  await measured(async () => {
    for (let sent = 0; sent < lines; sent += bundleLines) await send();
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(5);
}
