import { join } from "node:path";
import { compileProgram } from "../../scripts/compile.ts";
import { layOutStage, stagedMain } from "../../scripts/program_stage.ts";
import { systemClock } from "../../src/base/clock.ts";
import { flagsOf } from "../e2e/agent_process.ts";
import { embeddedPeers, type PeerKit, systemPeers } from "../e2e/peer_kit.ts";
import { openScene } from "../e2e/scene.ts";
import { hasPeer } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { row, usageOf } from "./figures.ts";

const patience = { timeoutMs: 60_000 };
/** How long the agent is left alone before its memory is looked at. */
const settleMs = 3_000;

/** One way to start the agent in a home. */
interface Way {
  readonly name: string;
  readonly program: (home: string) => Promise<readonly string[]>;
}

interface Start {
  readonly subscribedSeconds: number;
  readonly rssMiB: number;
}

/**
 * Prints how long the ways to start the agent take until it asks for the topology, and what it then
 * needs while nothing happens. The ways take turns, so that what else goes on burdens all of them.
 */
export async function startsBench(quick: boolean): Promise<void> {
  const kit = hasPeer("mosquitto")
    ? { ...embeddedPeers, openBroker: systemPeers.openBroker }
    : embeddedPeers;
  console.log("\nWays to start the agent: to the subscription, and idle memory; median (range)");
  await using place = await temporaryDirectory();
  const ways = await waysToStart(place.path);
  const measured = new Map(ways.map((way): [Way, Start[]] => [way, []]));
  for (let run = 0; run < (quick ? 1 : 7); run++) {
    for (const way of ways) measured.get(way)!.push(await start(kit, way));
  }
  for (const [{ name }, starts] of measured) {
    console.log(row(`${name}: start → subscribed`, "s", starts.map((s) => s.subscribedSeconds)));
    console.log(row(`${name}: idle memory`, "MiB", starts.map(({ rssMiB }) => rssMiB)));
  }
}

async function waysToStart(directory: string): Promise<readonly Way[]> {
  const stage = join(directory, "stage");
  await layOutStage(stage);
  const deno =
    (main: string, flags: (home: string) => Promise<readonly string[]>): Way["program"] =>
    async (home) => [
      Deno.execPath(),
      ...["run", "--no-prompt", "--no-code-cache", "--v8-flags=--max-semi-space-size=1"],
      ...await flags(home),
      main,
    ];
  const sources = new URL("../../main.ts", import.meta.url).pathname;
  const bundle = join(stage, stagedMain);
  const everything = () => Promise.resolve(["--allow-all"]);
  const ways: Way[] = [
    { name: "deno run, scope granted", program: deno(sources, flagsOf) },
    { name: "deno run, sealed", program: deno(sources, everything) },
    { name: "bundle, scope granted", program: deno(bundle, flagsOf) },
    { name: "bundle, sealed", program: deno(bundle, everything) },
  ];
  if (!hasPeer("denort")) {
    console.log("SKIPPED (DENORT_BIN names no runtime stub): compiled");
    return ways;
  }
  const binary = await compileProgram({ output: join(directory, "cartridge-agent") });
  return [...ways, { name: "compiled (sealed)", program: () => Promise.resolve([binary]) }];
}

async function start(kit: PeerKit, { program }: Way): Promise<Start> {
  await using scene = await openScene(kit);
  const given = await program(scene.home.path);
  const startMs = performance.now();
  const agent = await scene.start({ program: given });
  await scene.platform.until("CompleteTopologyRequestEvent", patience);
  const subscribedSeconds = (performance.now() - startMs) / 1000;
  await scene.platform.initializeMember();
  await scene.platform.until("InstanceActivatedEvent", patience);
  await scene.nextHealth("load_average");
  await systemClock.sleep(settleMs);
  const { rssMiB } = await usageOf(agent.pid);
  return { subscribedSeconds, rssMiB };
}
