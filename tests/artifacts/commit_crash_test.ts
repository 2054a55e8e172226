import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { CommitJob } from "../../src/artifacts/git_job.ts";
import { peerTest } from "../system_peers.ts";
import { assertSound, commitRound, edit, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";

const program = fileURLToPath(new URL("./killed_commit.ts", import.meta.url));
const mostPoints = 40;

/** Runs a round in a process of its own and kills it at a point. @returns Its name, if it was passed. */
async function killedAt(job: CommitJob, stopAt: number): Promise<string | undefined> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--cached-only", program],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify({ job, stopAt })));
  await writer.close();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("\n")) break;
  }
  child.kill("SIGKILL");
  await child.status;
  assert.notEqual(said, "");
  return /^stopped: (.*)\n/.exec(said)?.[1];
}

/** Kills at each point in turn, each time in a world of its own, and lets the next round finish. */
async function atEachPoint(
  prepare: (playground: Playground) => Promise<void>,
  check: (playground: Playground) => Promise<void>,
): Promise<string[]> {
  const points: string[] = [];
  for (let stopAt = 0; stopAt < mostPoints; stopAt++) {
    await using playground = await Playground.open();
    await prepare(playground);
    const job = {
      ...playground.job({ localChanges: "keep" }),
      author: "1",
      followsRemote: true,
      mayBegin: true,
    };
    const point = await killedAt(job, stopAt);
    if (point !== undefined) points.push(point);
    const done = await commitRound(playground, { mayBegin: true });
    assert.equal(done.pushFailure, undefined, point ?? "not killed");
    await playground.checkOut({ localChanges: "keep" });
    await check(playground);
    await assertSound(playground);
    if (point === undefined) return points;
  }
  throw new Error("endless");
}

peerTest("crash: a commit and its push are completed by the next round", ["git"], async () => {
  const points = await atEachPoint(async (playground) => {
    await playground.commit({ "a": "1", "b": "1" });
    await playground.checkOut();
    await edit(playground, { "a": "2", "b": null, "c": "3" });
  }, async (playground) => {
    assert.deepEqual(await remoteFiles(playground), { "a": "2", "c": "3" });
    assert.deepEqual(playground.files(), { "a": "2", "c": "3" });
    const count = await playground.remote.git(repository, ["rev-list", "--count", "main"]);
    assert.equal(count.trim(), "2");
  });
  assert.deepEqual(points, [
    "objects written",
    "commit announced",
    "branch moved",
    "index written",
    "pushed",
  ]);
});

peerTest("crash: a conflict is kept once, whatever the moment", ["git"], async () => {
  const points = await atEachPoint(async (playground) => {
    await playground.commit({ "a": "1\n", "b": "1" });
    await playground.checkOut();
    await edit(playground, { "a": "mine\n", "new": "n" });
    await playground.commit({ "a": "theirs\n", "b": "2" });
  }, async (playground) => {
    const all = { "a": "theirs\n", "b": "2", "new": "n" };
    assert.deepEqual(await remoteFiles(playground), all);
    assert.deepEqual(playground.files(), all);
    const refs = await playground.nativeGit("for-each-ref", "refs/cartridge-agent/conflicts");
    const [line = "", ...others] = refs.text.trim().split("\n");
    assert.deepEqual(others, []);
    const ref = line.split("\t")[1];
    assert.equal((await playground.nativeGit("show", `${ref}:a`)).text, "mine\n");
  });
  assert(points.includes("conflict kept") && points.includes("files published"), points.join());
});

peerTest("crash: the first commit of an empty repository is made once", ["git"], async () => {
  await atEachPoint(async (playground) => {
    await playground.checkOut();
    await edit(playground, { "a": "1" });
  }, async (playground) => {
    assert.deepEqual(await remoteFiles(playground), { "a": "1" });
    const count = await playground.remote.git(repository, ["rev-list", "--count", "main"]);
    assert.equal(count.trim(), "1");
  });
});
