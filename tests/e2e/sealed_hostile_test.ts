import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RuntimeScope } from "../../src/scope/runtime_scope.ts";
import { workerPermissions } from "../../src/scope/worker_permissions.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";
import { flagsOf } from "./agent_process.ts";
import { hostileCode, loot, lootVariable, type Prey } from "./hostile_code.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";

const configuration = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Source text that has hostile code report what it got. */
const reporting =
  `console.log("REPORT " + JSON.stringify({ ...await attempts(), literal: await literal() }) + " END");`;

/** Source text of attempts at what the agent itself may do, and what has less may not. */
function afterTheAgent(home: string): string {
  const path = (name: string) => JSON.stringify(join(home, name));
  return `tries.startLauncher = () =>
  new Deno.Command(${path("extensions/launcher")}, { args: ["probe", "cgroup"] }).outputSync();
tries.readConfiguration = () => Deno.readTextFileSync(${path("agent.conf")});
tries.writeState = () => Deno.writeTextFileSync(${path("state/planted")}, "x");`;
}

interface Report {
  readonly tried: number;
  readonly got: readonly string[];
  readonly literal: readonly string[];
}

/** A secret file and a server for hostile code to be after. */
async function openPrey(home: string): Promise<Prey & AsyncDisposable & { hits(): number }> {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(await temporaryDirectory());
  for (const name of ["secret.txt", "secret.txt.not-named"]) {
    await Deno.writeTextFile(join(path, name), loot);
  }
  let hits = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    hits++;
    return new Response("export default 1", { headers: { "content-type": "text/javascript" } });
  });
  opened.use(server);
  const all = opened.move();
  return {
    secretFile: join(path, "secret.txt"),
    directory: path,
    home,
    port: (server.addr as Deno.NetAddr).port,
    hits: () => hits,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function reportIn(text: string): Report {
  const line = /REPORT (\{.*?\}) END/.exec(text);
  assert.ok(line, text);
  return JSON.parse(line[1]!);
}

const ways: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["in its seal", ["--allow-all"]],
  ["with exactly its scope", undefined],
];
for (const [title, flags] of ways) {
  Deno.test(`hostile extension module: in an agent ${title} gets nothing`, async () => {
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      home: {
        settings: { "extension.modules.allow": "hostile" },
        extensions: {
          "modules/hostile/module.json":
            `{ "name": "hostile", "entry": "main.ts", "events": ["InstanceActivatedEvent"] }`,
        },
      },
    });
    const { platform, home } = scene;
    await using prey = await openPrey(home.path);
    const literals = {
      secretFile: prey.secretFile,
      agentConf: join(home.path, "agent.conf"),
    };
    const module = join(home.path, "extensions", "modules", "hostile", "main.ts");
    await Deno.writeTextFile(
      module,
      `// deno-lint-ignore-file
// @ts-nocheck
${hostileCode(prey, literals)}
${afterTheAgent(home.path)}
export async function handle(_event, { log }) {
  log.info("REPORT " + JSON.stringify({ ...await attempts(), literal: await literal() }) + " END");
}`,
    );
    const agent = await scene.start({
      ...(flags ? { flags } : {}),
      environment: { [lootVariable]: loot },
    });
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    const output = join(home.logDir, "cartridge-agent-extensions.log");
    await untilFile(output, (text) => text.includes(" END"));
    const { tried, got, literal } = reportIn(await Deno.readTextFile(output));
    assert.ok(tried > 28);
    assert.deepEqual(got, []);
    assert.equal(prey.hits(), 0);
    // Not even through module loading: it is loaded by a computed name, with its worker's permissions.
    assert.deepEqual(literal, []);
    assert.equal(await agent.end(), 0, agent.output());
  });

  Deno.test(`hostile library: in an agent ${title} gets nothing outside of the scope by asking for it`, async () => {
    await using scene = await openScene(embeddedPeers, { receiver: false });
    const { home } = scene;
    await using prey = await openPrey(home.path);
    const library = join(prey.directory, "hostile.js");
    await Deno.writeTextFile(
      library,
      `${hostileCode(prey, { secretFile: prey.secretFile })}
export class MqttClient {}
export default {};
${reporting}
throw new Error("seen enough");
`,
    );
    const map = join(prey.directory, "map.json");
    await Deno.writeTextFile(
      map,
      JSON.stringify({ imports: await importsWith({ mqtt: library }) }),
    );
    const agent = await scene.start({
      flags: [...flags ?? await flagsOf(home.path), `--import-map=${map}`, "--no-lock"],
      environment: { [lootVariable]: loot },
    });
    assert.notEqual(await agent.ended, 0);
    const { tried, got, literal } = reportIn(agent.output());
    assert.ok(tried > 25);
    assert.deepEqual(got, []);
    assert.equal(prey.hits(), 0);
    // The gap: what the source of a library names is loaded with it, and no permission is asked for.
    assert.deepEqual(literal, ["secretFile"]);
  });
}

