import assert from "node:assert/strict";
import { runGitWorker, runRemovalWorker } from "../../src/artifacts/git_worker_run.ts";
import { JobStop } from "../../src/artifacts/job_stop.ts";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import type { CheckoutProgress } from "../../src/git/progress_snapshot.ts";
import { commitRound, edit } from "./commit_playground.ts";
import { peerTest } from "../system_peers.ts";
import { Playground } from "./playground.ts";

Deno.test("JobStop: is heard wherever its memory is", () => {
  const stop = new JobStop();
  const there = new JobStop(structuredClone(stop.shared));
  there.assertWanted();
  stop.request();
  assert.throws(there.assertWanted, { name: "AbortError" });
});

const files = Object.fromEntries(
  Array.from({ length: 1_500 }, (_, index) => [`d${index % 50}/f${index}`, `${index}`.repeat(500)]),
);

/** A checkout that is aborted as soon as it has come so far; returns when nothing of it goes on. */
async function abortedAt(
  playground: Playground,
  phase: CheckoutProgress["phase"],
): Promise<void> {
  const abort = new AbortController();
  const options = {
    timeoutMs: 60_000,
    clock: systemClock,
    signal: abort.signal,
    onProgress: (progress: CheckoutProgress) => {
      if (progress.phase === phase) abort.abort(new DOMException("a newer one", "AbortError"));
    },
  };
  await assert.rejects(runGitWorker(playground.job(), options), /a newer one/);
}

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };

for (const phase of ["receiving", "writing", "publishing"] as const) {
  peerTest(
    `aborted checkout: does nothing any more once it has ended, ${phase}`,
    ["git"],
    async () => {
      await using playground = await Playground.openForWorkers();
      await playground.commit(files);
      await abortedAt(playground, phase);
      // At once, in the same directories.
      await runRemovalWorker({
        gitDirectory: playground.gitDirectory,
        destination: playground.app,
        stagingDirectories: playground.job().stagingDirectories,
        removesDestination: false,
      }, options);
      assert.deepEqual(playground.files(), {});
      await abortedAt(playground, phase);
      await runGitWorker(playground.job(), options);
      assert.deepEqual(Object.keys(playground.files()).length, 1_500);
      assert.deepEqual(await playground.nativeGit("status", "--porcelain"), { code: 0, text: "" });
      assert.deepEqual(playground.surroundings(), ["app", "state"]);
    },
  );
}

peerTest(
  "aborted round for local changes: ends its request to a silent server",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "a" });
    await playground.checkOut({ localChanges: "keep" });
    await edit(playground, { "a": "mine" });
    const abort = new AbortController();
    const forever = Promise.withResolvers<Response>();
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => {
        abort.abort(new DOMException("a newer one", "AbortError"));
        return forever.promise;
      },
    );
    const url = `http://127.0.0.1:${server.addr.port}/site.git`;
    const round = commitRound(playground, { url }, { signal: abort.signal });
    const onLimit = () => new Error("it waits for ever");
    await assert.rejects(withDeadline(round, 30_000, onLimit, systemClock), /a newer one/);
    forever.resolve(new Response());
  },
);
