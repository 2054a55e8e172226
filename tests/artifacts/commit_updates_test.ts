import assert from "node:assert/strict";
import { join } from "node:path";
import { FakeClock } from "../fake_clock.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, edit, remoteFiles } from "./commit_playground.ts";
import { canarySpellings, filesHolding, Playground, repository } from "./playground.ts";
import { encrypted, openSync, sourceFor } from "./sync_playground.ts";
import { TroubledServer } from "./troubled_server.ts";

const never = new AbortController().signal;
const intervalMs = 15_000;

/** Lets a poll begin, and waits until it has ended and the loop sleeps again. */
async function poll(clock: FakeClock) {
  await clock.untilSleeping();
  await clock.advance(intervalMs);
  await clock.untilNextIn(intervalMs);
}

peerTest("two ways: an update commits first, then follows", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1" });
  const clock = new FakeClock();
  const { sync, log } = openSync(playground, { autoCommit: true, tenantId: 7 }, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground, { tenantId: 7 }), never);
  let updates = 0;
  sync.startUpdates(7, () => void updates++);
  await clock.untilSleeping();
  await edit(playground, { "a": "mine" });
  await poll(clock);
  assert.deepEqual(await remoteFiles(playground), { "a": "mine", "b": "1" });
  const author = await playground.remote.git(repository, ["log", "-1", "--format=%an %cn"]);
  assert.equal(author.trim(), "7 7");
  assert.equal(updates, 0, "our own push is no news");
  // Neither a worker nor more than one request in quiet times.
  const [requests, lines] = [playground.remote.requests, log.records.length];
  await poll(clock);
  assert.equal(playground.remote.requests, requests + 1);
  assert.equal(log.records.length, lines, log.text());
  await playground.commit({ "b": "theirs" });
  await edit(playground, { "c": "mine" });
  await poll(clock);
  assert.equal(updates, 1);
  const both = { "a": "mine", "b": "theirs", "c": "mine" };
  assert.deepEqual(playground.files(), both);
  assert.deepEqual(await remoteFiles(playground), both);
  assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
  assert.deepEqual(filesHolding(playground.remote.directory(repository), canarySpellings), []);
  assert.doesNotMatch(log.text(), /c4n4ry/);
});

peerTest(
  "two ways: without auto.checkout commits go out and nothing comes in",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1", "b": "1" });
    const clock = new FakeClock();
    const { sync } = openSync(playground, { autoCommit: true, autoCheckout: false }, { clock });
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    sync.startUpdates(1, () => assert.fail("nothing came in"));
    await clock.untilSleeping();
    await playground.commit({ "b": "theirs" });
    await edit(playground, { "a": "mine" });
    await poll(clock);
    await playground.commit({ "c": "theirs" });
    await edit(playground, { "d": "mine" });
    await poll(clock);
    assert.deepEqual(playground.files(), { "a": "mine", "b": "1", "d": "mine" });
    const all = { "a": "mine", "b": "theirs", "c": "theirs", "d": "mine" };
    assert.deepEqual(await remoteFiles(playground), all);
    await poll(clock);
    assert.deepEqual(await remoteFiles(playground), all);
  },
);

peerTest("two ways: the first files of an empty repository are ours", ["git"], async () => {
  await using playground = await Playground.open();
  const clock = new FakeClock();
  const { sync } = openSync(playground, { autoCommit: true }, { clock });
  await using _ = sync;
  await edit(playground, { "index.html": "hello" });
  await sync.checkOut(sourceFor(playground), never);
  sync.startUpdates(1, () => assert.fail("nothing came in"));
  await poll(clock);
  assert.deepEqual(await remoteFiles(playground), { "index.html": "hello" });
  await assertSound(playground);
});

peerTest("two ways: a push that is refused does not keep changes out", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await using server = new TroubledServer((request) => playground.remote.handle(request));
  const clock = new FakeClock();
  const config = { autoCommit: true, allowedHosts: [server.address] };
  const { sync, log } = openSync(playground, config, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground, { repoUrl: server.url(repository) }), never);
  sync.startUpdates(1, () => {});
  await clock.untilSleeping();
  server.fails = (request) => request.url.includes("receive-pack");
  await edit(playground, { "mine": "m" });
  await poll(clock);
  await playground.commit({ "b": "theirs" });
  await poll(clock);
  assert.deepEqual(playground.files(), { "a": "1", "b": "theirs", "mine": "m" });
  const warnings = log.records.filter(({ level }) => level === "warning");
  assert.equal(warnings.length, 1, log.text());
  assert.match(warnings[0]?.message ?? "", /Local commits are not pushed, and wait .*status 503/);
  server.calm();
  await poll(clock);
  assert.deepEqual(await remoteFiles(playground), { "a": "1", "b": "theirs", "mine": "m" });
  await assertSound(playground);
});

peerTest("two ways: new credentials push what the old ones could not", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  const clock = new FakeClock();
  const { sync, redactor } = openSync(playground, { autoCommit: true, cloneRetries: 1 }, { clock });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  await edit(playground, { "mine": "m" });
  const wrong = sourceFor(playground, { repoPassword: encrypted("wr0ng-secret") });
  assert.equal((await sync.checkOut(wrong, never)).kind, "failed");
  assert.deepEqual(await remoteFiles(playground), { "a": "1" });
  const packs = [...Deno.readDirSync(join(playground.gitDirectory, "objects", "pack"))].length;
  assert.equal((await sync.checkOut(sourceFor(playground), never)).kind, "checkedOut");
  assert.deepEqual(await remoteFiles(playground), { "a": "1", "mine": "m" });
  const after = [...Deno.readDirSync(join(playground.gitDirectory, "objects", "pack"))].length;
  assert.equal(after, packs, "nothing was cloned again");
  assert.equal(redactor.redact("wr0ng-secret"), "wr0ng-secret");
});

peerTest("two ways: changes are not pushed to an unrelated repository", ["git"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1" });
  await playground.remote.createRepository("other");
  await playground.remote.commit("other", { "x": "1" });
  const { sync, log } = openSync(playground, { autoCommit: true });
  await using _ = sync;
  await sync.checkOut(sourceFor(playground), never);
  await edit(playground, { "a": "mine" });
  const other = sourceFor(playground, { repoUrl: playground.remote.url("other") });
  assert.equal((await sync.checkOut(other, never)).kind, "checkedOut");
  assert.deepEqual(playground.files(), { "x": "1" });
  assert.equal((await playground.remote.git("other", ["rev-list", "--count", "main"])).trim(), "1");
  const ref = /kept as (refs\/cartridge-agent\/other-repository\/\S+)/.exec(log.text())?.[1];
  assert.equal((await playground.nativeGit("show", `${ref}:a`)).text, "mine");
});
