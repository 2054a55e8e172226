import { join } from "node:path";
import { startCepReceiver } from "../cep_receiver.ts";
import { hasPeer } from "../system_peers.ts";
import { row } from "./figures.ts";

/** What one run cost. */
interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly grownMiB: number;
}

const lineBytes = 100;

/** Prints how fast log lines are published, beside a loop that only sends prepared bundles. */
export async function logsBench(quick: boolean): Promise<void> {
  console.log("\nLog lines of 100 bytes, bundles of 200, median (range)");
  const rounds = quick ? 1 : 2;
  const sink = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", new URL("logs_sink.ts", import.meta.url).href],
    stdout: "piped",
  }).spawn();
  try {
    const reader = sink.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    reader.releaseLock();
    await compare("a sink that does not decode", port, quick ? 100_000 : 1_000_000, rounds);
  } finally {
    sink.kill("SIGKILL");
    await sink.stdout.cancel();
    await sink.status;
  }
  if (!hasPeer("cep-receiver")) {
    console.log("SKIPPED (Debian package python3-thrift is not installed): the reference receiver");
    return;
  }
  await using receiver = await startCepReceiver({ args: ["--keep", "0"] });
  await compare("the reference receiver", receiver.port, quick ? 4_000 : 20_000, rounds);
}

async function compare(
  name: string,
  port: number,
  lines: number,
  rounds: number,
): Promise<void> {
  const costs = { publish: [] as Cost[], bare: [] as Cost[] };
  for (let round = 0; round < rounds; round++) {
    for (const mode of ["bare", "publish"] as const) costs[mode].push(await run(mode, port, lines));
  }
  for (const mode of ["bare", "publish"] as const) {
    const who = mode === "bare" ? "prepared bundles alone" : "the publisher";
    const of = (value: (cost: Cost) => number) => costs[mode].map(value);
    const what = `${lines} lines to ${name}: ${who}`;
    console.log(row(what, "/s", of(({ seconds }) => lines / seconds)));
    console.log(row("  processor time", "s", of(({ cpuSeconds }) => cpuSeconds)));
    console.log(
      row("  highest resident memory above that at the start", "MiB", of((c) => c.grownMiB)),
    );
  }
}

async function run(mode: "publish" | "bare", port: number, lines: number): Promise<Cost> {
  const directory = await Deno.makeTempDir({ prefix: "cartridge-agent-bench-" });
  try {
    if (mode === "publish") await writeLines(join(directory, "prepared.log"), lines);
    const client = new URL("logs_client.ts", import.meta.url).href;
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        // As the agent is started.
        ...["run", "--quiet", "--allow-all", "--v8-flags=--max-semi-space-size=1"],
        ...[client, mode, String(port), directory, String(lines)],
      ],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`${mode} failed`);
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function writeLines(path: string, lines: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const perWrite = 1_000;
  for (let line = 0; line < lines; line += perWrite) {
    let text = "";
    for (let index = 0; index < perWrite; index++) {
      text += `${String(line + index).padStart(lineBytes - 1, "line ")}\n`;
    }
    await file.write(new TextEncoder().encode(text));
  }
}
