import assert from "node:assert/strict";
import { join } from "node:path";
import {
  never,
  openExtensionHome,
  requestOf,
  runnerOn,
  shippedExtensions,
  watchedLog,
} from "./extension_home.ts";

const events = [
  "InstanceStartedEvent",
  "InstanceActivatedEvent",
  "StartServers",
  "ArtifactUpdatedEvent",
  "CopyArtifacts",
  "CompleteTopologyEvent",
  "CompleteTenantEvent",
  "MemberInitializedEvent",
  "MemberActivatedEvent",
  "MemberStartedEvent",
  "MemberSuspendedEvent",
  "MemberTerminatedEvent",
  "DomainMappingAddedEvent",
  "DomainMappingRemovedEvent",
  "ApplicationSignUpRemovedEvent",
  "TenantSubscribedEvent",
  "VolumeMount",
  "CreateLVSDummyInterface",
  "clean",
];

/** A home with the shipped scripts, and how to run them. */
async function openShippedHome() {
  const home = await openExtensionHome();
  const from = join(shippedExtensions, "bash");
  await Deno.mkdir(join(home.extensionsDir, "bash/lib"));
  const copy = async (name: string) => {
    await Deno.copyFile(join(from, name), join(home.extensionsDir, "bash", name));
  };
  for (const event of events) await copy(`${event}.sh`);
  await copy("lib/told.sh");
  const launchParameters = {
    MEMBER_ID: "m-1",
    CARTRIDGE_KEY: "do-not-print",
    TOKEN: "do-not-print",
  };
  const log = watchedLog();
  return {
    home,
    log,
    run: async (event: string, values: Record<string, string> = {}) => {
      await using runner = runnerOn(home, log, {}, { launchParameters });
      return await runner.run(requestOf(event, values), never);
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

Deno.test("default scripts: there is an executable one for every event", async () => {
  for (const event of events) {
    const { mode } = await Deno.stat(join(shippedExtensions, "bash", `${event}.sh`));
    assert.equal(mode! & 0o111, 0o111, event);
  }
});

Deno.test("default scripts: print the event and no secrets", async () => {
  await using shipped = await openShippedHome();
  const special = ["CopyArtifacts", "VolumeMount", "CreateLVSDummyInterface"];
  for (const event of events.filter((name) => !special.includes(name))) {
    const outcome = await shipped.run(event, { ARTIFACT_UPDATED_REPO_PASSWORD: "do-not-print" });
    assert.deepEqual(outcome, { kind: "succeeded" }, event);
    assert(shipped.log.output.includes(`event ${event}`), event);
  }
  assert(shipped.log.output.includes("MEMBER_ID=m-1"));
  assert(!shipped.log.output.join("\n").includes("do-not-print"));
});

Deno.test("default scripts: tell which member an event is about", async () => {
  await using shipped = await openShippedHome();
  await shipped.run("MemberStartedEvent", { EVENT_MEMBER_ID: "m-2" });
  assert.deepEqual(shipped.log.output, ["event MemberStartedEvent", "EVENT_MEMBER_ID=m-2"]);
});

Deno.test("default scripts: CopyArtifacts copies what is in a folder", async () => {
  await using shipped = await openShippedHome();
  const [source, dest] = [join(shipped.home.dir, "a b"), join(shipped.home.dir, "to/there")];
  await Deno.mkdir(join(source, "deep"), { recursive: true });
  await Deno.writeTextFile(join(source, "deep", ".hidden"), "content");
  const outcome = await shipped.run("CopyArtifacts", { SOURCE: source, DEST: dest });
  assert.deepEqual(outcome, { kind: "succeeded" });
  assert.equal(await Deno.readTextFile(join(dest, "deep", ".hidden")), "content");
  assert.equal((await shipped.run("CopyArtifacts")).kind, "failed");
});

/** Runs a shipped script by hand, with programs of the test's own before all others. */
async function runByHand(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  programs: Readonly<Record<string, string>>,
): Promise<{ code: number; text: string; dir: string } & AsyncDisposable> {
  const home = await openExtensionHome();
  for (const [program, body] of Object.entries(programs)) {
    const told = body.startsWith("#!") ? body : `echo "${program} $*"\n${body}`;
    await home.script(`../bin/${program}`, told);
  }
  const { code, stdout, stderr } = await new Deno.Command(
    join(shippedExtensions, "bash", `${name}.sh`),
    {
      args: args.map((arg) => arg.replaceAll("HOME", home.dir)),
      env: { PATH: `${home.dir}/bin:/usr/bin:/bin`, ...env },
    },
  ).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const text = (decode(stdout) + decode(stderr)).replaceAll(home.dir, "HOME");
  return { code, text, dir: home.dir, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

const emptyVolume = { mount: "exit 0", mkfs: "exit 0", blkid: "exit 2" };

Deno.test("default scripts: VolumeMount mounts each volume of the mapping", async () => {
  const mapping = "/dev/null|vol-1|HOME/one|/dev/zero|HOME/two words";
  await using ran = await runByHand("VolumeMount", [mapping], {}, emptyVolume);
  assert.equal(ran.code, 0, ran.text);
  assert.match(ran.text, /^mount \/dev\/null HOME\/one$/m);
  assert.match(ran.text, /^mount \/dev\/zero HOME\/two words$/m);
  assert((await Deno.stat(join(ran.dir, "two words"))).isDirectory);
});

Deno.test("default scripts: VolumeMount formats nothing unless it is told to", async () => {
  await using ran = await runByHand("VolumeMount", ["/dev/null|HOME/a"], {}, emptyVolume);
  assert.doesNotMatch(ran.text, /mkfs/);
  const env = { STRATOS_VOLUME_FORMAT_IF_EMPTY: "true" };
  await using told = await runByHand("VolumeMount", ["/dev/null|HOME/a"], env, emptyVolume);
  assert.match(told.text, /^mkfs -t ext4 \/dev\/null$/m);
  for (const blkid of ["exit 0", "exit 8", "exit 127"]) {
    const programs = { ...emptyVolume, blkid };
    await using full = await runByHand("VolumeMount", ["/dev/null|HOME/a"], env, programs);
    assert.doesNotMatch(full.text, /mkfs/, blkid);
  }
});

Deno.test("default scripts: VolumeMount fails, yet goes on, when a volume cannot be mounted", async () => {
  const failing = { ...emptyVolume, mount: '[ "$1" = /dev/zero ]' };
  const mapping = "/dev/null|HOME/a|/dev/missing|HOME/b|/dev/zero|HOME/c";
  await using ran = await runByHand("VolumeMount", [mapping], {}, failing);
  assert.equal(ran.code, 1);
  assert.match(ran.text, /\/dev\/missing: no such device/);
  assert.match(ran.text, /\/dev\/zero is mounted on HOME\/c/);
  for (const odd of ["/dev/null", "/dev/null|vol-1", "/dev/null|HOME/a|/dev/zero"]) {
    await using short = await runByHand("VolumeMount", [odd], {}, emptyVolume);
    assert.equal(short.code, 1, odd);
  }
});

Deno.test("default scripts: VolumeMount leaves alone what is mounted", async () => {
  await using ran = await runByHand("VolumeMount", ["/dev/null|/proc"], {}, emptyVolume);
  assert.equal(ran.code, 0);
  assert.match(ran.text, /\/proc is mounted already/);
});

Deno.test("default scripts: CreateLVSDummyInterface uses ip as root and explains itself otherwise", async () => {
  const env = {
    STRATOS_LVS_DUMMY_VIRTUAL_IP: "10.1.1.1",
    STRATOS_LVS_SUBNET_MASK: "255.255.255.0",
  };
  const programs = (uid: number) => ({ ip: '[ "$2" != show ]', id: `#!/bin/sh\necho ${uid}\n` });
  const run = (uid: number) => runByHand("CreateLVSDummyInterface", [], env, programs(uid));
  await using asRoot = await run(0);
  assert.equal(asRoot.code, 0, asRoot.text);
  assert.match(asRoot.text, /^ip link add lvs0 type dummy$/m);
  assert.match(asRoot.text, /^ip address replace 10\.1\.1\.1\/255\.255\.255\.0 dev lvs0$/m);
  await using asOther = await run(1000);
  assert.equal(asOther.code, 1);
  assert.match(asOther.text, /not root/);
});
