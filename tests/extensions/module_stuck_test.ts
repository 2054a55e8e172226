import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openModuleHome } from "./module_home.ts";

Deno.test("module: holds up neither others nor the agent's end when it loops without pause", async () => {
  await using home = await openModuleHome();
  await home.module("loop", `export function handle() { while (true); }`, { timeoutSeconds: 0.5 });
  await home.module("fine", `export function handle() {}`);
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      `--allow-read=${home.dir},${fileURLToPath(new URL("../../", import.meta.url))}`,
      fileURLToPath(new URL("./module_stuck_agent.ts", import.meta.url)),
      home.dir,
    ],
    signal: AbortSignal.timeout(30_000),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, text + new TextDecoder().decode(stderr));
  assert.match(text, /loop .*stopped at its time limit.*\n?/);
  assert.match(text, /error extension module loop is busy without pause and cannot be stopped/);
  assert.match(text, /loop .*it is stuck since an earlier call/);
  assert.match(text, /fine {"kind":"done"}/);
  assert.match(text, /ended/);
});

Deno.test("module: takes the process with it when it fills its memory, as the page for authors says", async () => {
  await using home = await openModuleHome();
  await home.module(
    "loop",
    `export async function handle() {
      for (const all = [];;) {
        all.push(Array.from({ length: 10_000 }, () => ({ a: {} })));
        await new Promise((resolve) => setTimeout(resolve));
      }
    }`,
  );
  await home.module("fine", `export function handle() {}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--v8-flags=--max-old-space-size=64",
      "--allow-read",
      fileURLToPath(new URL("./module_stuck_agent.ts", import.meta.url)),
      home.dir,
    ],
    signal: AbortSignal.timeout(60_000),
  }).output();
  assert.notEqual(code, 0, new TextDecoder().decode(stdout));
  assert.match(new TextDecoder().decode(stderr), /out of memory/);
});
