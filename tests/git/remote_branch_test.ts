import assert from "node:assert/strict";
import { AgentError } from "../../src/base/errors.ts";
import { systemClock } from "../../src/base/clock.ts";
import { gitDirectoryAt, prepareGitDirectory } from "../../src/git/git_directory.ts";
import { GitHttp } from "../../src/git/git_http.ts";
import { ObjectStore } from "../../src/git/object_store.ts";
import { RemoteBranch } from "../../src/git/remote_branch.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

Deno.test("remote branch: tells that it asks for a pack, before the server hears of it", async () => {
  await using place = await temporaryDirectory();
  const order: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    order.push(new URL(request.url).pathname);
    return new Response(null, { status: 500 });
  });
  const url = `http://127.0.0.1:${server.addr.port}/r.git`;
  const directory = gitDirectoryAt(place.path);
  prepareGitDirectory(directory);
  using store = new ObjectStore(directory, { inflatedBytes: 1e6, objects: 1_000 });
  using http = new GitHttp({
    access: { url },
    maxBytes: 1e6,
    idleTimeoutMs: 5_000,
    clock: systemClock,
  });
  const branch = new RemoteBranch({ url }, directory, http);
  branch.assume(new Set(["shallow", "side-band-64k"]));
  const chosen = { ref: "refs/heads/main", commit: "1".repeat(40) };
  for (const isFresh of [true, false]) {
    const fetching = branch.fetch(chosen, store, isFresh, { onAsked: () => order.push("asked") });
    await assert.rejects(fetching, AgentError);
  }
  const request = ["asked", "/r.git/git-upload-pack"];
  assert.deepEqual(order, [...request, ...request]);
});
