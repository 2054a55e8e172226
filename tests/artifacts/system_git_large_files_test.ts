import assert from "node:assert/strict";
import { join } from "node:path";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";
import { peerTest } from "../system_peers.ts";
import { LargeFileServer, pointer } from "./large_file_server.ts";
import { canarySpellings, filesHolding, launcherLinks, Playground } from "./playground.ts";
import { configFor, openSync, sourceFor } from "./sync_playground.ts";
import { systemGitOptions } from "./system_git_playground.ts";

const { makeLinks } = launcherLinks;
const links = makeLinks === undefined ? {} : { makeLinks };
const never = new AbortController().signal;
const attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
/** More than a pipe takes, with characters of several bytes. */
const large = "größer ".repeat(40_000);

/** Checks out once, as an agent that begins. */
async function checkOut(
  playground: Playground,
  server: LargeFileServer,
  changes: Partial<ArtifactsConfig> = {},
) {
  const settings = {
    engine: "git",
    allowedHosts: [server.address],
    cloneRetries: 1,
    ...changes,
  } as const;
  const options = { ...systemGitOptions(configFor(playground, settings)), ...links };
  const { sync, log } = openSync(playground, settings, options);
  await using _ = sync;
  const outcome = await sync.checkOut(sourceFor(playground, { repoUrl: server.repoUrl }), never);
  assert(!canarySpellings.some((secret) => log.text().includes(secret)), log.text());
  return { outcome, log: log.text(), files: playground.files() };
}

const test = (
  name: string,
  fn: (playground: Playground, server: LargeFileServer) => Promise<void>,
) =>
  peerTest(`system git, LFS: ${name}`, ["git", "git-lfs"], async () => {
    await using playground = await Playground.open();
    await using server = new LargeFileServer(playground);
    await fn(playground, server);
  });

test(
  "puts contents in the place of pointers, and takes them for unchanged",
  async (playground, server) => {
    const commit = await playground.commit({
      ".gitattributes": attributes,
      "a.bin": server.keep(large),
      "dir/b.bin": server.keep("b"),
      "copy.bin": server.keep("b"),
      "text": "t",
    });
    const expected = {
      ".gitattributes": attributes,
      "a.bin": large,
      "copy.bin": "b",
      "dir/b.bin": "b",
      "text": "t",
    };
    const first = await checkOut(playground, server);
    assert.equal(first.outcome.kind, "checkedOut", first.log);
    assert.deepEqual(first.outcome, { kind: "checkedOut", files: 5, commit });
    assert.deepEqual(first.files, expected);
    assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
    assert.deepEqual(filesHolding(playground.stateDir, [large.slice(0, 700)]), []);
    // Where the times leave a doubt, native Git reads the files.
    const filter = ["-c", "filter.lfs.clean=git-lfs clean -- %f"];
    const status = await playground.nativeGit(...filter, "status", "--porcelain");
    assert.deepEqual(status, { code: 0, text: "" });
    // Touched is not changed, and what is in place is not fetched again.
    Deno.utimeSync(join(playground.app, "a.bin"), new Date(0), new Date(0));
    const before = server.requests.length;
    const second = await checkOut(playground, server);
    assert.match(second.log, /Nothing changed by commit/);
    assert.doesNotMatch(second.log, /Local changes/);
    assert.equal(server.requests.length, before);
    // A changed one is.
    await Deno.writeTextFile(join(playground.app, "a.bin"), "changed");
    const third = await checkOut(playground, server);
    assert.match(third.log, /Local changes were discarded.*a\.bin/);
    assert.deepEqual(third.files, first.files);
    assert.deepEqual(playground.surroundings(), ["app", "state"]);
  },
);

test("publishes them by a link as well", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep(large) });
  await Deno.remove(playground.app);
  const { outcome, files, log } = await checkOut(playground, server, { publish: "symlink" });
  assert.equal(outcome.kind, "checkedOut", log);
  assert.equal(files["a.bin"], large);
});

test("leaves pointers alone that nobody gives to LFS", async (playground, server) => {
  const text = server.keep("a");
  await playground.commit({ "a.bin": text });
  assert.equal((await checkOut(playground, server)).files["a.bin"], text);
  assert.deepEqual(server.requests, []);
});

test("replaces pointers that are in place, and only once", async (playground, server) => {
  // As long as its own pointer.
  const content = "x".repeat(pointer("0".repeat(64), 130).length);
  const text = server.keep(content);
  await playground.commit({ ".gitattributes": attributes, "a.bin": text });
  await playground.checkOut();
  assert.equal(playground.files()["a.bin"], text);
  assert.equal((await checkOut(playground, server)).files["a.bin"], content);
  assert.match((await checkOut(playground, server)).log, /Nothing changed by commit/);
});

