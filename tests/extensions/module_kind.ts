import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.ts";
import { findModules } from "../../src/extensions/module_catalogue.ts";
import { ModuleHost } from "../../src/extensions/module_host.ts";
import type { ExtensionKind } from "./extension_contract.ts";
import {
  type ExtensionHome,
  never,
  noFacts,
  requestOf,
  runnerOn,
  type WatchedLog,
} from "./extension_home.ts";

const event = "StartServers";
const name = "contract";
const noPrograms = "a module cannot start programs, and has no pipe that one could hold";

async function install(
  home: ExtensionHome,
  code: string,
  manifest: Record<string, unknown> = {},
): Promise<string> {
  const dir = join(home.extensionsDir, "modules", name);
  await Deno.mkdir(dir, { recursive: true });
  const whole = { name, entry: "main.ts", events: [event], ...manifest };
  await Deno.writeTextFile(join(dir, "module.json"), JSON.stringify(whole));
  await Deno.writeTextFile(join(dir, "main.ts"), code);
  return `modules/${name}`;
}

/** A runner whose only extension is the module. */
async function open(
  home: ExtensionHome,
  log: WatchedLog,
  config = {},
  launchParameters: Readonly<Record<string, string>> = {},
) {
  const { modules, problems } = await findModules({
    config: { allowedModules: [`${name}:net`] },
    paths: { ...home, terminatorFile: join(home.dir, "terminator.txt") },
    events: [event],
  });
  assert.deepEqual(problems, []);
  const host = new ModuleHost({ modules, log, clock: systemClock });
  const runner = runnerOn(home, log, config, { modules: host, launchParameters });
  return {
    run: (...args: Parameters<typeof runner.run>) => runner.run(...args),
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]();
      await runner[Symbol.asyncDispose]();
    },
  };
}

/** Installs code as body of `handle` and runs it. */
async function run(
  home: ExtensionHome,
  log: WatchedLog,
  body: string,
  manifest: Record<string, unknown> = {},
  request = requestOf(event),
): Promise<{ readonly kind: string; readonly reason: string }> {
  await install(home, `export async function handle(event, context) { ${body} }`, manifest);
  await using runner = await open(home, log);
  return { reason: "", ...await runner.run(request, never) };
}

