import assert from "node:assert/strict";
import { join } from "node:path";
import { type CommitRuntime, runCommit } from "../../src/artifacts/commit_job.ts";
import type { CommitDone, CommitJob } from "../../src/artifacts/git_job.ts";
import { Playground, repository } from "./playground.ts";

/** Writes files below APPLICATION_PATH; `null` deletes. */
export async function edit(
  playground: Playground,
  files: Readonly<Record<string, string | Uint8Array | null>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const absolute = join(playground.app, path);
    if (content === null) await Deno.remove(absolute);
    else {
      await Deno.mkdir(join(absolute, ".."), { recursive: true });
      if (typeof content === "string") await Deno.writeTextFile(absolute, content);
      else await Deno.writeFile(absolute, content);
    }
  }
}

/** One round for local changes, done here and not in a worker. */
export async function commitRound(
  playground: Playground,
  changes: Partial<CommitJob> = {},
  runtime: CommitRuntime = {},
): Promise<CommitDone> {
  return await runCommit({
    ...playground.job({ localChanges: "keep" }),
    author: "1",
    followsRemote: true,
    mayBegin: false,
    ...changes,
  }, runtime);
}

/** What the remote's branch holds: path → text. */
export async function remoteFiles(
  playground: Playground,
  ref = "main",
): Promise<Record<string, string>> {
  const listed = await playground.remote.git(repository, ["ls-tree", "-r", "-z", ref]);
  const files: Record<string, string> = {};
  for (const line of listed.split("\0").filter(Boolean)) {
    const [facts = "", path = ""] = line.split("\t");
    const id = facts.split(" ")[2] ?? "";
    files[path] = await playground.remote.git(repository, ["cat-file", "blob", id]);
  }
  return files;
}

/** Native git finds nothing wrong on both sides, and no difference between record and directory. */
export async function assertSound(playground: Playground, isClean = true): Promise<void> {
  const local = await playground.nativeGit("fsck", "--full", "--strict");
  assert.deepEqual([local.code, local.text.replaceAll(/^(dangling|notice|Checking).*\n/gm, "")], [
    0,
    "",
  ]);
  await playground.remote.git(repository, ["fsck", "--full"]);
  if (!isClean) return;
  const status = await playground.nativeGit("status", "--porcelain");
  assert.equal(status.text, "");
}
