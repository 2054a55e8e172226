import assert from "node:assert/strict";
import { join } from "node:path";
import { sandboxMember } from "../../src/sandbox/member.ts";
import { peerTest } from "../system_peers.ts";
import { extensionRuns, untilFile } from "./extension_runs.ts";
import type { PeerKit } from "./peer_kit.ts";
import { canaries, openScene, patience, sequence, wholeLife } from "./scene.ts";

const recordedEvents = [
  "InstanceStartedEvent",
  "StartServers",
  "ArtifactUpdatedEvent",
  "InstanceActivatedEvent",
  "MemberActivatedEvent",
  "clean",
];

/** The whole life, the agent a process of its own with exactly its permissions. */
export function lifeSuite(kit: PeerKit): void {
  peerTest(
    `life: on ${kit.name} the agent goes the whole way without a repository`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, { home: { recordedEvents } });
      const { platform, home } = scene;
      const memory = scene.nextHealth("memory_consumption");
      const agent = await scene.start();
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.until("InstanceActivatedEvent", patience);
      const percent = await memory;
      assert.ok(percent > 0 && percent < 100, `memory ${percent}`);
      // A clean-up would overtake the extensions that still run; these two are in different lanes.
      const awaited = ["InstanceActivatedEvent", "MemberActivatedEvent"];
      await untilFile(home.extensionRuns, (runs) => awaited.every((event) => runs.includes(event)));
      await platform.sendCleanupMember();
      await platform.until("InstanceReadyToShutdownEvent", patience);
      assert.equal(await agent.end(), 0, agent.output());
      assert.deepEqual(sequence(platform), wholeLife);
      assert.deepEqual(platform.faults, []);
      const runs = await extensionRuns(home);
      assert.deepEqual(runs.filter((event) => event !== "MemberActivatedEvent"), [
        "InstanceStartedEvent",
        "StartServers",
        "InstanceActivatedEvent",
        "clean",
      ]);
    },
  );

  peerTest(
    `life: on ${kit.name} artifacts are checked out before activation and followed after it`,
    [...kit.needs, "git"],
    async () => {
      await using scene = await openScene(kit, {
        files: { "index.html": "first", "conf/site.conf": "a = b" },
        home: { recordedEvents, applicationFiles: { "kept.txt": "was here" } },
      });
      const { platform, home, remote } = scene;
      const agent = await scene.start();
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.until("InstanceActivatedEvent", patience);
      const index = join(home.applicationPath, "index.html");
      assert.equal(await Deno.readTextFile(index), "first", "in place when activated");
      assert.equal(await Deno.readTextFile(join(home.applicationPath, "conf/site.conf")), "a = b");
      assert.equal(await Deno.readTextFile(join(home.applicationPath, "kept.txt")), "was here");
      await remote!.commit("application", { "index.html": "second", "conf/site.conf": null });
      await untilFile(index, (content) => content === "second");
      await untilFile(
        home.extensionRuns,
        (runs) => runs.split("ArtifactUpdatedEvent").length === 3,
      );
      await platform.sendCleanupCluster();
      await platform.until("InstanceReadyToShutdownEvent", patience);
      const commandLine = await Deno.readTextFile(`/proc/${agent.pid}/cmdline`);
      assert.equal(await agent.end(), 0, agent.output());
      assert.deepEqual(sequence(platform), wholeLife);
      assert.deepEqual(platform.faults, []);
      await assertNoCanaries(home.path, `${commandLine}\n${agent.output()}`);
    },
  );

  peerTest(
    `life: on ${kit.name} each tenant's artifacts go where they belong`,
    [...kit.needs, "git"],
    async () => {
      await using scene = await openScene(kit, {
        files: { "index.html": "tenants" },
        tenants: [-1234, 7],
        platform: { multiTenant: true },
        home: { multiTenant: true },
      });
      const { platform, home } = scene;
      await scene.start();
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.until("InstanceActivatedEvent", patience);
      for (const directory of ["repository/deployment/server", "repository/tenants/7"]) {
        const path = join(home.applicationPath, directory, "index.html");
        assert.equal(await untilContent(path), "tenants");
      }
      assert.deepEqual(platform.faults, []);
    },
  );

  peerTest(
    `life: on ${kit.name} an order in the terminator file ends the agent`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, { receiver: false });
      const agent = await scene.start();
      await scene.platform.until("CompleteTopologyRequestEvent", patience);
      await Deno.writeTextFile(join(scene.home.path, "terminator.txt"), "true\n");
      assert.equal(await agent.ended, 0, agent.output());
    },
  );

  peerTest(
    `life: on ${kit.name} a platform that never answers requests is waited for`,
    kit.needs,
    async () => {
      await using scene = await openScene(kit, {
        receiver: false,
        platform: { answersRequests: false },
      });
      const { platform } = scene;
      await scene.start();
      await platform.until("CompleteTopologyRequestEvent", patience);
      await platform.initializeMember();
      await platform.publishCompleteTopology();
      await platform.until("InstanceActivatedEvent", patience);
      assert.deepEqual(sequence(platform), wholeLife.slice(0, 2));
      assert.equal(platform.state(sandboxMember.memberId), "Active");
    },
  );
}

async function untilContent(path: string): Promise<string> {
  // The directory comes into being with the file: wait for it from the one that exists.
  const parent = join(path, "..");
  await Deno.mkdir(parent, { recursive: true });
  return await untilFile(path, (content) => content !== "");
}

/** Fails when a secret stands where it must not: everywhere but the home's configuration. */
async function assertNoCanaries(home: string, output: string): Promise<void> {
  const places = new Map([["the command line or the output", output]]);
  for (const directory of ["logs", "state", "application"]) {
    for await (const [path, content] of filesBelow(join(home, directory))) {
      places.set(path, content);
    }
  }
  assert.ok(places.size > 4, "there are files to search");
  for (const [place, content] of places) {
    for (const canary of Object.values(canaries)) {
      assert.ok(!content.includes(canary), `${canary} stands in ${place}`);
    }
  }
}

async function* filesBelow(directory: string): AsyncGenerator<[path: string, content: string]> {
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* filesBelow(path);
    else if (entry.isFile) yield [path, new TextDecoder().decode(await Deno.readFile(path))];
  }
}
