import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockHome } from "../../src/agent/home_lock.ts";
import { startAgentProcess } from "../e2e/agent_process.ts";
import { embeddedPeers } from "../e2e/peer_kit.ts";
import { canaries, openScene } from "../e2e/scene.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function command(args: readonly string[], flags = ["--allow-all"]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, join(project, "main.ts"), ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("help: names every command and needs no permission", async () => {
  const { code, out } = await command(["help"], []);
  assert.equal(code, 0);
  for (const name of ["run", "check", "permissions", "sandbox", "version"]) {
    assert.match(out, new RegExp(`^  ${name} `, "m"));
  }
});

Deno.test("version: prints the version of the project", async () => {
  const { code, out } = await command(["version"], []);
  assert.equal(code, 0);
  assert.match(out, /^cartridge-agent \d+\.\d+\.\d+ \(deno /);
});

for (
  const [name, args, message] of [
    ["there is none", [], /A command is missing/],
    ["there is no such one", ["fly"], /There is no command "fly"/],
    ["it is the name of an object's member", ["constructor"], /There is no command/],
    ["an option is unknown", ["check", "--fast"], /check: .*--fast/],
    ["a setting has no value", ["check", "--set", "secret-without-sign"], /--set needs key=value/],
    ["a format is unknown", ["permissions", "--format", "xml"], /there is no format "xml"/],
  ] as const
) {
  Deno.test(`command line: ends with 64 and says why when ${name}`, async () => {
    await using scene = await openScene(embeddedPeers, { receiver: false });
    const home = args.length > 1 ? ["--home", scene.home.path] : [];
    const { code, err } = await command([...args, ...home]);
    assert.equal(code, 64, err);
    assert.match(err, message);
    assert.ok(!err.includes("secret-without-sign"));
  });
}

Deno.test("check: prints the configuration with secrets masked", async () => {
  await using scene = await openScene(embeddedPeers);
  const { code, out, err } = await command(["check", "--home", scene.home.path]);
  assert.equal(code, 0, err);
  assert.match(out, /mb\.urls/);
  assert.match(out, /mb\.password\s+\*\*\*/);
  assert.ok(!(out + err).includes(canaries.broker));
});

Deno.test("check: ends with 78 and names all problems at once, without secrets", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const conf = join(scene.home.path, "agent.conf");
  const text = await Deno.readTextFile(conf);
  await Deno.writeTextFile(conf, `${text}\nmb.urls = nonsense:port\nauto.commit = perhaps\n`);
  const { code, err } = await command(["check", "--home", scene.home.path]);
  assert.equal(code, 78);
  assert.match(err, /mb\.urls/);
  assert.match(err, /auto\.commit/);
  assert.ok(!err.includes(canaries.broker));
});

Deno.test("check: applies settings of the command line over those of the files", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const set = ["--set", "mb.urls=broker.example:1999"];
  const { out } = await command(["check", "--home", scene.home.path, ...set]);
  assert.match(out, /mb\.urls\s+broker\.example:1999/);
});

Deno.test("permissions: prints flags for a binary, and directives of a unit", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const home = ["--home", scene.home.path];
  const [flags, compile, systemd] = await Promise.all([
    command(["permissions", ...home]),
    command(["permissions", "--format", "compile", ...home]),
    command(["permissions", "--format=systemd", ...home]),
  ]);
  assert.ok(compile.out.startsWith(flags.out), compile.out);
  assert.match(compile.out, /^--unstable-worker-options$/m);
  assert.match(systemd.out, new RegExp(`^ReadWritePaths=-${scene.home.stateDir}$`, "m"));
  assert.match(systemd.out, /^IPAddressAllow=127\.0\.0\.1\/32$/m);
  assert.equal(systemd.code + compile.code, 0);
});

Deno.test("permissions: prints one flag a line, or JSON with the same content", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const flags = await command(["permissions", "--home", scene.home.path]);
  const json = await command(["permissions", "--format", "json", "--home", scene.home.path]);
  const lines = flags.out.trimEnd().split("\n");
  assert.ok(lines.includes(`--allow-run=${join(scene.home.path, "extensions/launcher")}`));
  assert.ok(lines.includes(`--allow-net=127.0.0.1:${scene.broker.port}`));
  assert.deepEqual(JSON.parse(json.out).net, [`127.0.0.1:${scene.broker.port}`]);
});

Deno.test("run: ends with 78 and lists every missing permission when there are too few", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const flags = [`--allow-read=${scene.home.path}`, "--allow-env"];
  const { code, err } = await command(["run", "--home", scene.home.path], flags);
  assert.equal(code, 78);
  for (const flag of ["--allow-net=127.0.0.1:", "--allow-write=", "--allow-run="]) {
    assert.ok(err.includes(flag), err);
  }
});

Deno.test("run: ends with 75 when another agent holds the home", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  using _held = await lockHome(scene.home.stateDir);
  await using agent = await startAgentProcess(scene.home.path);
  assert.equal(await agent.ended, 75);
  assert.match(agent.output(), /another agent holds it/);
});

Deno.test("scripts/agent: runs the agent with the flags that it asks for, and ends it on a signal", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const child = new Deno.Command(join(project, "scripts/agent"), {
    args: ["run", "--home", scene.home.path],
    env: { DENO: Deno.execPath() },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  await scene.platform.until("CompleteTopologyRequestEvent", { timeoutMs: 30_000 });
  await scene.platform.initializeMember();
  await scene.platform.until("InstanceActivatedEvent", { timeoutMs: 30_000 });
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0, await stderr);
  await stderr;
});
