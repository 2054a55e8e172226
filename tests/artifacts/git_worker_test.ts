import assert from "node:assert/strict";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { WarmWorkers } from "../../src/artifacts/warm_workers.ts";
import { systemClock } from "../../src/base/clock.ts";
import { peerTest } from "../system_peers.ts";
import { FakeClock } from "../fake_clock.ts";
import { Playground, repository } from "./playground.ts";

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };

peerTest("git worker: asks the server once, and fetches once", ["git"], async () => {
  await using playground = await Playground.openForWorkers();
  for (const content of ["1", "2"]) {
    await playground.commit({ "a": content });
    const before = playground.remote.requests;
    await runGitWorker(playground.job(), options);
    assert.deepEqual(playground.files(), { "a": content });
    assert.equal(playground.remote.requests - before, 2);
  }
});

peerTest(
  "git worker: does not ask again where a poll has just seen the branch",
  ["git"],
  async () => {
    await using playground = await Playground.openForWorkers();
    using warm = new WarmWorkers(new FakeClock());
    /** @returns How many requests it took. */
    const checkOut = async (commit: string) => {
      const before = playground.remote.requests;
      const seen = { ref: "refs/heads/main", commit };
      const done = await runGitWorker({ ...playground.job(), seen }, { ...options, warm });
      assert.equal(done.branch, "refs/heads/main");
      return playground.remote.requests - before;
    };
    // Nobody knows yet what the server can do.
    assert.equal(await checkOut(await playground.commit({ "a": "1" })), 2);
    for (const content of ["2", "3"]) {
      assert.equal(await checkOut(await playground.commit({ "a": content })), 1);
      assert.deepEqual(playground.files(), { "a": content });
    }
    // The branch has moved on since the poll: the next poll will see that.
    const outdated = await playground.commit({ "a": "4" });
    const newest = await playground.commit({ "a": "5" });
    assert.equal(await checkOut(outdated), 1);
    assert.deepEqual(playground.files(), { "a": "4" });
    // It was moved elsewhere: what the poll saw is not to be had any more.
    const parent = [`${outdated}^{tree}`, "-p", outdated, "-m", "gone"];
    const gone = (await playground.remote.git(repository, ["commit-tree", ...parent])).trim();
    assert.equal(await checkOut(gone), 3);
    assert.deepEqual(playground.files(), { "a": "5" });
    assert.equal((await playground.nativeGit("rev-parse", "HEAD")).text.trim(), newest);
    // From now on that server is asked each time, so what the poll saw does not matter.
    await playground.commit({ "a": "6" });
    assert.equal(await checkOut("1".repeat(40)), 2);
    assert.deepEqual(playground.files(), { "a": "6" });
    assert.deepEqual(await playground.nativeGit("status", "--porcelain"), { code: 0, text: "" });
  },
);

peerTest("git worker: finds local changes of any of many files, with another thread's help", [
  "git",
], async () => {
  await using playground = await Playground.openForWorkers();
  using warm = new WarmWorkers(new FakeClock());
  const names = Array.from({ length: 2_400 }, (_, index) => `d${index % 60}/f${index}`);
  await playground.commit(Object.fromEntries(names.map((name) => [name, name])));
  await runGitWorker(playground.job(), { ...options, warm });
  const at = (name: string) => `${playground.app}/${name}`;
  for (const round of [1, 2]) {
    // Of each half of the files, in the order of their paths.
    await Deno.writeTextFile(at("d0/f0"), "mine");
    await Deno.remove(at("d9/f9"));
    await Deno.chmod(at("d8/f8"), 0o755);
    await Deno.remove(at("d59"), { recursive: true });
    await playground.commit({ "d30/f30": `changed ${round}` });
    const { notes } = await runGitWorker(playground.job(), { ...options, warm });
    assert.equal(notes.localChanges.count, 3 + 40);
    assert.equal(warm.size, 1);
    const expected = names.map((name) => [name, name === "d30/f30" ? `changed ${round}` : name]);
    assert.deepEqual(playground.files(), Object.fromEntries(expected.sort()));
    assert.deepEqual(await playground.nativeGit("status", "--porcelain"), { code: 0, text: "" });
  }
});

peerTest("git worker: fails when the server does so after what was seen before, too", [
  "git",
], async () => {
  await using playground = await Playground.openForWorkers();
  using warm = new WarmWorkers(new FakeClock());
  await playground.commit({ "a": "1" });
  await runGitWorker(playground.job(), { ...options, warm });
  await playground.remote[Symbol.asyncDispose]();
  const job = playground.job({ seen: { ref: "refs/heads/main", commit: "1".repeat(40) } });
  const isUnreachable = { name: "AgentError", kind: "unavailable" };
  await assert.rejects(runGitWorker(job, { ...options, warm }), isUnreachable);
  assert.deepEqual(playground.files(), { "a": "1" });
});

peerTest(
  "git worker: a server that refuses is what the job fails with, and it finishes a removal",
  [
    "git",
  ],
  async () => {
    await using playground = await Playground.openForWorkers();
    await playground.commit({ "a": "1" });
    await runGitWorker(playground.job(), options);
    await Deno.writeTextFile(`${playground.gitDirectory}/removing`, "");
    const job = playground.job({ password: "wrong" });
    await assert.rejects(runGitWorker(job, options), /does not accept the credentials/);
    assert.deepEqual(playground.files(), {});
  },
);
