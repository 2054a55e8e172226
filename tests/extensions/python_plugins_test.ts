import assert from "node:assert/strict";
import { join } from "node:path";
import * as fc from "fast-check";
import { peerTest } from "../system_peers.ts";
import {
  findPythonPlugins,
  parsePluginDescriptor,
  pluginAdvice,
} from "../../src/extensions/python_plugins.ts";
import {
  never,
  noFacts,
  openExtensionHome,
  requestOf,
  runnerOn,
  shippedExtensions,
  watchedLog,
} from "./extension_home.ts";

const descriptor = `[Core]
Name = PHP start servers
Module = PhpServerStarterPlugin

[Documentation]
Description = StartServers, ArtifactUpdatedEvent
Author = Apache Stratos
`;

Deno.test("python plugins: reads name, module and events of a descriptor", () => {
  assert.deepEqual(parsePluginDescriptor(descriptor, "php/Php.yapsy-plugin"), {
    descriptor: "php/Php.yapsy-plugin",
    name: "PHP start servers",
    source: "php/PhpServerStarterPlugin.py",
    events: ["StartServers", "ArtifactUpdatedEvent"],
  });
  assert.deepEqual(parsePluginDescriptor("", "X.yapsy-plugin"), {
    descriptor: "X.yapsy-plugin",
    name: "X",
    source: "X.py",
    events: [],
  });
});

Deno.test("python plugins: reads whatever a descriptor holds", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const { events } = parsePluginDescriptor(text, "X.yapsy-plugin");
    assert(events.every((event) => event !== ""));
  }));
});

Deno.test("python plugins: finds descriptors in folders, and nothing where there are none", async () => {
  await using home = await openExtensionHome();
  const dir = join(home.dir, "plugins");
  assert.deepEqual(await findPythonPlugins(dir), []);
  await Deno.mkdir(join(dir, "php"), { recursive: true });
  await Deno.writeTextFile(join(dir, "php", "A.yapsy-plugin"), descriptor);
  await Deno.writeTextFile(join(dir, "B.yapsy-plugin"), "Description = Nonsense");
  const plugins = await findPythonPlugins(dir);
  assert.deepEqual(plugins.map((plugin) => plugin.descriptor), [
    "B.yapsy-plugin",
    "php/A.yapsy-plugin",
  ]);
  const [b, a] = pluginAdvice(plugins, ["StartServers", "ArtifactUpdatedEvent"]);
  assert.match(b ?? "", /B .* names no known event and is not run; not known: Nonsense/);
  assert.match(a ?? "", /wants StartServers, ArtifactUpdatedEvent/);
  assert.match(a ?? "", /plugins\/php\/PhpServerStarterPlugin\.py/);
  assert.match(a ?? "", /extensions\/StartServers\.d\/PHP-start-servers/);
});

/** Runs a plugin with the example runner. */
function pythonTest(
  name: string,
  source: string,
  check: (run: {
    readonly outcome: string;
    readonly output: readonly string[];
  }) => void,
): void {
  peerTest(name, ["python3"], async () => {
    await using home = await openExtensionHome();
    const runPlugin = join(shippedExtensions, "examples", "run-python-plugin");
    await home.script("StartServers.d/50-Starter", await Deno.readTextFile(runPlugin));
    await home.script("plugins/Starter.py", `#!python\n${source}`, 0o644);
    await home.script("plugins/Starter.yapsy-plugin", descriptor, 0o644);
    const log = watchedLog();
    const launchParameters = { APPLICATION_PATH: "/var/www" };
    await using runner = runnerOn(home, log, {}, { launchParameters });
    const facts = { ...noFacts, topology: { x: "y".repeat(200_000) } };
    const request = requestOf("StartServers", {}, facts);
    const { kind } = await runner.run(request, never);
    check({ outcome: kind, output: log.output });
    const left = [...Deno.readDirSync(join(home.extensionsDir, "plugins"))].map((e) => e.name);
    assert.deepEqual(left.sort(), ["Starter.py", "Starter.yapsy-plugin"]);
  });
}

pythonTest(
  "python plugins: the example runner calls run_plugin with the values without their prefix",
  `from plugins.contracts import ICartridgeAgentPlugin
class Starter(ICartridgeAgentPlugin):
    def run_plugin(self, values):
        print(values["EVENT"], values["APPLICATION_PATH"], len(values["TOPOLOGY_JSON"]))
        print(any(name.startswith("STRATOS_") for name in values))
`,
  ({ outcome, output }) => {
    assert.deepEqual(output, ["StartServers /var/www 200008", "False"]);
    assert.equal(outcome, "succeeded");
  },
);

pythonTest(
  "python plugins: the example runner fails when the plugin raises",
  `class Starter:
    def run_plugin(self, values):
        raise ValueError("no server")
`,
  ({ outcome, output }) => {
    assert.equal(outcome, "failed");
    assert.equal(output.at(-1), "ValueError: no server");
  },
);

pythonTest(
  "python plugins: the example runner fails when there is no class to run",
  "x = 1\n",
  ({ outcome, output }) => {
    assert.equal(outcome, "failed");
    assert.match(output.at(-1) ?? "", /0 classes with run_plugin/);
  },
);

Deno.test("python plugins: advice is bounded when there are many plugins with long names", () => {
  const plugins = Array.from({ length: 1_000 }, (_, index) => ({
    descriptor: `p${index}.yapsy-plugin`,
    name: "x".repeat(60_000),
    source: `p${index}.py`,
    events: ["StartServers"],
  }));
  const advice = pluginAdvice(plugins, ["StartServers"]);
  assert.equal(advice.length, 51);
  assert.equal(advice.at(-1), "950 more Python plugins are not run by themselves");
  assert.ok(advice.every((line) => line.length <= 1_002));
});

Deno.test("python plugins: pipes and dangling links among descriptors hold nothing up", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await new Deno.Command("mkfifo", { args: [join(dir, "A.yapsy-plugin")] }).output();
    await Deno.symlink(join(dir, "absent"), join(dir, "B.yapsy-plugin"));
    await Deno.writeTextFile(join(dir, "C.yapsy-plugin"), descriptor);
    const plugins = await findPythonPlugins(dir);
    assert.deepEqual(plugins.map((plugin) => plugin.descriptor), ["C.yapsy-plugin"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
