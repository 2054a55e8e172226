import assert from "node:assert/strict";
import { join } from "node:path";
import { findInstalled } from "../../src/extensions/catalogue.ts";
import { openExtensionHome } from "./extension_home.ts";

const script = (name: string, ...hides: string[]) => [{ kind: "script", script: name, hides }];

Deno.test("catalogue: prefers bash/E.sh, then E.sh, then older names in either folder", async () => {
  await using home = await openExtensionHome();
  const find = () => findInstalled("VolumeMount", home.extensionsDir);
  assert.deepEqual(find(), []);
  const weakestFirst = [
    "bash/mount_volumes.sh",
    "bash/mount-volumes.sh",
    "mount_volumes.sh",
    "mount-volumes.sh",
    "VolumeMount.sh",
    "bash/VolumeMount.sh",
  ];
  const hidden: string[] = [];
  for (const name of weakestFirst) {
    await home.script(name, "true");
    assert.deepEqual(find(), script(name, ...hidden));
    hidden.unshift(name);
  }
});

const olderNames: Readonly<Record<string, string>> = {
  InstanceStartedEvent: "instance-started.sh",
  InstanceActivatedEvent: "instance-activated.sh",
  StartServers: "start-servers.sh",
  ArtifactUpdatedEvent: "artifacts-updated.sh",
  CopyArtifacts: "artifacts-copy.sh",
  CompleteTopologyEvent: "complete-topology.sh",
  CompleteTenantEvent: "complete-tenant.sh",
  MemberActivatedEvent: "member-activated.sh",
  MemberStartedEvent: "member-started.sh",
  MemberSuspendedEvent: "member-suspended.sh",
  MemberTerminatedEvent: "member-terminated.sh",
  DomainMappingAddedEvent: "domain-mapping-added.sh",
  DomainMappingRemovedEvent: "domain-mapping-removed.sh",
  TenantSubscribedEvent: "tenant-subscribed.sh",
  clean: "clean.sh",
};

Deno.test("catalogue: finds the older name of every event that has one", async () => {
  await using home = await openExtensionHome();
  for (const name of Object.values(olderNames)) await home.script(name, "true");
  for (const [event, name] of Object.entries(olderNames)) {
    assert.deepEqual(findInstalled(event, home.extensionsDir), script(name), event);
  }
  assert.deepEqual(findInstalled("MemberInitializedEvent", home.extensionsDir), []);
});

Deno.test("catalogue: names the fault when the first script cannot run", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  const path = await home.script("bash/clean.sh", "true", 0o644);
  const find = () => (findInstalled("clean", home.extensionsDir))[0];
  assert.deepEqual(find(), {
    kind: "unusable",
    script: "bash/clean.sh",
    reason: `${path} is not executable: chmod +x ${path}`,
  });
  await Deno.remove(path);
  await Deno.mkdir(path);
  assert.equal((find())?.kind, "unusable");
  await Deno.remove(path);
  await Deno.symlink("nowhere", path);
  const found = find();
  assert(found?.kind === "unusable");
  assert.match(found.reason, /link to nothing/);
});

Deno.test("catalogue: finds executables of the event's folder after the script, in name order", async () => {
  await using home = await openExtensionHome();
  for (const name of ["b", "10-z", "9-a", "B", "a.py"]) {
    await home.script(`clean.d/${name}`, "true");
  }
  const expected = ["10-z", "9-a", "B", "a.py", "b"].flatMap((name) => script(`clean.d/${name}`));
  assert.deepEqual(findInstalled("clean", home.extensionsDir), expected);
  await home.script("clean.sh", "true");
  assert.deepEqual(findInstalled("clean", home.extensionsDir), [
    ...script("clean.sh"),
    ...expected,
  ]);
});

Deno.test("catalogue: tells what cannot run from what is not meant to in an event's folder", async () => {
  await using home = await openExtensionHome();
  for (const name of [".hidden", "x~", ".x.swp", "README.md", "x.swp", "x.bak"]) {
    await home.script(`clean.d/${name}`, "true");
  }
  await Deno.mkdir(join(home.extensionsDir, "clean.d", "lib"));
  const plain = await home.script("clean.d/plain", "true", 0o644);
  await Deno.symlink("nowhere", join(home.extensionsDir, "clean.d", "lost"));
  const found = findInstalled("clean", home.extensionsDir);
  const kinds = Object.fromEntries(found.map(({ kind, script }) => [script.slice(8), kind]));
  assert.deepEqual(kinds, {
    ".hidden": "passedOver",
    "x~": "passedOver",
    ".x.swp": "passedOver",
    "README.md": "passedOver",
    "x.swp": "passedOver",
    "x.bak": "passedOver",
    lib: "passedOver",
    lost: "unusable",
    plain: "unusable",
  });
  const reasons = found.flatMap((item) => item.kind === "unusable" ? [item.reason] : []);
  assert(reasons.some((reason) => reason.includes(`chmod +x ${plain}`)), reasons.join());
});

Deno.test("catalogue: says so when an event's folder is a file", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.d", "true");
  assert.equal(findInstalled("clean", home.extensionsDir)[0]?.kind, "unusable");
});

Deno.test("catalogue: finds nothing when an event name is no file name", async () => {
  await using home = await openExtensionHome();
  await home.script("../clean.sh", "true");
  assert.deepEqual(findInstalled("../clean", join(home.extensionsDir)), []);
  assert.deepEqual(findInstalled("../../clean", join(home.extensionsDir)), []);
});

Deno.test("catalogue: finds nothing when there is no extensions folder", async () => {
  await using home = await openExtensionHome();
  assert.deepEqual(findInstalled("clean", join(home.dir, "missing")), []);
});
