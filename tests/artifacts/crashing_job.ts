/**
 * Run as a program: carries out a job and kills itself, as a power cut would, at the n-th point that
 * it passes. Says which points it passed on standard error. The job comes on standard input, so that
 * no secret is in argv.
 */
import { runCheckout } from "../../src/artifacts/checkout_job.ts";
import { runRemoval } from "../../src/artifacts/removal_job.ts";
import { launcherLinks } from "./playground.ts";

const { kind, job, dieAt } = await new Response(Deno.stdin.readable).json();
let passed = 0;
const runtime = {
  ...launcherLinks,
  faultPoint: (point: string) => {
    Deno.stderr.writeSync(new TextEncoder().encode(`${point}\n`));
    if (++passed === dieAt) Deno.kill(Deno.pid, "SIGKILL");
  },
};
if (kind === "remove") runRemoval(job, runtime);
else await runCheckout(job, runtime);
