import assert from "node:assert/strict";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { systemClock } from "../../src/base/clock.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };

peerTest("git worker: asks the server once, and fetches once", ["git"], async () => {
  await using playground = await Playground.open();
  await Deno.mkdir(playground.gitDirectory, { recursive: true });
  for (const content of ["1", "2"]) {
    await playground.commit({ "a": content });
    const before = playground.remote.requests;
    await runGitWorker(playground.job(), options);
    assert.deepEqual(playground.files(), { "a": content });
    assert.equal(playground.remote.requests - before, 2);
  }
});

peerTest(
  "git worker: a server that refuses is what the job fails with, and it finishes a removal",
  [
    "git",
  ],
  async () => {
    await using playground = await Playground.open();
    await Deno.mkdir(playground.gitDirectory, { recursive: true });
    await playground.commit({ "a": "1" });
    await runGitWorker(playground.job(), options);
    await Deno.writeTextFile(`${playground.gitDirectory}/removing`, "");
    const job = playground.job({ password: "wrong" });
    await assert.rejects(runGitWorker(job, options), /does not accept the credentials/);
    assert.deepEqual(playground.files(), {});
  },
);
