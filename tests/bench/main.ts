import { artifactsBench } from "./artifacts_bench.ts";
import { eventsBench } from "./events_bench.ts";
import { extensionsBench } from "./extensions_bench.ts";
import { healthBench } from "./health_bench.ts";
import { lifeBench } from "./life_bench.ts";
import { startsBench } from "./starts_bench.ts";
import { sealBench } from "./seal_bench.ts";
import { logsBench } from "./logs_bench.ts";
import { statusBench } from "./status_bench.ts";

/** How often each thing is measured; `--quick` says what works rather than how fast. */
const quick = Deno.args.includes("--quick");

/** `--memory=DIRECTORY`: artifacts are checked out there, too. */
const memory = Deno.args.find((argument) => argument.startsWith("--memory="))?.slice(9);

console.log(`deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} processors`);
await lifeBench(quick ? 1 : 5, quick ? 5 : 60);
await sealBench(quick ? 1 : 5);
await startsBench(quick);
await eventsBench(quick);
await extensionsBench(quick);
await logsBench(quick);
await artifactsBench(quick, memory);
await healthBench(quick);
await statusBench(quick ? 5 : 60);
