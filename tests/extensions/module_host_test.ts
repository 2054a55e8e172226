import assert from "node:assert/strict";
import { join } from "node:path";
import { findModules } from "../../src/extensions/module_catalogue.ts";
import { ModuleHost } from "../../src/extensions/module_host.ts";
import { FakeClock } from "../fake_clock.ts";
import { memoryLog } from "../memory_log.ts";
import { handleCall, healthCall, openModuleHome, shippedModules } from "./module_home.ts";

const never = new AbortController().signal;

Deno.test("module: is given event, values, settings and answers, and its lines are logged", async () => {
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export async function handle(event, { values, settings, log, topology, runScript }) {
      log.info([event.name, values.A, settings.b].join(" "));
      log.error("two\\nlines");
      console.log((await topology()).what, (await runScript("Copy", { SOURCE: "s" })).name);
    }`,
    { settings: { b: "B" } },
  );
  const log = memoryLog();
  await using host = await home.host(log, "m");
  assert.deepEqual(host.subscribers("StartServers"), ["m"]);
  assert.deepEqual(host.subscribers("InstanceActivatedEvent"), []);
  const outcome = await host.call("m", handleCall({ A: "a" }), never);
  assert.equal(outcome.kind, "done", JSON.stringify(outcome));
  await host[Symbol.asyncDispose]();
  assert.deepEqual(log.records.map(({ level, name, message }) => [level, name, message]), [
    ["info", "test.output", "StartServers a B"],
    ["error", "test.output", "two\\x0alines"],
    ["info", "test.output", "topology Copy"],
  ]);
});

const refusals: readonly [string, string, RegExp][] = [
  ["reads outside", `await Deno.readTextFile(new URL("../../../secret", import.meta.url))`, /read/],
  [
    "imports outside",
    `await import("../../../secret", { with: { type: "text" } })`,
    /read access/,
  ],
  ["writes", `await Deno.writeTextFile(new URL("./x", import.meta.url), "")`, /write access/],
  ["reaches another port", `await fetch("http://127.0.0.1:65000/")`, /net access/],
  ["looks into the environment", `Deno.env.get("HOME")`, /env access/],
  ["starts a program", `new Deno.Command("/bin/true").outputSync()`, /run access/],
  [
    "gives a worker more",
    `new Worker("data:text/javascript,", { type: "module", deno: { permissions: { net: true } } })`,
    /./,
  ],
];
for (const [title, code, reason] of refusals) {
  Deno.test(`module: is refused when it ${title}`, async () => {
    await using home = await openModuleHome();
    await Deno.writeTextFile(join(home.dir, "secret"), "secret");
    await home.module("m", `export async function handle() { ${code}; }`, {
      permissions: { net: ["127.0.0.1:1"] },
    });
    await using host = await home.host(memoryLog(), "m", "m:net");
    const outcome = await host.call("m", handleCall(), never);
    assert.ok(outcome.kind === "failed" && reason.test(outcome.reason), JSON.stringify(outcome));
  });
}

const misbehaviours: readonly [string, string, RegExp][] = [
  ["throws", `throw new Error("mine")`, /^mine$/],
  [
    "throws later",
    `setTimeout(() => { throw new Error("later") }); await new Promise(() => {})`,
    /later/,
  ],
  ["leaves a rejection", `Promise.reject(new Error("lost")); await new Promise(() => {})`, /lost/],
  ["exits", `Deno.exit(3)`, /exit/],
  ["exits as in Node", `(await import("node:process")).default.exit(3)`, /exit/],
  ["never ends", `await new Promise(() => {})`, /time limit/],
  [
    "asks too much",
    `for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 9 }, () => topology()))`,
    /questions at once/,
  ],
];
for (const [title, code, reason] of misbehaviours) {
  Deno.test(`module: harms nothing else when it ${title}, and is called again`, async () => {
    await using home = await openModuleHome();
    const body = `export async function handle(event, { values, topology }) {
      if (values.GOOD) return;
      ${code};
    }`;
    await home.module("m", body, { timeoutSeconds: 0.7 });
    await using host = await home.host(memoryLog(), "m");
    const outcome = await host.call("m", handleCall(), never);
    assert.ok(outcome.kind === "failed" && reason.test(outcome.reason), JSON.stringify(outcome));
    const next = await host.call("m", handleCall({ GOOD: "1" }), never);
    assert.equal(next.kind, "done", JSON.stringify(next));
  });
}

Deno.test("module: fails in its calls alone when it cannot be imported", async () => {
  await using home = await openModuleHome();
  await home.module("m", `throw new Error("at import");`);
  await home.module("fine", `export function handle() {}`);
  await using host = await home.host(memoryLog(), "m", "fine");
  const outcome = await host.call("m", handleCall(), never);
  assert.deepEqual(outcome, { kind: "failed", reason: "at import" });
  assert.equal((await host.call("fine", handleCall(), never)).kind, "done");
});

Deno.test("module: floods nothing with its log", async () => {
  await using home = await openModuleHome();
  await home.module(
    "m",
    `export async function handle(event, { log }) {
      for (let i = 0; i < 300; i++) {
        for (let j = 0; j < 200; j++) log.info("x".repeat(10_000));
        await new Promise((resolve) => setTimeout(resolve));
      }
    }`,
  );
  const log = memoryLog();
  await using host = await home.host(log, "m");
  assert.equal((await host.call("m", handleCall(), never)).kind, "done");
  await host[Symbol.asyncDispose]();
  assert.ok(log.records.length <= 10_101, `${log.records.length} lines`);
  assert.ok(log.records.every(({ message }) => message.length <= 4_096));
  assert.ok(log.records.some(({ message }) => message.includes("left out")));
});

Deno.test("module: stops at once when its run is cancelled, while it runs and while it waits", async () => {
  await using home = await openModuleHome();
  await home.module("m", `export const handle = () => new Promise(() => {});`);
  await using host = await home.host(memoryLog(), "m");
  const abort = new AbortController();
  const running = host.call("m", handleCall(), abort.signal);
  const waiting = host.call("m", handleCall(), abort.signal);
  abort.abort();
  assert.deepEqual(await Promise.all([running, waiting]), [{ kind: "cancelled" }, {
    kind: "cancelled",
  }]);
});

Deno.test("module: keeps its worker between calls, and loses it after a minute without work", async () => {
  await using home = await openModuleHome();
  await home.module("m", `let calls = 0; export const readHealth = () => ++calls;`, {
    events: [],
    provides: ["health"],
  });
  const { modules } = await findModules(home.search("m"));
  const clock = new FakeClock();
  await using host = new ModuleHost({ modules, log: memoryLog(), clock });
  const read = () => host.call("m", healthCall, never);
  assert.deepEqual(await read(), { kind: "done", value: 1 });
  await clock.advance(59_000);
  assert.deepEqual(await read(), { kind: "done", value: 2 });
  await clock.advance(60_000);
  assert.deepEqual(await read(), { kind: "done", value: 1 });
});

Deno.test("web-hook: posts the event to the one host that it may reach", async () => {
  const got = Promise.withResolvers<unknown>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      got.resolve(await request.json());
      return new Response("ok");
    },
  );
  await using home = await openModuleHome();
  const { port } = server.addr as Deno.NetAddr;
  await home.module("web-hook", await Deno.readTextFile(join(shippedModules, "web-hook/main.ts")), {
    permissions: { net: [`127.0.0.1:${port}`] },
    settings: { url: `http://127.0.0.1:${port}/` },
  });
  await using host = await home.host(memoryLog(), "web-hook:net");
  const outcome = await host.call("web-hook", handleCall({ MEMBER_ID: "m-1" }), never);
  assert.equal(outcome.kind, "done", JSON.stringify(outcome));
  assert.deepEqual(await got.promise, { event: "StartServers", values: {}, MEMBER_ID: "m-1" });
});

