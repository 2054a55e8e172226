import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";

peerTest("commit: new, changed and deleted files reach the remote", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1", "d/c": "1" });
  await playground.checkOut();
  await edit(playground, { "a": "2", "b": null, "d/new": "n", "e/f/g": "deep" });
  const done = await commitRound(playground);
  assert.deepEqual(done.committed.first, ["a", "b", "d/new", "e/f/g"]);
  assert.equal(done.pushFailure, undefined);
  assert.equal(done.pushed, true);
  assert.deepEqual(await remoteFiles(playground), {
    "a": "2",
    "d/c": "1",
    "d/new": "n",
    "e/f/g": "deep",
  });
  const log = await playground.remote.git(repository, ["log", "-1", "--format=%an|%cn|%ae|%s"]);
  assert.equal(log.trim(), "1|1|1@cartridge-agent.invalid|4 local changes");
  await assertSound(playground);
  const again = await commitRound(playground);
  assert.equal(again.committed.count, 0);
  assert.equal(again.pushed, false);
});

peerTest("commit: goes on top of what others pushed, and brings that here", ["git"], async () => {
  await using playground = await Playground.open();
  const text = "1\n2\n3\n4\n5\n6\n";
  await playground.commit({ "a": text, "b": "1", "gone": "x" });
  await playground.checkOut();
  await edit(playground, { "a": text.replace("1", "one"), "mine": "m" });
  await playground.commit({ "a": text.replace("6", "six"), "theirs": "t", "gone": null });
  const done = await commitRound(playground);
  assert.equal(done.pushFailure, undefined);
  assert.equal(done.kept, undefined);
  assert.equal(done.changed, true);
  const merged = { "a": "one\n2\n3\n4\n5\nsix\n", "b": "1", "mine": "m", "theirs": "t" };
  assert.deepEqual(await remoteFiles(playground), merged);
  assert.deepEqual(playground.files(), merged);
  const count = await playground.remote.git(repository, ["rev-list", "--count", "main"]);
  assert.equal(count.trim(), "3");
  await assertSound(playground);
});

peerTest("commit: a conflict leaves the remote's version and keeps ours", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1\n", "b": "1" });
  await playground.checkOut();
  await edit(playground, { "a": "mine\n", "mine": "m" });
  await playground.commit({ "a": "theirs\n" });
  const done = await commitRound(playground);
  assert.equal(done.pushFailure, undefined);
  assert.deepEqual(done.kept?.files.first, ["a"]);
  assert.equal(done.kept?.why, "conflict");
  assert.equal(done.kept?.isShared, true);
  const merged = { "a": "theirs\n", "b": "1", "mine": "m" };
  assert.deepEqual(await remoteFiles(playground), merged);
  assert.deepEqual(playground.files(), merged);
  const ref = done.kept?.ref ?? "";
  assert.match(ref, /^refs\/cartridge-agent\/conflicts\/\d{8}T\d{6}Z-[0-9a-f]{7}$/);
  assert.equal((await playground.nativeGit("show", `${ref}:a`)).text, "mine\n");
  assert.equal((await remoteFiles(playground, ref))["a"], "mine\n");
  await assertSound(playground);
});

peerTest("commit: begins an empty repository", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.remote.git(repository, ["symbolic-ref", "HEAD", "refs/heads/trunk"]);
  await playground.checkOut();
  await edit(playground, { "a": "1", ".gitignore": "*.log\n", "x.log": "noise" });
  assert.equal((await commitRound(playground)).committed.count, 0);
  const done = await commitRound(playground, { mayBegin: true });
  assert.equal(done.pushFailure, undefined);
  assert.equal(done.branch, "refs/heads/trunk");
  assert.deepEqual(await remoteFiles(playground, "trunk"), { "a": "1", ".gitignore": "*.log\n" });
  await assertSound(playground);
  await edit(playground, { "a": "2" });
  assert.equal((await commitRound(playground)).pushed, true);
  assert.equal((await remoteFiles(playground, "trunk"))["a"], "2");
});

peerTest("commit: the executable bit alone is a change", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "run.sh": "#!/bin/sh\n" });
  await playground.checkOut();
  await Deno.chmod(join(playground.app, "run.sh"), 0o755);
  assert.deepEqual((await commitRound(playground)).committed.first, ["run.sh"]);
  const tree = await playground.remote.git(repository, ["ls-tree", "main"]);
  assert.match(tree, /^100755 blob/);
  await assertSound(playground);
});
