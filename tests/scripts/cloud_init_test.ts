import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { layOutHome } from "../../src/agent/new_home.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { peerTest } from "../system_peers.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const userData = fileURLToPath(
  new URL("../../scripts/cloud-init/user-data.yaml", import.meta.url),
);
const home = "/opt/cartridge-agent";

interface CloudConfig {
  readonly write_files: readonly {
    readonly path: string;
    readonly permissions: string;
    readonly content: string;
  }[];
  readonly runcmd: readonly (readonly string[])[];
}

async function read(): Promise<CloudConfig> {
  const program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
  const child = new Deno.Command("/usr/bin/python3", {
    args: ["-c", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(await Deno.readFile(userData));
  await writer.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("cloud-init: the user data say what they are in their first line", async () => {
  assert.match(await Deno.readTextFile(userData), /^#cloud-config\n/);
});

peerTest(
  "cloud-init: what the user data write is a home that resolves",
  ["python3-yaml"],
  async () => {
    await using directory = await temporaryDirectory();
    const place = (path: string) => path.replace(home, directory.path);
    const { write_files: files, runcmd } = await read();
    for (const { path, content } of files.filter(({ path }) => path.startsWith(home))) {
      await Deno.mkdir(dirname(place(path)), { recursive: true });
      await Deno.writeTextFile(place(path), content);
    }
    await layOutHome(directory.path, () => false);
    const [, dropIn = ""] = /^Environment=(.*)$/m.exec(files.at(-1)!.content) ?? [];
    const [variable, secretFile = ""] = dropIn.split("=");
    assert.equal(variable, "MB_PASSWORD_FILE");
    const { config, warnings } = await loadConfig({
      home: directory.path,
      cwd: "/",
      readEnv: (name) => name === variable ? place(secretFile) : undefined,
    });
    assert.equal(config.identity.memberId, "MEMBER");
    assert.equal(config.broker.username, "USER");
    assert.equal(config.broker.password?.open(), "PASSWORD");
    assert.deepEqual(
      warnings.filter((warning) => !warning.startsWith("artifact.allowed.hosts")),
      [],
    );
    for (const { path, permissions } of files.filter(({ content }) => content === "PASSWORD")) {
      assert.equal(permissions, "0600", path);
    }
    const commands = runcmd.map((words) => words.join(" "));
    assert.ok(commands.some((words) => words.includes(`systemd-unit --home ${home}`)));
    assert.ok(commands.at(-1)!.includes("--no-block"), "it may be ready much later");
    assert.equal(join(home, "payload", "launch-params"), files[0]!.path);
  },
);
