import assert from "node:assert/strict";
import { join } from "node:path";
import { Secret } from "../../src/base/secret.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { openHome } from "../../src/sandbox/home.ts";
import { openHomeWatch } from "../../src/sandbox/home_watch.ts";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { sandboxCommits } from "../../src/sandbox/sandbox_commits.ts";
import type { Sighting } from "../../src/sandbox/sighting.ts";

const broker = { host: "127.0.0.1", port: 1883 };
const read = (...parts: string[]) => Deno.readTextFile(join(...parts));

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("home: holds only what is needed when there is nothing but a broker", async () => {
  await using home = await openHome({ member: sandboxMember, broker });
  const conf = await read(home.path, "agent.conf");
  assert.match(conf, /^\[agent\]\nmb.urls = 127.0.0.1:1883\n/);
  assert.match(conf, /^cep.stats.publisher.enabled = false$/m);
  assert.doesNotMatch(conf, /password|thrift|null/);
  assert.equal(
    await read(home.path, "payload", "launch-params"),
    "APPLICATION_ID=single-cartridge-app,SERVICE_NAME=php," +
      "CLUSTER_ID=single-cartridge-app.my-php.php.domain," +
      "CLUSTER_INSTANCE_ID=single-cartridge-app-1," +
      `MEMBER_ID=${sandboxMember.memberId},NETWORK_PARTITION_ID=network-partition-1,` +
      "PARTITION_ID=partition-1,MULTITENANT=false,TENANT_ID=-1234," +
      `APPLICATION_PATH=${home.applicationPath}`,
  );
  const logging = await read(home.path, "logging.ini");
  assert.match(logging, /"agent.log"/);
  assert.doesNotMatch(logging, /StreamHandler|stdout/);
});

Deno.test("home: holds all settings when it has all peers", async () => {
  await using home = await openHome({
    member: sandboxMember,
    broker: { host: "::1", port: 1, username: "u", password: new Secret("p") },
    receiver: {
      host: "127.0.0.1",
      port: 7711,
      caPem: "PEM",
      username: "cu",
      password: new Secret("cp"),
    },
    repository: {
      url: "http://127.0.0.1:8000/a.git",
      cartridgeKey: new Secret("tvnw63ufg9gh5111"),
    },
    ports: [80, 443],
    multiTenant: true,
    tenantId: "1",
    settings: { "artifact.update.interval": "9", "status.listen": null },
    launchParameters: { LB_CLUSTER_ID: "lb", PARTITION_ID: null },
    applicationFiles: { "a/b.txt": "before" },
    extensions: { "StartServers.sh": "#!/bin/sh\n" },
  });
  const conf = await read(home.path, "agent.conf");
  const launch = await read(home.path, "payload", "launch-params");
  for (
    const line of [
      "mb.urls = [::1]:1",
      "mb.username = u",
      "mb.password = p",
      "thrift.receiver.urls = 127.0.0.1:7711",
      "thrift.server.admin.username = cu",
      "thrift.server.admin.password = cp",
      `thrift.tls.ca.file = ${home.path}/receiver-ca.pem`,
      "artifact.allowed.hosts = 127.0.0.1:8000",
      "artifact.update.interval = 9",
      "stats.notifier.interval = 2",
    ]
  ) assert.ok(conf.split("\n").includes(line), `${line} in\n${conf}`);
  assert.doesNotMatch(conf, /status.listen/);
  for (
    const pair of [
      "MULTITENANT=true",
      "TENANT_ID=1",
      "PORTS=80|443",
      "REPO_URL=http://127.0.0.1:8000/a.git",
      "CARTRIDGE_KEY=tvnw63ufg9gh5111",
      "LB_CLUSTER_ID=lb",
    ]
  ) assert.ok(launch.split(",").includes(pair), `${pair} in ${launch}`);
  assert.doesNotMatch(launch, /PARTITION_ID=partition-1/);
  assert.equal(await read(home.path, "receiver-ca.pem"), "PEM");
  assert.equal(await read(home.applicationPath, "a/b.txt"), "before");
  const script = await Deno.stat(join(home.path, "extensions", "StartServers.sh"));
  assert.equal((script.mode ?? 0) & 0o777, 0o755);
});

