/** What every engine (artifact.engine) must do, against real `git http-backend`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ArtifactSyncOptions } from "../../src/artifacts/artifact_sync.ts";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";
import { peerTest } from "../system_peers.ts";
import { canaryPassword, Playground, repository } from "./playground.ts";
import { configFor, encrypted, openSync, SilentServer, sourceFor } from "./sync_playground.ts";

/** An engine under test: what makes a sync use it. */
export interface EngineUnderTest {
  readonly name: ArtifactsConfig["engine"];
  readonly options: (config: ArtifactsConfig) => Partial<ArtifactSyncOptions>;
}

const never = new AbortController().signal;
const certificates = new URL("../peers/certs/", import.meta.url);

/** Declares the tests. */
export function engineContract(engine: EngineUnderTest): void {
  const test = (name: string, fn: () => Promise<void>) =>
    peerTest(`engine ${engine.name}: ${name}`, ["git"], fn);
  const open = (playground: Playground, changes: Partial<ArtifactsConfig> = {}) => {
    const config = { engine: engine.name, cloneRetries: 1, updateIntervalMs: 20, ...changes };
    return openSync(playground, config, engine.options(configFor(playground, config)));
  };

  test("checks out, and the Git directory is as native git wants it", async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a.txt": "first\n", "old": "x" });
    const commit = await playground.commit({ "a.txt": "one\n", "dir/b ü.txt": "two", "old": null });
    const { sync, log } = open(playground);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 2, commit }, log.text());
    assert.deepEqual(playground.files(), { "a.txt": "one\n", "dir/b ü.txt": "two" });
    await assertClean(playground);
    assert.equal((await playground.nativeGit("rev-parse", "HEAD")).text.trim(), commit);
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  });

  test("follows the branch, small changes and rewritten history alike", async () => {
    await using playground = await Playground.open();
    const big = "x".repeat(50_000);
    const first = await playground.commit({ "big": big, "a": "1", "gone": "1" });
    const { sync } = open(playground);
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    const updates = updatesOf(sync, 1);
    await playground.commit({ "a": "2", "gone": null });
    await updates.next();
    assert.deepEqual(playground.files(), { "a": "2", "big": big });
    await playground.commit({ "a": "3" });
    await updates.next();
    assert.deepEqual(playground.files(), { "a": "3", "big": big });
    await assertClean(playground);
    // From one moment to the next: an update between two steps would be right as well.
    const contents = [["a", "other"], ["big", big], ["gone", "1"]] as const;
    const tree = await playground.rawTree(
      await Promise.all(contents.map(async ([name, content]) => (
        { mode: "100644", name, id: await playground.blob(content) }
      ))),
    );
    const { remote } = playground;
    const other = await remote.git(repository, ["commit-tree", tree, "-p", first, "-m", "other"]);
    await remote.git(repository, ["update-ref", "refs/heads/main", other.trim()]);
    await updates.next();
    assert.deepEqual(playground.files(), { "a": "other", "big": big, "gone": "1" });
    await assertClean(playground);
  });

  test("checks out artifact.branch, and says so when there is none of that name", async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    await playground.remote.git(repository, ["branch", "release/1", "main"]);
    await playground.commit({ "a": "2" });
    {
      const { sync } = open(playground, { branch: "release/1" });
      await using _ = sync;
      const outcome = await sync.checkOut(sourceFor(playground), never);
      assert.deepEqual(outcome, { kind: "checkedOut", files: 1, commit });
      assert.deepEqual(playground.files(), { "a": "1" });
    }
    const { sync } = open(playground, { branch: "nosuch" });
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /there is no branch "nosuch" \(artifact\.branch\)/);
  });

  test("takes a detached HEAD, and a HEAD whose branch does not exist", async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    await Deno.writeTextFile(join(playground.remote.directory(repository), "HEAD"), commit);
    const { sync } = open(playground);
    await using _ = sync;
    const wanted = { kind: "checkedOut", files: 1, commit };
    assert.deepEqual(await sync.checkOut(sourceFor(playground), never), wanted);
    await playground.remote.git(repository, ["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    assert.deepEqual(await sync.checkOut(sourceFor(playground), never), wanted);
  });

  test("takes an empty repository as a success, and follows it when it is filled", async () => {
    await using playground = await Playground.open();
    const { sync, log } = open(playground);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 0 });
    assert.match(log.text(), /is empty/);
    const updates = updatesOf(sync, 1);
    await playground.commit({ "a": "1" });
    await updates.next();
    assert.deepEqual(playground.files(), { "a": "1" });
  });

  test("fetches everything again when objects are lost or damaged", async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1", "b": "1" });
    const { sync } = open(playground);
    await using _ = sync;
    await sync.checkOut(sourceFor(playground), never);
    const packs = join(playground.gitDirectory, "objects", "pack");
    for (const { name } of Deno.readDirSync(packs)) {
      if (name.endsWith(".pack")) Deno.writeFileSync(join(packs, name), new Uint8Array(64));
    }
    await playground.commit({ "b": "2" });
    await Deno.remove(join(playground.app, "a"));
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.equal(outcome.kind, "checkedOut", JSON.stringify(outcome));
    assert.deepEqual(playground.files(), { "a": "1", "b": "2" });
    await assertClean(playground);
  });

  test("names the refusal of a wrong password, without any password", async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    const { sync, log } = open(playground);
    await using _ = sync;
    const wrong = `wr0ng${canaryPassword}`;
    const source = sourceFor(playground, { repoPassword: encrypted(wrong) });
    const outcome = await sync.checkOut(source, never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /does not accept the credentials/);
    assert(!`${outcome.reason}${log.text()}`.includes(canaryPassword));
    assert.deepEqual(playground.files(), {});
  });

  test("refuses a host that is not allowed before anything is asked", async () => {
    await using playground = await Playground.open();
    const { sync } = open(playground, { allowedHosts: ["elsewhere.example"] });
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert(outcome.kind === "failed" && outcome.refused);
    assert.match(outcome.reason, /is not allowed/);
    assert.equal(playground.remote.requests, 0);
  });

  test("refuses a redirect to another origin, and gives it no password", async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    const reached: Request[] = [];
    await using other = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (r) => {
      reached.push(r);
      return new Response("no", { status: 500 });
    });
    await using front = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => {
        const { pathname, search } = new URL(request.url);
        return Response.redirect(`http://127.0.0.1:${other.addr.port}${pathname}${search}`, 302);
      },
    );
    const address = `127.0.0.1:${front.addr.port}`;
    const { sync } = open(playground, { allowedHosts: [address] });
    await using _ = sync;
    const repoUrl = `http://${address}/${repository}.git`;
    const outcome = await sync.checkOut(sourceFor(playground, { repoUrl }), never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /redirects/);
    assert.equal(reached.length, 0);
  });

  test("ends with artifact.limit.seconds when the server does not answer", async () => {
    await using playground = await Playground.open();
    await using server = new SilentServer();
    const { sync } = open(playground, {
      allowedHosts: [server.address],
      limits: { bytes: 1_000_000, files: 100, timeoutMs: 1_500 },
    });
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground, { repoUrl: server.url }), never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /it took longer than 1\.5 s \(artifact\.limit\.seconds\)/);
    assert.deepEqual(playground.files(), {});
  });

  test("is cancelled at once by its signal", async () => {
    await using playground = await Playground.open();
    await using server = new SilentServer();
    const { sync } = open(playground, { allowedHosts: [server.address] });
    await using _ = sync;
    const abort = new AbortController();
    const source = sourceFor(playground, { repoUrl: server.url });
    const outcome = sync.checkOut(source, abort.signal);
    await server.arrived.promise;
    abort.abort();
    assert.deepEqual(await outcome, { kind: "cancelled" });
  });

  test("refuses more bytes than artifact.limit.bytes", async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": crypto.getRandomValues(new Uint8Array(60_000)) });
    const { sync } = open(playground, { limits: { bytes: 20_000, files: 9, timeoutMs: 60_000 } });
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /artifact\.limit\.bytes/);
    assert.deepEqual(playground.files(), {});
  });

  test("refuses a path that leads into .git, whatever the server sends", async () => {
    await using playground = await Playground.open();
    const id = await playground.blob("x");
    const below = await playground.rawTree([{ mode: "100644", name: "config", id }]);
    await playground.commitRawTree([{ mode: "40000", name: ".GIT", id: below }]);
    const { sync } = open(playground);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.equal(outcome.kind, "failed");
    assert.deepEqual(playground.files(), {});
  });

  test("names submodules and leaves them as they are", async () => {
    await using playground = await Playground.open();
    const id = await playground.blob("x");
    await playground.commitRawTree([
      { mode: "100644", name: "a", id },
      { mode: "160000", name: "module", id: "1".repeat(40) },
    ]);
    const { sync, log } = open(playground);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.equal(outcome.kind, "checkedOut", JSON.stringify(outcome));
    assert.deepEqual(playground.files(), { "a": "x" });
    assert.match(log.text(), /Submodules are left as they are.*module/);
  });

  test("writes nothing through a link that leads out", async () => {
    await using playground = await Playground.open();
    const id = await playground.blob(playground.root);
    const content = await playground.blob("x");
    await playground.commitRawTree([
      { mode: "100644", name: "a", id: content },
      { mode: "120000", name: "out", id },
    ]);
    const { sync } = open(playground);
    await using _ = sync;
    const outcome = await sync.checkOut(sourceFor(playground), never);
    assert.equal(outcome.kind, "checkedOut", JSON.stringify(outcome));
    assert.deepEqual(playground.files(), { "a": "x" });
  });

  test("trusts artifact.ca.file, and no certificate without it", async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    await using server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      cert: Deno.readTextFileSync(new URL("leaf.pem", certificates)),
      key: Deno.readTextFileSync(new URL("leaf.key", certificates)),
      onListen: () => {},
    }, (request) => playground.remote.handle(request));
    const address = `127.0.0.1:${server.addr.port}`;
    const source = sourceFor(playground, { repoUrl: `https://${address}/${repository}.git` });
    {
      const { sync } = open(playground, { allowedHosts: [address] });
      await using _ = sync;
      const outcome = await sync.checkOut(source, never);
      assert(outcome.kind === "failed");
      assert.match(outcome.reason, /certificate/i);
    }
    const caFile = new URL("ca.pem", certificates).pathname;
    const { sync } = open(playground, { allowedHosts: [address], caFile });
    await using _ = sync;
    assert.deepEqual(await sync.checkOut(source, never), { kind: "checkedOut", files: 1, commit });
    const updates = updatesOf(sync, 1);
    await playground.commit({ "a": "2" });
    await updates.next();
    assert.deepEqual(playground.files(), { "a": "2" });
  });
}

/** Follows the updates of a tenant one by one. */
function updatesOf(
  sync: { startUpdates(tenantId: number, onUpdate: () => void): void },
  tenantId: number,
): { next(): Promise<void> } {
  let seen = 0;
  let waiting: PromiseWithResolvers<void> | undefined;
  sync.startUpdates(tenantId, () => {
    seen++;
    waiting?.resolve();
  });
  return {
    next: async () => {
      waiting = Promise.withResolvers<void>();
      const late = () => new Error("there was no update");
      if (seen === 0) await withDeadline(waiting.promise, 30_000, late, systemClock);
      seen--;
      waiting = undefined;
    },
  };
}

async function assertClean(playground: Playground): Promise<void> {
  const check = await playground.nativeGit("fsck", "--full", "--strict");
  assert.equal(check.code, 0, check.text);
  assert(!/error|missing|broken/.test(check.text), check.text);
  const status = await playground.nativeGit("status", "--porcelain");
  assert.deepEqual(status, { code: 0, text: "" });
}
