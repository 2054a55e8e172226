import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { peerTest, type SystemPeer } from "../system_peers.ts";
import { edit, remoteFiles } from "./commit_playground.ts";
import { LargeFileServer } from "./large_file_server.ts";
import { Playground } from "./playground.ts";
import { configFor, openSync, sourceFor } from "./sync_playground.ts";
import { engineFor, launcher, systemGitOptions } from "./system_git_playground.ts";

const never = new AbortController().signal;
const shells: readonly SystemPeer[] = ["dash", "busybox", "bash"];
const attributes = "*.bin filter=lfs\n";

for (const shell of shells) {
  peerTest(
    `launcher git: checks out, fetches contents of LFS and pushes where sh is ${shell}`,
    ["git", "git-lfs", shell],
    async () => {
      await using playground = await Playground.open();
      await using server = new LargeFileServer(playground);
      // Every program of busybox is busybox itself, by its name.
      await Deno.symlink(await whereIs(shell), join(playground.root, "sh"));
      const first = `#!/usr/bin/setsid ${join(playground.root, "sh")}`;
      const program = await copyOfLauncher(playground, (text) => text.replace(/^.*/, first));
      await playground.commit({ ".gitattributes": attributes, "a.bin": server.keep("large") });
      const { outcome, log } = await checkOut(playground, server, program);
      assert.equal(outcome.kind, "checkedOut", log);
      assert.deepEqual(playground.files(), { ".gitattributes": attributes, "a.bin": "large" });
      await using other = await Playground.open();
      await other.commit({ "a": "1" });
      await Deno.mkdir(other.gitDirectory, { recursive: true });
      const engine = engineFor({}, program);
      const options = { timeoutMs: 60_000, clock: systemClock, signal: never };
      await engine.runJob(other.job(), options);
      await edit(other, { "a": "mine" });
      const round = { author: "1", followsRemote: true, mayBegin: false };
      const done = await engine.runCommit({ ...other.job(), ...round }, options);
      assert.deepEqual([done.pushed, done.pushFailure], [true, undefined]);
      assert.deepEqual(await remoteFiles(other), { "a": "mine" });
    },
  );
}

peerTest(
  "system git: leaves pointers and says what to install without git-lfs",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await using server = new LargeFileServer(playground);
    const program = await copyOfLauncher(
      playground,
      (text) => text.replace("find_program git-lfs", "find_program git-lfs-of-nobody"),
    );
    const text = server.keep("large");
    await playground.commit({ ".gitattributes": attributes, "a.bin": text });
    const { outcome, log } = await checkOut(playground, server, program);
    assert.equal(outcome.kind, "checkedOut", log);
    assert.equal(playground.files()["a.bin"], text);
    assert.match(
      log,
      /stay pointers, because there is no git-lfs; .*Debian package git-lfs.*"a\.bin"/,
    );
  },
);

peerTest("system git: says which version of git is needed", ["git"], async () => {
  await using playground = await Playground.open();
  await using server = new LargeFileServer(playground);
  const bin = join(playground.root, "bin");
  await Deno.mkdir(bin);
  const program = await copyOfLauncher(
    playground,
    (text) => text.replace("for launcher_program in ", `for launcher_program in "${bin}/$1" `),
  );
  for (
    const [said, expected] of [
      ["git version 2.28.1", /2\.28; 2\.29 or newer is needed/],
      ["git version 1.30.1", /1\.30; 2\.29 or newer is needed/],
      ["nothing", /git does not say its version/],
    ] as const
  ) {
    await Deno.writeTextFile(join(bin, "git"), `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
    const { outcome } = await checkOut(playground, server, program);
    assert(outcome.kind === "failed");
    assert.match(outcome.reason, expected);
  }
});

async function checkOut(playground: Playground, server: LargeFileServer, program: string) {
  const settings = { engine: "git", allowedHosts: [server.address], cloneRetries: 1 } as const;
  const options = systemGitOptions(configFor(playground, settings), program);
  const { sync, log } = openSync(playground, settings, options);
  await using _ = sync;
  const outcome = await sync.checkOut(sourceFor(playground, { repoUrl: server.repoUrl }), never);
  return { outcome, log: log.text() };
}

async function copyOfLauncher(
  playground: Playground,
  change: (text: string) => string,
): Promise<string> {
  const text = await Deno.readTextFile(launcher);
  const changed = change(text);
  assert.notEqual(changed, text);
  const path = join(playground.root, "launcher");
  await Deno.writeTextFile(path, changed, { mode: 0o755 });
  return path;
}

async function whereIs(program: string): Promise<string> {
  const args = ["-c", 'command -v "$1"', "sh", program];
  const { stdout } = await new Deno.Command("/bin/sh", { args }).output();
  return new TextDecoder().decode(stdout).trim();
}
