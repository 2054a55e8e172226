import assert from "node:assert/strict";
import { join } from "node:path";
import { runGitWorker } from "../../src/artifacts/git_worker_run.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";
import { TroubledServer } from "./troubled_server.ts";

const isPush = (request: Request) => request.url.endsWith("/git-receive-pack");

peerTest("push: somebody who is faster is waited for, not overrun", ["git"], async () => {
  await using playground = await Playground.open();
  await using server = new TroubledServer((request) => playground.remote.handle(request));
  const job = { url: server.url(repository) };
  await playground.commit({ "a": "1" });
  await playground.checkOut(job);
  await edit(playground, { "mine": "m" });
  let others = 0;
  server.before = async (request) => {
    if (isPush(request) && others++ < 2) await playground.commit({ [`other${others}`]: "o" });
  };
  const done = await commitRound(playground, job);
  assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
  const all = { "a": "1", "mine": "m", "other1": "o", "other2": "o" };
  assert.deepEqual(await remoteFiles(playground), all);
  assert.deepEqual(playground.files(), all);
  await edit(playground, { "mine": "again" });
  others = -100;
  const late = await commitRound(playground, job);
  assert.equal(late.pushed, false);
  assert.match(late.pushFailure ?? "", /others pushed again and again/);
  server.calm();
  assert.equal((await commitRound(playground, job)).pushed, true);
  assert.equal((await remoteFiles(playground))["mine"], "again");
  await assertSound(playground);
});

peerTest("push: what a hook rejects is kept, named, and tried again", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  const hook = join(playground.remote.directory(repository), "hooks", "pre-receive");
  await Deno.writeTextFile(hook, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await edit(playground, { "a": "2" });
  const done = await commitRound(playground);
  assert.match(done.pushFailure ?? "", /the server rejects it: pre-receive hook declined/);
  assert.deepEqual(await remoteFiles(playground), { "a": "1" });
  // A checkout in between takes nothing away.
  assert.equal((await playground.checkOut({ localChanges: "keep" })).kind, "held");
  await Deno.remove(hook);
  assert.equal((await commitRound(playground)).pushed, true);
  assert.deepEqual(await remoteFiles(playground), { "a": "2" });
});

peerTest("push: an answer that was lost makes nothing twice", ["git"], async () => {
  await using playground = await Playground.open();
  await using server = new TroubledServer((request) => playground.remote.handle(request));
  const job = { url: server.url(repository) };
  await playground.commit({ "a": "1\n" });
  await playground.checkOut(job);
  await edit(playground, { "a": "2\n" });
  server.losesAnswer = isPush;
  assert.match((await commitRound(playground, job)).pushFailure ?? "", /status 502/);
  server.calm();
  // Somebody goes on from our commit: to change the same line is no conflict.
  await playground.commit({ "a": "3\n" });
  const done = await commitRound(playground, job);
  assert.equal(done.kept, undefined);
  await playground.checkOut({ ...job, localChanges: "keep" });
  assert.deepEqual(playground.files(), { "a": "3\n" });
  assert.equal(
    (await playground.remote.git(repository, ["rev-list", "--count", "main"])).trim(),
    "3",
  );
  await assertSound(playground);
});

peerTest("push: large commits go piece by piece", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.checkOut();
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const big = new Uint8Array(3_000_000).map((_, at) => noise[(at * 7 + (at >> 12)) % 60_000]!);
  await edit(playground, { "big": big });
  const done = await commitRound(playground);
  assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
  const size = await playground.remote.git(repository, ["cat-file", "-s", "main:big"]);
  assert.equal(size.trim(), "3000000");
  await assertSound(playground);
});

peerTest(
  "push: a rewritten remote is followed, our commits go on top and are kept",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    await playground.commit({ "b": "1" });
    await playground.checkOut();
    await edit(playground, { "mine": "m" });
    const tree = (await playground.remote.git(repository, ["rev-parse", "main^{tree}"])).trim();
    const args = ["commit-tree", tree, "-m", "rewritten"];
    const root = (await playground.remote.git(repository, args)).trim();
    await playground.remote.git(repository, ["update-ref", "refs/heads/main", root]);
    const done = await commitRound(playground);
    assert.equal(done.kept?.why, "rewritten");
    assert.match(done.kept?.ref ?? "", /^refs\/cartridge-agent\/rebased\//);
    assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
    const log = await playground.remote.git(repository, ["log", "--format=%s", "main"]);
    assert.equal(log, "1 local change\nrewritten\n");
    assert.equal((await playground.nativeGit("show", `${done.kept?.ref}:mine`)).text, "m");
    await assertSound(playground);
  },
);

peerTest("push: kept commits outlive the objects' being fetched anew", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "same": "s" });
  await playground.checkOut();
  await edit(playground, { "a": "mine" });
  await playground.commit({ "a": "theirs" });
  const { kept } = await commitRound(playground);
  for (let count = 0; count < 51; count++) {
    await playground.commit({ "b": `${count}` });
    await playground.checkOut({ localChanges: "keep" });
  }
  const packs = [...Deno.readDirSync(join(playground.gitDirectory, "objects", "pack"))]
    .filter(({ name }) => name.endsWith(".pack"));
  assert(packs.length < 20, `${packs.length} packs: nothing was fetched anew`);
  assert.equal((await playground.nativeGit("show", `${kept?.ref}:a`)).text, "mine");
  assert.equal((await playground.nativeGit("show", `${kept?.ref}:same`)).text, "s");
  await assertSound(playground);
});

peerTest(
  "push: without auto.commit what was committed is kept before it goes",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await using server = new TroubledServer((request) => playground.remote.handle(request));
    const job = { url: server.url(repository) };
    await playground.commit({ "a": "1" });
    await playground.checkOut(job);
    await edit(playground, { "a": "mine" });
    server.fails = isPush;
    assert.equal((await commitRound(playground, job)).pushed, false);
    server.calm();
    await playground.checkOut(job);
    assert.deepEqual(playground.files(), { "a": "1" });
    const refs = await playground.nativeGit("for-each-ref", "refs/cartridge-agent/not-wanted");
    const ref = refs.text.trim().split("\t")[1];
    assert.equal((await playground.nativeGit("show", `${ref}:a`)).text, "mine");
  },
);

peerTest("push: a worker does it with the permissions of a checkout", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const { runCommitWorker } = await import("../../src/artifacts/git_worker_run.ts");
  const { systemClock } = await import("../../src/base/clock.ts");
  const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };
  await Deno.mkdir(playground.gitDirectory, { recursive: true });
  await runGitWorker(playground.job(), options);
  await edit(playground, { "b": "2" });
  const job = { ...playground.job(), author: "1", followsRemote: true, mayBegin: false };
  const done = await runCommitWorker(job, options);
  assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
  assert.deepEqual(await remoteFiles(playground), { "a": "1", "b": "2" });
});
