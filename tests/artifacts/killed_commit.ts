/**
 * Run as a program: does one round for local changes, and stops for good at a point that it is told, so
 * that it can be killed there. Settings come on standard input.
 */
import { runCommit } from "../../src/artifacts/commit_job.ts";

const { job, stopAt } = await new Response(Deno.stdin.readable).json();
let passed = 0;
const done = await runCommit(job, {
  faultPoint: (point) => {
    if (passed++ !== stopAt) return;
    console.log(`stopped: ${point}`);
    while (true) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
console.log(`done: ${JSON.stringify(done)}`);
