import { eventsBench } from "./events_bench.ts";
import { extensionsBench } from "./extensions_bench.ts";
import { lifeBench } from "./life_bench.ts";

/** How often each thing is measured; `--quick` says what works rather than how fast. */
const quick = Deno.args.includes("--quick");

console.log(`deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} processors`);
await lifeBench(quick ? 1 : 5, quick ? 5 : 60);
await eventsBench(quick);
await extensionsBench(quick);
