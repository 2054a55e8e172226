import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { untilFile } from "./extension_runs.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { canaries, openScene, patience, type Scene } from "./scene.ts";

peerTest(
  "two ways: an agent with exactly its permissions pushes a local edit",
  ["git"],
  async () => {
    await using scene = await openScene(embeddedPeers, {
      files: { "index.html": "first", ".gitignore": "*.log\n" },
      home: {
        applicationFiles: { "kept.txt": "was here" },
        settings: { "auto.commit": "true", "enable.artifact.update": "true" },
      },
    });
    const { platform, home, remote } = scene;
    const agent = await scene.start();
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    await platform.until("InstanceActivatedEvent", patience);
    await Deno.writeTextFile(join(home.applicationPath, "index.html"), "edited");
    await Deno.writeTextFile(join(home.applicationPath, "x.log"), "noise");
    await untilRemote(scene, "main:index.html", "edited");
    const git = (...args: string[]) => remote!.git("application", args);
    assert.match(await git("log", "--format=%an|%cn", "main"), /^-1234\|-1234\n/);
    assert.equal(await git("show", "main:kept.txt"), "was here");
    assert.equal(await git("ls-tree", "--name-only", "main", "x.log"), "");
    await remote!.commit("application", { "theirs": "t" });
    await untilFile(join(home.applicationPath, "theirs"), (content) => content === "t");
    await platform.sendCleanupCluster();
    await platform.until("InstanceReadyToShutdownEvent", patience);
    assert.equal(await agent.end(), 0, agent.output());
    assert(!agent.output().includes(canaries.repository));
    assert(!(await git("log", "-p", "--all", "main")).includes(canaries.repository));
  },
);

/** Asks again and again until a file of the remote has a content. */
async function untilRemote(scene: Scene, object: string, content: string): Promise<void> {
  const endMs = Date.now() + patience.timeoutMs;
  while ((await scene.remote!.git("application", ["show", object])) !== content) {
    if (Date.now() > endMs) throw new Error(`${object} did not become ${content}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