test("refuses a content of another hash", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("right") });
  server.behaviour = { body: () => "wrong" };
  const { outcome, files } = await checkOut(playground, server);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /Cannot fetch files in Git LFS of .*expected OID/s);
  assert.deepEqual(files, {});
});

test("ends a content that does not end", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("short") });
  let sent = 0;
  const piece = new Uint8Array(16 * 1024);
  server.behaviour = {
    body: () =>
      new ReadableStream({
        pull: (controller) => {
          sent += piece.length;
          controller.enqueue(piece);
        },
      }),
  };
  const { outcome, files } = await checkOut(playground, server);
  assert(outcome.kind === "failed");
  assert(sent < 50_000_000, `${sent} bytes`);
  assert.deepEqual(files, {});
  assert.deepEqual(playground.surroundings(), ["app", "state"]);
});

test("says which content the server does not have", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("gone") });
  server.forget();
  const { outcome } = await checkOut(playground, server);
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /there is no such object/);
});

test("goes to no host that is not allowed", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("a") });
  const reached: string[] = [];
  await using other = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      reached.push(request.url);
      return new Response("a");
    },
  );
  for (const scheme of ["http", "HTTP", "https"]) {
    const href = `${scheme}://127.0.0.1:${other.addr.port}/a`;
    server.behaviour = { href: () => href };
    const { outcome } = await checkOut(playground, server);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /Cannot fetch files in Git LFS of/);
  }
  assert.deepEqual(reached, []);
  // The same host, once it is allowed.
  server.behaviour = { href: () => `http://127.0.0.1:${other.addr.port}/a` };
  const allowedHosts = [server.address, `127.0.0.1:${other.addr.port}`];
  const { outcome, log } = await checkOut(playground, server, { allowedHosts });
  assert.equal(outcome.kind, "checkedOut", log);
  assert.equal(reached.length, 1);
});

test("follows no redirect to a host that is not allowed", async (playground, server) => {
  await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("a") });
  await using front = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.redirect("http://192.0.2.1/a", 302),
  );
  const allowed = `127.0.0.1:${front.addr.port}`;
  server.behaviour = { href: () => `http://${allowed}/a` };
  const allowedHosts = [server.address, allowed];
  const { outcome } = await checkOut(playground, server, { allowedHosts });
  assert(outcome.kind === "failed");
  assert.match(outcome.reason, /127\.0\.0\.1:0: connect: connection refused/);
});

test("obeys .lfsconfig as far as it names an allowed server", async (playground, server) => {
  const trace = join(playground.root, "executed");
  const lfsconfig = (url: string) =>
    `[lfs]\n\turl = ${url}\n\tstandalonetransferagent = evil\n[lfs "customtransfer.evil"]\n` +
    `\tpath = /usr/bin/touch\n\targs = ${trace}\n[lfs "extension.evil"]\n\tsmudge = touch ${trace}\n` +
    `[core]\n\tsshCommand = touch ${trace}\n`;
  const files = { ".gitattributes": attributes, "a.bin": server.keep("a") };
  await playground.commit({ ...files, ".lfsconfig": lfsconfig("http://127.0.0.1:1/lfs") });
  const refused = await checkOut(playground, server);
  assert(refused.outcome.kind === "failed");
  assert.match(
    refused.outcome.reason,
    /\.lfsconfig names an LFS server that is on 127\.0\.0\.1:1, not/,
  );
  assert.deepEqual(server.requests, []);
  await playground.commit({
    ".lfsconfig": lfsconfig(`http://u:p@${server.address}/elsewhere/lfs`),
  });
  const { outcome, log } = await checkOut(playground, server);
  assert.equal(outcome.kind, "checkedOut", log);
  assert.equal(playground.files()["a.bin"], "a");
  assert.equal(server.requests[0], "POST /elsewhere/lfs/objects/batch");
  await assert.rejects(Deno.lstat(trace), Deno.errors.NotFound);
});

test(
  "asks for nothing when contents are larger together than they may be",
  async (playground, server) => {
    const digits = (n: number) => n.toString(16).padStart(64, "0");
    const blobs = Array.from({ length: 100_000 }, (_, n) => {
      const text = pointer(digits(n), 1_000_000);
      return `M 100644 inline d${n % 100}/f${n}.bin\ndata ${text.length}\n${text}`;
    });
    const stream = "commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 0\n" +
      `M 100644 inline .gitattributes\ndata ${attributes.length}\n${attributes}\n${
        blobs.join("\n")
      }\n`;
    await playground.remote.git(
      "site",
      ["fast-import", "--quiet"],
      new TextEncoder().encode(stream),
    );
    const limits = { bytes: 1_000_000_000, files: 200_000, timeoutMs: 120_000 };
    const { outcome, files } = await checkOut(playground, server, { limits });
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, /more than 1000000000 bytes \(artifact\.limit\.bytes\)/);
    assert.deepEqual(server.requests, []);
    assert.deepEqual(files, {});
  },
);
