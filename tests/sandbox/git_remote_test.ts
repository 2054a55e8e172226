import assert from "node:assert/strict";
import { join } from "node:path";
import { openGitRemote } from "../../src/sandbox/git_remote.ts";
import { peerTest } from "../system_peers.ts";

const credentials = { username: "user", password: "secret" };

async function open(options = {}) {
  const remote = await openGitRemote(options);
  if (!remote) throw new Error("git is not installed");
  await remote.createRepository("r");
  return remote;
}

async function git(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command("git", {
    args,
    env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0" },
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

peerTest("GitRemote: serves what was committed to native git", ["git"], async () => {
  await using remote = await open(credentials);
  const directory = await Deno.makeTempDir();
  try {
    await remote.commit("r", { "a": "1", 'dir/ö "quoted"': Uint8Array.of(0, 255), "gone": "x" });
    const commit = await remote.commit("r", { "a": "2", "gone": null });
    const clone = join(directory, "clone");
    const url = remote.url("r").replace("://", "://user:secret@");
    assert.equal((await git("clone", "--quiet", url, clone)).code, 0);
    assert.equal((await git("-C", clone, "rev-parse", "HEAD")).text.trim(), commit);
    assert.equal(await Deno.readTextFile(join(clone, "a")), "2");
    assert.deepEqual(await Deno.readFile(join(clone, 'dir/ö "quoted"')), Uint8Array.of(0, 255));
    assert.equal((await git("-C", clone, "ls-files")).text.split("\n").length, 3);
    // A large request body arrives compressed.
    await Deno.writeTextFile(join(clone, "large"), "large\n".repeat(200_000));
    await git("-C", clone, "add", "large");
    const identity = ["-c", "user.name=n", "-c", "user.email=e"];
    await git("-C", clone, ...identity, "commit", "--quiet", "-m", "m");
    assert.equal((await git("-C", clone, "push", "--quiet")).code, 0);
    assert.match(await remote.git("r", ["ls-tree", "--name-only", "main"]), /large/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("GitRemote: asks for its credentials and counts requests", ["git"], async () => {
  await using remote = await open(credentials);
  const url = `${remote.url("r")}/info/refs?service=git-upload-pack`;
  const status = async (authorization?: string) => {
    const response = await fetch(url, authorization ? { headers: { authorization } } : {});
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status(), 401);
  assert.equal(await status(`Basic ${btoa("user:wrong")}`), 401);
  assert.equal(await status(`Basic ${btoa("user:secret")}`), 200);
  assert.equal(remote.requests, 3);
});

peerTest(
  "GitRemote: serves everybody without credentials, and 404 for what is not there",
  ["git"],
  async () => {
    await using remote = await open({ host: "127.0.0.1" });
    for (const [name, expected] of [["r", 200], ["nosuch", 404]] as const) {
      const response = await fetch(`${remote.url(name)}/info/refs?service=git-upload-pack`);
      await response.body?.cancel();
      assert.equal(response.status, expected);
    }
  },
);

peerTest("GitRemote: takes a compressed request body", ["git"], async () => {
  await using remote = await open();
  const commit = await remote.commit("r", { "a": "1" });
  const line = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
  const body = `${line(`want ${commit} side-band-64k\n`)}0000${line("done\n")}`;
  const compressed = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  const response = await fetch(`${remote.url("r")}/git-upload-pack`, {
    method: "POST",
    body: await new Response(compressed).bytes(),
    headers: {
      "content-type": "application/x-git-upload-pack-request",
      "content-encoding": "gzip",
    },
  });
  assert.equal(response.status, 200);
  assert.match(await response.text(), /PACK/);
});

peerTest("GitRemote: leaves nothing behind, also when closed twice", ["git"], async () => {
  const remote = await open();
  const directory = remote.directory("r");
  await Deno.stat(directory);
  await remote[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
  await assert.rejects(Deno.stat(join(directory, "..")), Deno.errors.NotFound);
});