/** TypeScript modules under the contract. */
export const moduleKind: ExtensionKind = {
  name: "TypeScript module",
  open,
  install: (home, _event, behaviour) => {
    assert.equal(behaviour, "succeeds");
    return install(
      home,
      `export function handle(event, { log }) { log.warning("trouble"); console.log("done"); }`,
    );
  },
  lacks: {
    leavesWriter: noPrograms,
    notExecutable: "a module is loaded, not executed: its permission bits do not matter",
  },
  instead: {
    fails: {
      name: "fails with its own words when it throws",
      test: async (home, log) => {
        const { reason } = await run(home, log, `throw new Error("no\\nluck");`);
        assert.equal(reason, "modules/contract: no\\x0aluck");
        const last = log.records.at(-1);
        assert.deepEqual([last?.level, last?.facts.status], ["error", 1]);
      },
    },
    waits: {
      name: "goes with the workers that it started when the time limit passes",
      test: async (home, log) => {
        using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { port } = listener.addr;
        const dir = join(home.extensionsDir, "modules", name);
        await Deno.mkdir(dir, { recursive: true });
        await Deno.writeTextFile(
          join(dir, "child.ts"),
          `const line = await Deno.connect({ hostname: "127.0.0.1", port: ${port} });
           await line.read(new Uint8Array(1));`,
        );
        const running = run(
          home,
          log,
          `new Worker(new URL("./child.ts", import.meta.url), { type: "module" });
           await new Promise(() => {});`,
          { permissions: { net: [`127.0.0.1:${port}`] }, timeoutSeconds: 3 },
        );
        const tooSlow = running.then(({ reason }) => Promise.reject(new Error(reason)));
        using line = await Promise.race([listener.accept(), tooSlow]);
        tooSlow.catch(() => {});
        assert.match((await running).reason, /stopped at its time limit/);
        assert.equal(await line.read(new Uint8Array(1)).catch(() => null), null);
      },
    },
    trapsTerm: {
      name: "fails and holds up neither others nor the agent's end when it never pauses",
      test: async (home) => {
        const write = async (module: string, code: string) => {
          const dir = join(home.extensionsDir, "modules", module);
          await Deno.mkdir(dir, { recursive: true });
          const manifest = { name: module, entry: "main.ts", events: [event], timeoutSeconds: 0.5 };
          await Deno.writeTextFile(join(dir, "module.json"), JSON.stringify(manifest));
          await Deno.writeTextFile(join(dir, "main.ts"), code);
        };
        await write("loop", "export function handle() { while (true); }");
        await write("fine", "export function handle() {}");
        // In a process of its own: Deno cannot stop such a worker.
        const { stdout } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "--no-prompt",
            "--allow-read",
            fileURLToPath(new URL("./module_stuck_agent.ts", import.meta.url)),
            home.dir,
          ],
          signal: AbortSignal.timeout(60_000),
        }).output();
        const text = new TextDecoder().decode(stdout);
        assert.match(text, /loop .*stopped at its time limit/);
        assert.match(text, /fine {"kind":"done"}/);
        assert.match(text, /ended/);
      },
    },
    leavesSilent: {
      name: "does not wait for timers that it leaves",
      test: async (home, log) => {
        const before = performance.now();
        const body = `setInterval(() => {}, 10); setTimeout(() => {}, 1e9);`;
        assert.equal((await run(home, log, body)).kind, "succeeded");
        assert(performance.now() - before < 10_000);
      },
    },
    floods: {
      name: "is passed on within bounds when it logs 100 MB",
      test: async (home, log) => {
        const body = `for (let i = 0; i < 1000; i++) {
          for (let j = 0; j < 100; j++) context.log.info("x".repeat(999));
          await new Promise((resolve) => setTimeout(resolve));
        }`;
        assert.equal((await run(home, log, body)).kind, "succeeded");
        const bytes = log.output.reduce((sum, line) => sum + line.length + 1, 0);
        assert(bytes > 100_000 && bytes < 1_200_000, `${bytes}`);
        assert.match(log.output.at(-1) ?? "", /the rest was left out$/);
      },
    },
    binary: {
      name: "is shown as text, long lines cut, when it logs control characters",
      test: async (home, log) => {
        const body = `context.log.info("\\x1b[31mred\\0\\r\\n"); console.log("x".repeat(20000));`;
        assert.equal((await run(home, log, body)).kind, "succeeded");
        assert.deepEqual(log.output, ["\\x1b[31mred\\x00\\x0d\\x0a", "x".repeat(4096)]);
      },
    },
    noInterpreter: {
      name: "fails with a hint when its entry is missing or no program",
      test: async (home, log) => {
        await install(home, "");
        const entry = join(home.extensionsDir, "modules", name, "main.ts");
        await Deno.remove(entry);
        await using runner = await open(home, log);
        const missing = await runner.run(requestOf(event), never);
        assert(missing.kind === "failed" && /Module not found.*main\.ts/.test(missing.reason));
        await Deno.writeTextFile(entry, "export function handle( {");
        const broken = await runner.run(requestOf(event), never);
        assert(broken.kind === "failed" && /main\.ts/.test(broken.reason), JSON.stringify(broken));
      },
    },
    readsLargeValues: {
      name: "gets values over 128 KiB and documents as they are",
      test: async (home, log) => {
        const facts = { ...noFacts, topology: { x: "y".repeat(200_000) } };
        const { kind } = await run(
          home,
          log,
          `const { x } = await context.topology();
           context.log.info([context.values.LONG, event.values.LONG, x].map(({ length }) => length).join());`,
          {},
          requestOf(event, { LONG: "z".repeat(140_000) }, facts),
        );
        assert.equal(kind, "succeeded");
        assert.deepEqual(log.output, ["140000,140000,200000"]);
      },
    },
    printsEnvironment: {
      name: "sees none of the agent's secrets",
      test: async (home, log) => {
        await install(
          home,
          `export function handle(event, { values }) {
            console.log(JSON.stringify(values));
            for (const name of ["MB_PASSWORD", "HOME"]) {
              try { console.log(Deno.env.get(name)); } catch { console.log("refused"); }
            }
          }`,
        );
        {
          await using runner = await open(home, log, {}, {
            MEMBER_ID: "m-1",
            CARTRIDGE_KEY: "hidden",
            TOKEN: "hidden",
            ADMIN_PASSWORD: "hidden",
          });
          const { kind } = await runner.run(requestOf(event), never);
          assert.equal(kind, "succeeded");
        }
        const text = log.output.join("\n");
        assert(text.includes('"MEMBER_ID":"m-1"') && text.endsWith("refused\nrefused"), text);
        assert(!/hidden/.test(text), text);
      },
    },
  },
};
