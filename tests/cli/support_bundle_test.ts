import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peerTest } from "../system_peers.ts";
import { activeSnapshot } from "../status/sample_snapshot.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const agent = fileURLToPath(new URL("../../scripts/agent", import.meta.url));

/** Values that must be nowhere in the archive, one of each secret setting. */
const canaries = {
  mb: "canary-mb-password",
  cep: "canary-cep-password",
  monitoring: "canary-monitoring-password",
  key: "canary-key-16byt",
  token: "canary-metadata-token",
  url: "canary-url-password",
} as const;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A home with secrets in all places, and a command that makes its bundle. */
async function openHome(agentConf: string) {
  const dir = await temporaryDirectory();
  const at = (path: string) => join(dir.path, path);
  for (const path of ["payload", "logs", "extensions/bash", "out"]) {
    await Deno.mkdir(at(path), { recursive: true });
  }
  await Deno.mkdir(at("state/git/1"), { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(at("agent.conf"), `[agent]\nlog.dir = ${at("logs")}\n${agentConf}`);
  await Deno.writeTextFile(
    at("payload/launch-params"),
    `APPLICATION_ID=a,SERVICE_NAME=s,CLUSTER_ID=c,CLUSTER_INSTANCE_ID=ci,MEMBER_ID=${activeSnapshot().agent.memberId},` +
      "NETWORK_PARTITION_ID=n,PARTITION_ID=p,MULTITENANT=false,TENANT_ID=1," +
      `CARTRIDGE_KEY=${canaries.key},TOKEN=${canaries.token},` +
      `REPO_URL=https://u:${canaries.url}@git.example.com/r.git,APPLICATION_PATH=/srv/x`,
  );
  const everything = Object.values(canaries).join(" ");
  await Deno.writeTextFile(at("logs/agent.log"), `first\nsaid ${everything}\nlast line\n`);
  await Deno.writeTextFile(at("logs/agent.log.1"), "rotated\n");
  await Deno.writeTextFile(at("logs/other.txt"), "not a log of the agent");
  await Deno.writeTextFile(at("logs/cartridge-agent-extensions.log"), `${everything}\n`.repeat(9));
  await Deno.writeTextFile(at("state/lifecycle.json"), '{"memberId":"m","published":"started"}');
  await Deno.writeTextFile(at("extensions/bash/StartServers.sh"), "#!/bin/sh\n", { mode: 0o755 });
  const bundle = at("out/bundle.tar.gz");
  return {
    at,
    bundle,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    make: async (...further: string[]): Promise<Ended> => {
      const { code, stdout, stderr } = await new Deno.Command(agent, {
        args: ["support-bundle", "--home", dir.path, "--output", bundle, ...further],
        env: { DENO: Deno.execPath(), NO_COLOR: "1" },
        stdin: "null",
      }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    /** The archive as `tar` sees it. */
    unpacked: async (): Promise<Readonly<Record<string, string>>> => {
      await Deno.mkdir(at("unpacked"));
      const { code } = await new Deno.Command("tar", {
        args: ["-xzf", bundle, "-C", at("unpacked")],
      }).output();
      assert.equal(code, 0);
      return filesBelow(at("unpacked"));
    },
  };
}

function filesBelow(directory: string, below = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(join(directory, below))) {
    const path = join(below, name);
    if (isDirectory) Object.assign(files, filesBelow(directory, path));
    else files[path] = Deno.readTextFileSync(join(directory, path));
  }
  return files;
}

const secretSettings = `mb.urls = 127.0.0.1:1
mb.username = u
mb.password = ${canaries.mb}
thrift.server.admin.password = ${canaries.cep}
monitoring.server.admin.password = ${canaries.monitoring}
`;

peerTest("support bundle: has everything but secrets", ["sh"], async () => {
  await using endpoint = serveSnapshot();
  await using home = await openHome(`${secretSettings}status.listen = ${endpoint.listen}\n`);
  const { code, out, err } = await home.make();
  assert.equal(code, 0, err);
  assert.equal(out, `${home.bundle}\n`);
  assert.equal((Deno.statSync(home.bundle).mode ?? 0) & 0o777, 0o600);
  const files = await home.unpacked();
  assert.deepEqual(Object.keys(files).sort(), [
    "MANIFEST.txt",
    "configuration.txt",
    "extensions.txt",
    "last-known.json",
    "logs/agent.log",
    "logs/agent.log.1",
    "logs/cartridge-agent-extensions.log",
    "permissions.txt",
    "state.txt",
    "status.json",
    "versions.txt",
  ]);
  assert.match(files["logs/agent.log"] ?? "", /^first\nsaid \*\*\* .*\nlast line\n$/);
  assert.match(files["configuration.txt"] ?? "", /mb\.urls +127\.0\.0\.1:1/);
  assert.match(files["extensions.txt"] ?? "", /StartServers\.sh/);
  assert.match(files["state.txt"] ?? "", /lifecycle\.json/);
  assert.equal(JSON.parse(files["status.json"] ?? "").format, 1);
  assert.match(files["MANIFEST.txt"] ?? "", /^outbox\.txt: missing: /m);
  for (const [name, text] of Object.entries(files)) {
    for (const canary of Object.values(canaries)) {
      assert.ok(!text.includes(canary), `${canary} in ${name}`);
      assert.ok(!text.includes(btoa(canary)), `${canary} in base64 in ${name}`);
    }
  }
});

peerTest(
  "support bundle: is made of what there is when the configuration is broken",
  ["sh"],
  async () => {
    await using home = await openHome(`${secretSettings}mb.tls = perhaps\nstatus.listen = off\n`);
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        fileURLToPath(new URL("../../main.ts", import.meta.url)),
        "support-bundle",
        "--home",
        home.at(""),
        "--output",
        home.bundle,
      ],
      stdout: "null",
    }).output();
    assert.equal(code, 0);
    const files = await home.unpacked();
    assert.deepEqual(Object.keys(files).sort(), ["MANIFEST.txt", "versions.txt"]);
    assert.match(files["MANIFEST.txt"] ?? "", /mb\.tls/);
  },
);

Deno.test("support bundle: replaces no file", async () => {
  await using home = await openHome(`${secretSettings}status.listen = off\n`);
  await Deno.writeTextFile(home.bundle, "mine");
  const { code, err } = await home.make();
  assert.equal(code, 78);
  assert.match(err, /Cannot write ".*bundle\.tar\.gz"/);
  assert.equal(await Deno.readTextFile(home.bundle), "mine");
});

peerTest("support bundle: takes the ends of long logs", ["sh"], async () => {
  await using home = await openHome(`${secretSettings}status.listen = off\n`);
  const line = `${"x".repeat(99)}\n`;
  await Deno.writeTextFile(home.at("logs/agent.log"), `start\n${line.repeat(50_000)}end\n`);
  assert.equal((await home.make()).code, 0);
  const log = (await home.unpacked())["logs/agent.log"] ?? "";
  assert.ok(log.length <= 2 * 1024 * 1024 && log.length > 1024 * 1024);
  assert.ok(log.startsWith(line) && log.endsWith("\nend\n"));
});

function serveSnapshot() {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json(activeSnapshot()),
  );
  return {
    listen: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
