import assert from "node:assert/strict";
import { join } from "node:path";
import {
  never,
  noFacts,
  openExtensionHome,
  requestOf,
  runnerOn,
  watchedLog,
} from "./extension_home.ts";
import { systemClock } from "../../src/base/clock.ts";
import { findModules } from "../../src/extensions/module_catalogue.ts";
import { ModuleHost } from "../../src/extensions/module_host.ts";

async function runnerWithModule(home: Awaited<ReturnType<typeof openExtensionHome>>, code: string) {
  const dir = join(home.extensionsDir, "modules/m");
  await Deno.mkdir(dir, { recursive: true });
  const manifest = { name: "m", entry: "main.ts", events: ["StartServers"] };
  await Deno.writeTextFile(join(dir, "module.json"), JSON.stringify(manifest));
  await Deno.writeTextFile(join(dir, "main.ts"), code);
  const paths = { ...home, terminatorFile: join(home.dir, "terminator.txt") };
  const { modules, problems } = await findModules({
    config: { allowedModules: ["m"] },
    paths,
    events: ["StartServers"],
  });
  assert.deepEqual(problems, []);
  const log = watchedLog();
  const host = new ModuleHost({ modules, log, clock: systemClock });
  const launchParameters = {
    MEMBER_ID: "m-1",
    CARTRIDGE_KEY: "tvnw63ufg9gh5111",
    DB_PASSWORD: "x",
    URL: "http://user:pass@host/",
  };
  const runner = runnerOn(home, log, {}, { modules: host, launchParameters });
  return { log, host, runner };
}

Deno.test("modules: run after the script, told what it is told but the secrets", async () => {
  await using home = await openExtensionHome();
  await home.script("bash/StartServers.sh", "echo script");
  await home.script("bash/CopyArtifacts.sh", 'echo "copies $1 to $2 for $STRATOS_EVENT"');
  const { runner, host, log } = await runnerWithModule(
    home,
    `export async function handle(event, context) {
      const { values } = context;
      context.log.info("module " + JSON.stringify([
        event.values.OWN, values.MEMBER_ID, values.EVENT, values.CARTRIDGE_KEY, values.DB_PASSWORD,
        values.URL, (await context.topology()).serviceMap.a,
      ]));
      const copied = await context.runScript("CopyArtifacts", { SOURCE: "a b", DEST: "c" });
      const absent = await context.runScript("NoSuchThing");
      context.log.info([copied.succeeded, absent.succeeded, absent.reason].join());
    }`,
  );
  await using _host = host;
  await using _runner = runner;
  const facts = { ...noFacts, topology: { serviceMap: { a: 1 } } };
  const outcome = await runner.run(requestOf("StartServers", { OWN: "own" }, facts), never);
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  await log.until("true,false,no script is installed for NoSuchThing");
  assert.deepEqual(log.output.slice(0, 3), [
    "script",
    'module ["own","m-1","StartServers",null,null,"http://host/",1]',
    "copies a b to c for CopyArtifacts",
  ]);
});

Deno.test("modules: run for an event without a script, and fail it when they fail", async () => {
  await using home = await openExtensionHome();
  const { runner, host, log } = await runnerWithModule(
    home,
    `export function handle() { throw new Error("mine"); }`,
  );
  await using _host = host;
  await using _runner = runner;
  const outcome = await runner.run(requestOf("StartServers"), never);
  assert.deepEqual(outcome, { kind: "failed", reason: "modules/m: mine" });
  await log.until("extension StartServers modules/m status=1");
  assert.deepEqual(await runner.run(requestOf("clean"), never), { kind: "none" });
});
