import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load_config.ts";
import { settingsTemplate, settingsType } from "../../scripts/puppet/generate.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const module = join(project, "scripts/puppet/cartridge_agent");

const unchanged = 0;
const changed = 2;

async function run(program: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  return { code, text: await new Blob([stdout, stderr]).text() };
}

Deno.test("puppet: type and template of the settings are those of the table", async () => {
  const hint = "deno run --allow-write=scripts/puppet scripts/puppet/generate.ts";
  const type = await Deno.readTextFile(join(module, "types/settings.pp"));
  assert.equal(type, settingsType(), hint);
  const template = await Deno.readTextFile(join(module, "templates/agent.conf.epp"));
  assert.equal(template, settingsTemplate(), hint);
  assert.match(type, /'mb\.urls'/);
  assert.doesNotMatch(type, /password/, "secrets come from files");
});

peerTest("puppet: the module is valid and in good style", ["puppet", "puppet-lint"], async () => {
  const { code, text } = await run("puppet", ["parser", "validate", module]);
  assert.equal(code, 0, text);
  const templates = ["agent.conf", "cartridge-agent.service"].map((name) =>
    join(module, "templates", `${name}.epp`)
  );
  const checked = await run("puppet", ["epp", "validate", ...templates]);
  assert.equal(checked.code, 0, checked.text);
  const lint = await run("puppet-lint", ["--fail-on-warnings", module]);
  assert.equal(lint.code, 0, lint.text);
});

/** A directory with a module of the operator's, and what applies a class of it. */
async function openSite() {
  const dir = await temporaryDirectory();
  const at = (path: string) => join(dir.path, path);
  for (const path of ["target", "modules/mine/templates/php", "modules/mine/files/plugins"]) {
    await Deno.mkdir(at(path), { recursive: true });
  }
  await Deno.symlink(module, at("modules/cartridge_agent"));
  await Deno.writeTextFile(
    at("modules/mine/templates/php/StartServers.sh.erb"),
    "#!/bin/sh\n# <%= @home %>\n",
  );
  await Deno.writeTextFile(at("modules/mine/files/plugins/Mine.py"), "pass\n");
  const agent = `#!/bin/sh\nDENO='${Deno.execPath()}' exec '${project}scripts/agent' "$@"\n`;
  await Deno.writeTextFile(at("agent"), agent, { mode: 0o755 });
  return {
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    at,
    home: at("target/cartridge-agent-0.1.0"),
    apply: async (parameters: string) => {
      await Deno.writeTextFile(at("site.pp"), `class { 'cartridge_agent': ${parameters} }\n`);
      return await run("puppet", [
        "apply",
        "--detailed-exitcodes",
        `--modulepath=${at("modules")}`,
        `--confdir=${at("conf")}`,
        `--vardir=${at("var")}`,
        at("site.pp"),
      ]);
    },
  };
}

peerTest(
  "puppet: lays out a home that the agent accepts, and changes nothing twice",
  ["puppet"],
  async () => {
    await using site = await openSite();
    const { at, home } = site;
    const { username } = await owner();
    const parameters = `
    owner => '${username}', group => '${(await owner()).group}',
    target => '${at("target")}', type => 'php', module => 'mine', program => '${at("agent")}',
    custom_templates => ['StartServers.sh'], exclude_templates => ['VolumeMount.sh'],
    custom_plugins => ['Mine.py'], auto_commit => true, launch_params => '${at("user-data")}',
    settings => { 'mb.urls' => 'broker.example:1883', 'stats.notifier.interval' => 20 },`;
    const first = await site.apply(parameters);
    assert.equal(first.code, changed, first.text);
    const second = await site.apply(parameters);
    assert.equal(second.code, unchanged, second.text);

    const start = await Deno.readTextFile(join(home, "extensions/bash/StartServers.sh"));
    assert.equal(start, `#!/bin/sh\n# ${home}\n`);
    assert.equal(await exists(join(home, "extensions/bash/VolumeMount.sh")), false);
    assert.ok(await exists(join(home, "extensions/launcher")));
    assert.ok(await exists(join(home, "plugins/Mine.py")));
    await Deno.writeTextFile(
      at("user-data"),
      "APPLICATION_ID=a,SERVICE_NAME=s,CLUSTER_ID=c,CLUSTER_INSTANCE_ID=ci,MEMBER_ID=m," +
        "NETWORK_PARTITION_ID=n,PARTITION_ID=p,MULTITENANT=false,TENANT_ID=1",
    );
    const { config } = await loadConfig({ home, cwd: home, readEnv: () => undefined });
    assert.equal(config.broker.urls[0]?.host, "broker.example");
    assert.equal(config.health.intervalMs, 20_000);
    assert.equal(config.artifacts.autoCommit, true);

    // What was changed by hand comes back, and nothing else.
    await Deno.writeTextFile(join(home, "agent.conf"), "[agent]\n");
    const third = await site.apply(parameters);
    assert.equal(third.code, changed, third.text);
    assert.match(await Deno.readTextFile(join(home, "agent.conf")), /broker\.example/);
  },
);

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ["an unknown setting", "settings => { 'mb.url' => 'x:1' },", /unrecognized key 'mb\.url'/],
  ["a password among the settings", "settings => { 'mb.password' => 'x' },", /mb\.password/],
  ["a value of two lines", 'settings => { "mb.urls" => "a:1\\nx = y" },', /mb\.urls/],
  ["a template of no module", "custom_templates => ['StartServers.sh'],", /need module/],
  ["a template outside", "module => 'm', custom_templates => ['../x'],", /custom_templates/],
];
for (const [title, parameters, reason] of wrong) {
  peerTest(`puppet: refuses ${title} before anything is changed`, ["puppet"], async () => {
    await using site = await openSite();
    const { code, text } = await site.apply(`target => '${site.at("target")}', ${parameters}`);
    assert.equal(code, 1, text);
    assert.match(text, reason);
    assert.equal(await exists(site.home), false);
  });
}

/** Who runs the tests: the files are to belong to somebody who exists. */
async function owner(): Promise<{ readonly username: string; readonly group: string }> {
  const [username, group] = await Promise.all([run("id", ["-un"]), run("id", ["-gn"])]);
  return { username: username.text.trim(), group: group.text.trim() };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
