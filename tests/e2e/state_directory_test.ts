import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { embeddedPeers } from "./peer_kit.ts";
import { openScene, patience } from "./scene.ts";

/** Every file and directory below, with its permission bits. */
function* below(directory: string): Generator<readonly [path: string, mode: number]> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    yield [path, (Deno.lstatSync(path).mode ?? 0) & 0o777];
    if (isDirectory) yield* below(path);
  }
}

peerTest(
  "state directory: after a life with artifacts all in it is for its owner alone, and known",
  ["git"],
  async () => {
    await using scene = await openScene(embeddedPeers, {
      receiver: false,
      files: { "index.html": "first" },
    });
    const { platform, home } = scene;
    // What anybody could read before is closed with the directory.
    await Deno.chmod(home.stateDir, 0o755);
    const agent = await scene.start();
    await platform.until("CompleteTopologyRequestEvent", patience);
    await platform.initializeMember();
    await platform.until("InstanceActivatedEvent", patience);
    assert.equal(await agent.end(), 0, agent.output());
    assert.equal((await Deno.stat(home.stateDir)).mode! & 0o777, 0o700);
    const found = [...below(home.stateDir)];
    const names = [...Deno.readDirSync(home.stateDir)].map(({ name }) => name).sort();
    const known = [
      "extensions",
      "git",
      "lifecycle.json",
      "lock",
      "log-positions.jsonl",
      "outbox.jsonl",
    ];
    assert.deepEqual(names.filter((name) => !known.includes(name)), []);
    for (const name of ["git", "lifecycle.json", "lock", "outbox.jsonl"]) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(found.filter(([, mode]) => (mode & 0o077) !== 0), []);
  },
);
