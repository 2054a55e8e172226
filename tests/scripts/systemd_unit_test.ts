import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { layOutHome } from "../../src/agent/new_home.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const agent = fileURLToPath(new URL("../../scripts/agent", import.meta.url));
const parameters =
  "APPLICATION_ID=a,SERVICE_NAME=s,CLUSTER_ID=c,CLUSTER_INSTANCE_ID=i,MEMBER_ID=m," +
  "NETWORK_PARTITION_ID=n,PARTITION_ID=p,MULTITENANT=false,TENANT_ID=-1234,MB_IP=127.0.0.1," +
  "MB_PORT=1883,PERSISTENCE_MAPPING=/dev/vdb|1|/data";

async function inHome(
  work: (
    home: string,
    run: (...args: string[]) => Promise<{ code: number; out: string; err: string }>,
  ) => Promise<void>,
): Promise<void> {
  await using directory = await temporaryDirectory();
  await layOutHome(directory.path, () => false);
  await Deno.writeTextFile(join(directory.path, "payload", "launch-params"), parameters);
  await work(directory.path, async (command, ...args) => {
    const { code, stdout, stderr } = await new Deno.Command(agent, {
      args: [command!, "--home", directory.path, ...args],
      env: { DENO: Deno.execPath() },
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out: out ?? "", err: err ?? "" };
  });
}

Deno.test("scripts/agent systemd-unit: the unit starts the sources with this Deno and its cache", async () => {
  await inHome(async (home, run) => {
    const { code, out, err } = await run("systemd-unit", "--set", "LOG_LEVEL=DEBUG");
    assert.equal(code, 0, err);
    const lines = out.split("\n");
    assert.ok(
      lines.includes(
        `ExecStart=${agent} run --home ${home} --set LOG_LEVEL=DEBUG --set service.manager=systemd`,
      ),
      out,
    );
    assert.ok(lines.includes(`Environment=DENO=${Deno.execPath()}`), out);
    const [, cache = ""] = /^Environment=DENO_DIR=(.+)$/m.exec(out) ?? [];
    assert.ok((await Deno.stat(join(cache, "npm"))).isDirectory, "what the libraries are kept in");
    assert.equal(err, "");
  });
});

Deno.test("scripts/agent systemd-unit: says what the hardened unit breaks, as check does", async () => {
  await inHome(async (_home, run) => {
    const unit = await run("systemd-unit", "--hardened", "--user", "www-data");
    assert.equal(unit.code, 0, unit.err);
    assert.match(unit.out, /^ProtectSystem=strict$/m);
    assert.match(unit.out, /^User=www-data$/m);
    assert.match(unit.err, /VolumeMount/);
    const check = await run("check", "--hardened");
    assert.equal(check.code, 0, check.err);
    assert.match(check.out, /VolumeMount \(PERSISTENCE_MAPPING\)/);
    assert.doesNotMatch((await run("check")).out, /VolumeMount \(PERSISTENCE_MAPPING\)/);
  });
});

Deno.test("scripts/agent systemd-unit: refuses what no unit could start", async () => {
  await inHome(async (home, run) => {
    assert.equal((await run("systemd-unit", "--program", "relative")).code, 64);
    await Deno.writeTextFile(join(home, "payload", "launch-params"), "MEMBER_ID=m");
    const { code, out } = await run("systemd-unit");
    assert.equal(code, 78);
    assert.equal(out, "");
  });
});