Deno.test("home: has the project's extensions with programs that can be run", async () => {
  await using home = await openHome({ member: sandboxMember, broker });
  const launcher = await Deno.stat(join(home.path, "extensions", "launcher"));
  assert.equal((launcher.mode ?? 0) & 0o111, 0o111);
});

Deno.test("home: lets nobody else in and is gone when it is disposed", async () => {
  let path = "";
  {
    await using home = await openHome({ member: sandboxMember, broker });
    path = home.path;
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o700);
    assert.equal(((await Deno.stat(join(path, "agent.conf"))).mode ?? 0) & 0o777, 0o600);
    await home[Symbol.asyncDispose]();
  }
  assert.equal(await exists(path), false);
});

Deno.test("home watch: tells of commits and extension runs in order when they appear", async () => {
  await using home = await openHome({
    member: sandboxMember,
    broker,
    recordedEvents: ["StartServers", "clean"],
  });
  const seen: Sighting[] = [];
  const complete = Promise.withResolvers<void>();
  await using _ = openHomeWatch(home, sandboxCommits, (sighting) => {
    seen.push(sighting);
    if (seen.length === 4) complete.resolve();
  });
  const run = async (event: string) => {
    const script = join(home.path, "extensions", "bash", `${event}.sh`);
    const { success, stdout } = await new Deno.Command(script, {
      env: { STRATOS_EVENT: event },
    }).output();
    assert.ok(success);
    // The project's own script has run, too.
    assert.match(new TextDecoder().decode(stdout), new RegExp(event));
  };
  const checkOut = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(join(home.applicationPath, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(home.applicationPath, name), text);
    }
  };
  await run("StartServers");
  await checkOut(sandboxCommits.first);
  await run("clean");
  await checkOut(sandboxCommits.second);
  await complete.promise;
  assert.deepEqual(seen.filter(({ kind }) => kind === "extension"), [
    { kind: "extension", event: "StartServers" },
    { kind: "extension", event: "clean" },
  ]);
  assert.deepEqual(seen.filter(({ kind }) => kind === "files"), [
    { kind: "files", commit: "first", files: 3 },
    { kind: "files", commit: "second", files: 4 },
  ]);
});

Deno.test("home watch: knows at once what is on disk when it is asked", async () => {
  await using home = await openHome({ member: sandboxMember, broker });
  const seen: Sighting[] = [];
  await using watch = openHomeWatch(home, sandboxCommits, (sighting) => seen.push(sighting));
  Deno.writeTextFileSync(home.extensionRuns, "StartServers\nhalf a li", { append: true });
  watch.check();
  assert.deepEqual(seen, [{ kind: "extension", event: "StartServers" }]);
  watch.check();
  assert.equal(seen.length, 1);
});

Deno.test("home: leaves no line when a recorded extension fails", async () => {
  const recordedEvents = ["clean"];
  await using home = await openHome({ member: sandboxMember, broker, recordedEvents });
  const script = join(home.path, "extensions", "bash", "clean.sh");
  await Deno.writeTextFile(`${script}.shipped`, "#!/bin/sh\nexit 7\n");
  const { code } = await new Deno.Command(script, { env: { STRATOS_EVENT: "clean" } }).output();
  assert.equal(code, 7);
  assert.equal(await Deno.readTextFile(home.extensionRuns), "");
});

Deno.test("home: is a configuration without a problem or a warning when the agent reads it", async () => {
  await using home = await openHome({
    member: sandboxMember,
    broker: { ...broker, username: "u", password: new Secret("p,=#; '\"") },
    receiver: { host: "127.0.0.1", port: 7711, caPem: "PEM", password: new Secret("q") },
    repository: {
      url: "http://127.0.0.1:8000/a.git",
      cartridgeKey: new Secret("tvnw63ufg9gh5111"),
    },
    ports: [8080],
  });
  const { config, warnings } = await loadConfig({
    home: home.path,
    cwd: home.path,
    readEnv: () => undefined,
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.identity.memberId, sandboxMember.memberId);
  assert.deepEqual(config.lifecycle.ports, [8080]);
  assert.deepEqual(config.broker.password?.open(), "p,=#; '\"");
  assert.deepEqual(config.artifacts.allowedHosts, ["127.0.0.1:8000"]);
  assert.equal(config.lifecycle.awaitsArtifacts, true);
  assert.equal(config.paths.launcher, join(home.path, "extensions", "launcher"));
});
