import assert from "node:assert/strict";
import { join } from "node:path";
import { findInstalled } from "../../src/extensions/catalogue.ts";
import { openExtensionHome } from "./extension_home.ts";

const script = (name: string, ...hides: string[]) => [{ kind: "script", script: name, hides }];

Deno.test("catalogue: prefers bash/E.sh, then E.sh, then older names in either folder", async () => {
  await using home = await openExtensionHome();
  const find = () => findInstalled("VolumeMount", home.extensionsDir);
  assert.deepEqual(await find(), []);
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
    assert.deepEqual(await find(), script(name, ...hidden));
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
    assert.deepEqual(await findInstalled(event, home.extensionsDir), script(name), event);
  }
  assert.deepEqual(await findInstalled("MemberInitializedEvent", home.extensionsDir), []);
});

Deno.test("catalogue: names the fault when the first script cannot run", async () => {
  await using home = await openExtensionHome();
  await home.script("clean.sh", "true");
  const path = await home.script("bash/clean.sh", "true", 0o644);
  const find = async () => (await findInstalled("clean", home.extensionsDir))[0];
  assert.deepEqual(await find(), {
    kind: "unusable",
    script: "bash/clean.sh",
    reason: `${path} is not executable: chmod +x ${path}`,
  });
  await Deno.remove(path);
  await Deno.mkdir(path);
  assert.equal((await find())?.kind, "unusable");
  await Deno.remove(path);
  await Deno.symlink("nowhere", path);
  const found = await find();
  assert(found?.kind === "unusable");
  assert.match(found.reason, /link to nothing/);
});

Deno.test("catalogue: finds nothing when an event name is no file name", async () => {
  await using home = await openExtensionHome();
  await home.script("../clean.sh", "true");
  assert.deepEqual(await findInstalled("../clean", join(home.extensionsDir)), []);
  assert.deepEqual(await findInstalled("../../clean", join(home.extensionsDir)), []);
});

Deno.test("catalogue: finds nothing when there is no extensions folder", async () => {
  await using home = await openExtensionHome();
  assert.deepEqual(await findInstalled("clean", join(home.dir, "missing")), []);
});