/** The libraries of the project, some of them replaced, and the files inside each. */
async function importsWith(other: Record<string, string>): Promise<Record<string, string>> {
  const { imports } = JSON.parse(await Deno.readTextFile(configuration)) as {
    imports: Record<string, string>;
  };
  const inside = Object.entries(imports)
    .map(([name, target]) => [`${name}/`, `${target.replace(/^npm:/, "npm:/")}/`] as const);
  return { ...imports, ...Object.fromEntries(inside), ...other };
}

Deno.test("hostile code: gets nearly all that it is after where nothing stops it", async () => {
  await using home = await temporaryDirectory();
  await Deno.mkdir(join(home.path, "extensions"));
  await using prey = await openPrey(home.path);
  const program = join(prey.directory, "program.js");
  await Deno.writeTextFile(program, `${hostileCode(prey, {})}\n${reporting}`);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", `--config=${configuration}`, program],
    env: { [lootVariable]: loot },
  }).output();
  const { tried, got } = reportIn(new TextDecoder().decode(stdout));
  // Name service and module loader may have nothing to give here.
  assert.ok(got.length >= tried - 3, `${got.length} of ${tried}: ${got}`);
  assert.ok(prey.hits() > 0);
});

peerTest(
  "hostile code: in a worker of a compiled binary gets what loading modules reads, and no more",
  ["denort"],
  async () => {
    await using home = await temporaryDirectory();
    await using prey = await openPrey(home.path);
    const inProgram = (name: string) => join(home.path, name);
    const nothing: RuntimeScope = { net: [], read: [], write: [], run: [], sys: [], env: [] };
    await Deno.writeTextFile(
      inProgram("worker.js"),
      `${hostileCode(prey, {})}
postMessage("REPORT " + JSON.stringify({ ...await attempts(), literal: [] }) + " END");`,
    );
    await Deno.writeTextFile(
      inProgram("main.js"),
      `const worker = new Worker(import.meta.resolve("./worker.js"), {
  type: "module",
  deno: { permissions: ${JSON.stringify(workerPermissions(nothing))} },
});
worker.onmessage = ({ data }) => { console.log(data); Deno.exit(0); };
worker.onerror = (event) => { console.log(event.message); };
`,
    );
    await Deno.writeTextFile(inProgram("deno.json"), `{ "unstable": ["worker-options"] }`);
    const flags = ["--allow-all", "--no-code-cache", "--include", inProgram("worker.js")];
    const output = inProgram("program");
    const compiled = await new Deno.Command(Deno.execPath(), {
      args: ["compile", "--quiet", ...flags, "--output", output, inProgram("main.js")],
      cwd: home.path,
    }).output();
    assert.ok(compiled.success, new TextDecoder().decode(compiled.stderr));
    const { stdout } = await new Deno.Command(output, { env: { [lootVariable]: loot } }).output();
    const { got } = reportIn(new TextDecoder().decode(stdout));
    // The gap, wider here: any path that the system's user may read, also one that is made up at run time.
    assert.deepEqual(got, ["importComputed"]);
    assert.equal(prey.hits(), 0);
  },
);

