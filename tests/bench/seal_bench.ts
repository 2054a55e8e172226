import { systemClock } from "../../src/base/clock.ts";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { openScene } from "../e2e/scene.ts";
import { hasPeer } from "../system_peers.ts";
import { row, usageOf } from "./figures.ts";

const patience = { timeoutMs: 60_000 };
const ways = { "in place": {}, "sealed": { flags: ["--allow-all"] } } as const;

/** What was measured of one agent. */
interface Cost {
  readonly subscribed: number;
  readonly checkout?: number;
  readonly rssMiB: number;
}

/** Prints what the seal costs: the same agent with exactly its scope and in a seal, in turns. */
export async function sealBench(runs: number): Promise<void> {
  console.log("\nThe seal: exactly the scope (in place) against --allow-all (sealed), in turns");
  const costs = new Map<string, Cost[]>();
  for (let run = 0; run < runs; run++) {
    for (const [way, options] of Object.entries(ways)) {
      costs.set(way, [...costs.get(way) ?? [], await costOf(options)]);
    }
  }
  for (const [way, found] of costs) {
    const checkouts = found.flatMap(({ checkout }) => checkout ?? []);
    console.log(row(`${way}: process start → subscribed`, "s", found.map((c) => c.subscribed)));
    if (checkouts.length > 0) {
      console.log(row(`${way}: MemberInitialized → activated, 20 files`, "s", checkouts));
    }
    console.log(row(`${way}: resident memory, active`, "MiB", found.map((c) => c.rssMiB)));
  }
}

async function costOf(options: { readonly flags?: readonly string[] }): Promise<Cost> {
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`file-${n}`, `${n}\n`]));
  const isFetching = hasPeer("git");
  await using scene = await openScene(embeddedPeers, {
    receiver: false,
    ...(isFetching ? { files } : {}),
  });
  const { platform } = scene;
  const startMs = performance.now();
  const agent = await scene.start(options);
  await platform.until("CompleteTopologyRequestEvent", patience);
  const subscribedMs = performance.now();
  await platform.initializeMember();
  await platform.until("InstanceActivatedEvent", patience);
  const activatedMs = performance.now();
  await systemClock.sleep(3_000);
  const { rssMiB } = await usageOf(agent.pid);
  return {
    subscribed: (subscribedMs - startMs) / 1000,
    ...(isFetching ? { checkout: (activatedMs - subscribedMs) / 1000 } : {}),
    rssMiB,
  };
}