Deno.test("disk-usage: tells how full its directory is", async () => {
  await using home = await openModuleHome();
  const directory = join(home.dir, "www");
  await Deno.mkdir(join(directory, "sub"), { recursive: true });
  await Deno.writeFile(join(directory, "a"), new Uint8Array(512 * 1024));
  await Deno.writeFile(join(directory, "sub/b"), new Uint8Array(256 * 1024));
  await home.module(
    "disk-usage",
    await Deno.readTextFile(join(shippedModules, "disk-usage/main.ts")),
    {
      events: [],
      provides: ["health"],
      permissions: { read: [directory] },
      settings: { directory, quotaMiB: "1" },
    },
  );
  await using host = await home.host(memoryLog(), "disk-usage:read");
  assert.equal(host.provider("health")?.name, "disk-usage");
  const outcome = await host.call("disk-usage", healthCall, never);
  assert.deepEqual(outcome, { kind: "done", value: { further: { disk_usage: 75 } } });
});

Deno.test("module: its last lines are in the log before the end of its call is told", async () => {
  await using home = await openModuleHome();
  const lines = `for (let i = 0; i < 50; i++) log.info(String(i));`;
  await home.module(
    "m",
    `export function handle(event, { log, values }) {
      ${lines}
      if (values.BAD) throw new Error("bad");
    }`,
  );
  const log = memoryLog();
  await using host = await home.host(log, "m");
  await host.call("m", handleCall(), never);
  assert.equal(log.records.length, 50);
  await host.call("m", handleCall({ BAD: "1" }), never);
  assert.equal(log.records.length, 100);
});