for (const [title, flags] of ways) {
  peerTest(`hostile library: in a Git job of an agent ${title} cannot even start the launcher`, [
    "git",
  ], async () => {
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      files: { "index.html": "first" },
    });
    const { platform, home, remote } = scene;
    await using prey = await openPrey(home.path);
    // Where the job may read; a real library comes out of Deno's cache, which everything may load.
    const gitDirectory = join(home.stateDir, "git", "-1234");
    await Deno.mkdir(gitDirectory, { recursive: true, mode: 0o700 });
    const library = join(gitDirectory, "hostile.js");
    await Deno.writeTextFile(
      library,
      `${hostileCode(prey, { secretFile: prey.secretFile })}
${afterTheAgent(home.path)}
export default {};
${reporting}
throw new Error("seen enough");
`,
    );
    const map = join(prey.directory, "map.json");
    const imports = await importsWith({ "isomorphic-git": library });
    await Deno.writeTextFile(map, JSON.stringify({ imports }));
    const agent = await scene.start({
      flags: [...flags ?? await flagsOf(home.path), `--import-map=${map}`, "--no-lock"],
      environment: { [lootVariable]: loot },
    });
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    const log = join(home.logDir, "agent.log");
    // It is loaded for an update: a first checkout does without.
    await untilFile(log, (text) => text.includes("Checked out commit"));
    await remote!.commit("application", { "index.html": "second" });
    await untilFile(log, (text) => text.includes("seen enough"));
    assert.equal(await agent.end(), 0, agent.output());
    const { tried, got, literal } = reportIn(agent.output());
    assert.ok(tried > 28);
    assert.deepEqual(got, []);
    assert.equal(prey.hits(), 0);
    assert.deepEqual(literal, []);
  });
}

Deno.test("hostile library: in the agent's own thread it can have the launcher run what it likes", async () => {
  await using scene = await openScene(embeddedPeers, { receiver: false });
  const { home } = scene;
  await using prey = await openPrey(home.path);
  const library = join(prey.directory, "hostile.js");
  const launcher = join(home.path, "extensions", "launcher");
  await Deno.writeTextFile(library, throughLauncher(launcher, prey.secretFile));
  const map = join(prey.directory, "map.json");
  await Deno.writeTextFile(map, JSON.stringify({ imports: await importsWith({ mqtt: library }) }));
  const flags = [...await flagsOf(home.path), `--import-map=${map}`, "--no-lock"];
  const agent = await scene.start({ flags });
  assert.notEqual(await agent.ended, 0);
  // A gap that permissions cannot close: a shell with the environment of the caller's choice. When this
  // fails because the launcher has been closed to it, the page about security is to say so.
  assert.match(agent.output(), new RegExp(`REPORT .*${loot}.* END`, "s"));
});

/** A library that orders its own text from a launcher that waits. */
function throughLauncher(launcher: string, secret: string): string {
  return `const child = new Deno.Command(${JSON.stringify(launcher)}, {
  args: ["await"],
  stdin: "piped",
  stdout: "piped",
}).spawn();
const order = child.stdin.getWriter();
await order.write(new TextEncoder().encode("cat '${secret}'\\n"));
await order.close();
const { stdout } = await child.output();
console.log("REPORT " + new TextDecoder().decode(stdout) + " END");
export class MqttClient {}
throw new Error("seen enough");
`;
}

Deno.test("hostile library: none is loaded before the seal is around it", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL("../../src/cli/run.ts", import.meta.url))],
  }).output();
  assert.ok(success);
  const { roots, modules } = JSON.parse(new TextDecoder().decode(stdout)) as ModuleGraph;
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const loaded = new Set(roots);
  for (const specifier of loaded) {
    for (const { isDynamic, code } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) loaded.add(code.specifier);
    }
  }
  assert.ok(loaded.size > 30);
  assert.deepEqual([...loaded].filter((specifier) => !/^(file|node):/.test(specifier)), []);
});

interface ModuleGraph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}
