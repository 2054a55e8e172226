import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import { filesBelow } from "../../scripts/files_below.ts";
import { project } from "../../scripts/program_stage.ts";
import { untilFile } from "../e2e/extension_runs.ts";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { openScene, patience, sequence, wholeLife } from "../e2e/scene.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { runProgram } from "./compiled_program.ts";

/** What a clone needs to build. */
const sourceFiles = ["main.ts", "deno.json", "deno.lock"];
const sourceDirectories = ["src", "conf", "extensions", "scripts"];

/** The sources in another place, made in another order and at another time. */
async function copySources(from: string, to: string): Promise<void> {
  const below = sourceDirectories.map(async (name) =>
    (await filesBelow(join(from, name))).map((path) => join(name, path))
  );
  const paths = [...sourceFiles, ...(await Promise.all(below)).flat()];
  for (const path of from === project ? paths : paths.reverse()) {
    const target = join(to, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.copyFile(join(from, path), target);
    if (from !== project) await Deno.utime(target, 1_000_000, 1_000_000);
  }
}

/** Builds in a clone, as a user does. */
async function build(clone: string, output: string): Promise<string> {
  const args = ["run", "--quiet", "--allow-all", "scripts/compile.ts", "--output", output];
  const { code, err } = await runProgram(Deno.execPath(), args, { cwd: clone });
  assert.equal(code, 0, err);
  return output;
}

peerTest(
  "compiled program: is one binary that does what the sources do",
  ["denort", "git"],
  async (t) => {
    await using place = await temporaryDirectory();
    const clone = join(place.path, "a clone");
    await copySources(project, clone);
    const binary = await build(clone, join(place.path, "cartridge-agent"));

    await t.step("is the same byte for byte when it is built elsewhere", async () => {
      const other = join(place.path, "elsewhere/another clone");
      await copySources(clone, other);
      const output = await build(other, join(place.path, "another name"));
      assert.equal((await Deno.stat(output)).mode! & 0o777, 0o755);
      assert.equal(Buffer.compare(await Deno.readFile(binary), await Deno.readFile(output)), 0);
    });

    await t.step("plays the sandbox", async () => {
      const { code, out, err } = await runProgram(binary, ["sandbox", "--once"], {
        cwd: place.path,
      });
      assert.equal(code, 0, out + err);
      assert.match(out, /all 18 steps happened/);
      assert.equal(err, "");
    });

    await t.step("lays out a home that it then checks", async () => {
      const home = join(place.path, "home");
      const init = await runProgram(binary, ["init", home]);
      assert.equal(init.code, 0, init.err);
      const modeOf = async (path: string) => (await Deno.stat(join(home, path))).mode! & 0o777;
      assert.equal(await modeOf("extensions/launcher"), 0o755);
      assert.deepEqual(
        (await filesBelow(join(home, "extensions"))).filter((path) => !path.startsWith(".")),
        (await filesBelow(join(project, "extensions"))).filter((path) => !path.startsWith(".")),
      );
      await Deno.copyFile(
        join(home, "payload/launch-params.example"),
        join(home, "payload/launch-params"),
      );
      const check = ["check", "--home", home, "--set", "mb.urls=127.0.0.1:1883"];
      const own = await runProgram(binary, check);
      assert.equal(own.code, 0, own.err);
      assert.doesNotMatch(own.out, /launcher of this version/);
      await Deno.writeTextFile(join(home, "extensions/launcher"), "# older\n", { append: true });
      assert.match((await runProgram(binary, check)).out, /not the launcher of this version/);
    });

    await t.step("lives a whole life in a seal, with modules and artifacts", async () => {
      using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const scratch = join(place.path, "scratch");
      await Deno.mkdir(scratch);
      await using scene = await openScene(embeddedPeers, {
        files: { "index.html": "first" },
        home: {
          ports: [application.addr.port],
          settings: { "extension.modules.allow": "told" },
          extensions: {
            "modules/told/module.json": JSON.stringify({
              name: "told",
              entry: "main.ts",
              events: ["InstanceActivatedEvent"],
            }),
            "modules/told/main.ts":
              `export function handle(event: { name: string }, context: { log: { info(text: string): void } }) {
  context.log.info("the module was told of " + event.name);
}
`,
          },
        },
      });
      const { platform, home, remote } = scene;
      const agent = await scene.start({ program: [binary], environment: { TMPDIR: scratch } });
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.until("InstanceActivatedEvent", patience);
      await scene.nextHealth("load_average");
      const told = join(home.logDir, "cartridge-agent-extensions.log");
      await untilFile(told, (text) => /the module was told of InstanceActivatedEvent/.test(text));
      await remote!.commit("application", { "index.html": "second" });
      const index = join(home.applicationPath, "index.html");
      await untilFile(index, (content) => content === "second");
      await platform.sendCleanupMember();
      await platform.until("InstanceReadyToShutdownEvent", patience);
      assert.equal(await agent.end(), 0, agent.output());
      assert.deepEqual(sequence(platform), wholeLife);
      assert.match(
        await Deno.readTextFile(join(home.logDir, "agent.log")),
        /Sealed: gave up further permissions for net, read, write, run\b/,
      );
      assert.deepEqual([...Deno.readDirSync(scratch)], []);
    });

    await t.step("ends with the status of what is wrong", async () => {
      assert.equal((await runProgram(binary, ["fly"])).code, 64);
      assert.equal((await runProgram(binary, ["check", "--home", "/nowhere"])).code, 78);
    });
  },
);
