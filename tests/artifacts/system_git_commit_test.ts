import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { CommitDone, CommitJob } from "../../src/artifacts/git_job.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, edit, remoteFiles } from "./commit_playground.ts";
import { canarySpellings, filesHolding, Playground, repository } from "./playground.ts";
import { engineFor } from "./system_git_playground.ts";
import { TroubledServer } from "./troubled_server.ts";

const options = { timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };
/** The first question of a push, and the push itself. */
const isPush = (request: Request) =>
  request.url.endsWith("/info/refs?service=git-receive-pack") ||
  request.url.endsWith("/git-receive-pack");

async function checkOut(playground: Playground, changes: Partial<CommitJob> = {}) {
  await Deno.mkdir(playground.gitDirectory, { recursive: true });
  return await engineFor().runJob(playground.job(changes), options);
}

async function commitRound(
  playground: Playground,
  changes: Partial<CommitJob> = {},
): Promise<CommitDone> {
  const job = playground.job({ localChanges: "keep" });
  const round = { ...job, author: "1", followsRemote: true, mayBegin: false, ...changes };
  const done = await engineFor().runCommit(round, options);
  assert.equal(done.toPush, undefined);
  assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
  const left = [...Deno.readDirSync(playground.gitDirectory)].map(({ name }) => name);
  assert(!left.includes("transfer") && !left.includes("push"), left.join(" "));
  return done;
}

peerTest("system git, commits: go out, and the remote's changes come in", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1" });
  await checkOut(playground);
  await edit(playground, { "a": "mine" });
  const first = await commitRound(playground);
  assert.deepEqual([first.pushed, first.pushFailure], [true, undefined]);
  assert.deepEqual(first.committed.first, ["a"]);
  assert.equal(first.remote, first.commit);
  assert.equal(first.branch, "refs/heads/main");
  assert.deepEqual(await remoteFiles(playground), { "a": "mine", "b": "1" });
  await playground.commit({ "b": "theirs" });
  await edit(playground, { "c": "mine", "a": null });
  const second = await commitRound(playground);
  assert.deepEqual([second.pushed, second.changed], [true, true]);
  const both = { "b": "theirs", "c": "mine" };
  assert.deepEqual(playground.files(), both);
  assert.deepEqual(await remoteFiles(playground), both);
  const idle = await commitRound(playground);
  assert.deepEqual([idle.pushed, idle.committed.count, idle.pushFailure], [false, 0, undefined]);
  const follow = await checkOut(playground, { localChanges: "keep" });
  assert.deepEqual([follow.kind, follow.changed], ["published", false]);
  await assertSound(playground);
});

peerTest(
  "system git, commits: a conflict is kept, and the remote's version wins",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1\n", "b": "1" });
    await checkOut(playground);
    await playground.commit({ "a": "theirs\n" });
    await edit(playground, { "a": "mine\n", "b": "mine" });
    const done = await commitRound(playground);
    assert.equal(done.pushed, true);
    assert.deepEqual([done.kept?.why, done.kept?.files.first], ["conflict", ["a"]]);
    assert.deepEqual(playground.files(), { "a": "theirs\n", "b": "mine" });
    assert.deepEqual(await remoteFiles(playground), { "a": "theirs\n", "b": "mine" });
    const kept = await playground.nativeGit("show", `${done.kept?.ref}:a`);
    assert.deepEqual(kept, { code: 0, text: "mine\n" });
    await assertSound(playground);
  },
);

peerTest(
  "system git, commits: somebody who is faster is waited for, not overrun",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await using server = new TroubledServer((request) => playground.remote.handle(request));
    const job = { url: server.url(repository) };
    await playground.commit({ "a": "1" });
    await checkOut(playground, job);
    await edit(playground, { "mine": "m" });
    let others = 0;
    server.before = async (request) => {
      if (isPush(request) && others++ < 4) await playground.commit({ [`other${others}`]: "o" });
    };
    const done = await commitRound(playground, job);
    assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
    const names = ["other1", "other2", "other3", "other4"];
    const all = { "a": "1", "mine": "m", ...Object.fromEntries(names.map((name) => [name, "o"])) };
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
  },
);

peerTest(
  "system git, commits: what a hook rejects is kept, named, and tried again",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    await checkOut(playground);
    const hook = join(playground.remote.directory(repository), "hooks", "update");
    await Deno.mkdir(join(hook, ".."), { recursive: true });
    await Deno.writeTextFile(hook, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    await edit(playground, { "a": "mine" });
    const rejected = await commitRound(playground);
    assert.deepEqual([rejected.pushed, rejected.committed.first], [false, ["a"]]);
    assert.match(rejected.pushFailure ?? "", /the server rejects it: .*hook declined/);
    await Deno.remove(hook);
    await playground.commit({ "b": "theirs" });
    assert.equal((await commitRound(playground)).pushed, true);
    assert.deepEqual(await remoteFiles(playground), { "a": "mine", "b": "theirs" });
    await assertSound(playground);
  },
);

peerTest(
  "system git, commits: are made while the server is down, and pushed later",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    await checkOut(playground);
    await edit(playground, { "a": "mine" });
    const down = await commitRound(playground, { url: "http://127.0.0.1:1/site.git" });
    assert.deepEqual([down.pushed, down.committed.first], [false, ["a"]]);
    assert.match(down.pushFailure ?? "", /127\.0\.0\.1/);
    const denied = await commitRound(playground, { password: "wrong" });
    assert.match(denied.pushFailure ?? "", /does not accept the credentials/);
    assert.equal((await commitRound(playground)).pushed, true);
    assert.deepEqual(await remoteFiles(playground), { "a": "mine" });
  },
);

peerTest(
  "system git, commits: the first files of an empty repository are ours",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await checkOut(playground);
    await edit(playground, { "a": "mine" });
    const done = await commitRound(playground, { mayBegin: true });
    assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
    assert.deepEqual(await remoteFiles(playground), { "a": "mine" });
    await playground.commit({ "b": "theirs" });
    await edit(playground, { "a": "again" });
    assert.equal((await commitRound(playground)).pushed, true);
    assert.deepEqual(playground.files(), { "a": "again", "b": "theirs" });
    await assertSound(playground);
  },
);

peerTest("system git, commits: refuses repositories with files in Git LFS", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await checkOut(playground);
  await playground.commit({ ".gitattributes": "*.bin filter=lfs\n" });
  await edit(playground, { "a": "mine" });
  const met = await commitRound(playground);
  assert.match(met.pushFailure ?? "", /auto\.commit does not work with files in Git LFS/);
  assert.deepEqual(playground.files(), { "a": "mine" });
  await using other = await Playground.open();
  await other.commit({ ".gitattributes": "*.bin filter=lfs\n", "a": "1" });
  await checkOut(other);
  await edit(other, { "a": "mine" });
  await assert.rejects(commitRound(other), /auto\.commit does not work with files in Git LFS/);
  assert.equal((await remoteFiles(other))["a"], "1");
});
