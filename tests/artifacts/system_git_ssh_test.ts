import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import type { ArtifactsConfig } from "../../src/config/agent_config.ts";
import { peerTest } from "../system_peers.ts";
import { edit, remoteFiles } from "./commit_playground.ts";
import { Playground, repository } from "./playground.ts";
import { configFor, openSync, sourceFor } from "./sync_playground.ts";
import { systemGitOptions } from "./system_git_playground.ts";

const never = new AbortController().signal;

peerTest(
  "system git over SSH: checks out and follows, with the key and host key that it is told",
  ["git", "sshd"],
  async () => {
    await using playground = await Playground.open();
    const commit = await playground.commit({ "a": "1" });
    await using server = await openSshServer(playground.root);
    const withUser = server.url(playground.remote.directory(repository));
    {
      const { sync, log } = open(playground, server);
      await using _ = sync;
      const outcome = await sync.checkOut(sourceFor(playground, { repoUrl: withUser }), never);
      assert.deepEqual(outcome, { kind: "checkedOut", files: 1, commit }, log.text());
    }
    const { sync, log } = open(playground, server);
    await using _ = sync;
    const repoUrl = withUser.replace(`${server.user}@`, "");
    const source = sourceFor(playground, { repoUrl, repoUsername: server.user });
    const outcome = await sync.checkOut(source, never);
    assert.deepEqual(outcome, { kind: "checkedOut", files: 1, commit }, log.text());
    assert.deepEqual(playground.files(), { "a": "1" });
    const updated = Promise.withResolvers<void>();
    sync.startUpdates(1, () => updated.resolve());
    await playground.commit({ "a": "2" });
    await within(updated.promise);
    assert.deepEqual(playground.files(), { "a": "2" });
  },
);

peerTest("system git over SSH: commits and pushes local changes", ["git", "sshd"], async () => {
  await using playground = await Playground.open();
  await playground.commit({ "a": "1", "b": "1" });
  await using server = await openSshServer(playground.root);
  const { sync, log } = open(playground, server, { autoCommit: true });
  await using _ = sync;
  const repoUrl = server.url(playground.remote.directory(repository));
  await sync.checkOut(sourceFor(playground, { repoUrl }), never);
  const updated = Promise.withResolvers<void>();
  await playground.commit({ "b": "theirs" });
  await edit(playground, { "a": "mine" });
  sync.startUpdates(1, () => updated.resolve());
  await within(updated.promise);
  assert.deepEqual(playground.files(), { "a": "mine", "b": "theirs" });
  assert.deepEqual(await remoteFiles(playground), { "a": "mine", "b": "theirs" }, log.text());
});

peerTest(
  "system git over SSH: refuses an unknown host key, an unknown key, and a host that is not allowed",
  ["git", "sshd"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    await using server = await openSshServer(playground.root);
    const repoUrl = server.url(playground.remote.directory(repository));
    const other = join(playground.root, "other");
    await keygen(other);
    const empty = join(playground.root, "empty hosts");
    await Deno.writeTextFile(empty, "");
    const cases: readonly (readonly [Partial<ArtifactsConfig>, RegExp])[] = [
      [{ sshKnownHostsFile: empty }, /host key is not a known one/],
      [{ sshKeyFile: other }, /accepts no SSH key/],
      [{ allowedHosts: ["127.0.0.1:22"] }, /is not allowed/],
    ];
    for (const [changes, reason] of cases) {
      const { sync } = open(playground, server, changes);
      await using _ = sync;
      const outcome = await sync.checkOut(sourceFor(playground, { repoUrl }), never);
      assert(outcome.kind === "failed");
      assert.match(outcome.reason, reason);
    }
    assert.deepEqual(playground.files(), {});
  },
);

function open(playground: Playground, server: SshServer, changes: Partial<ArtifactsConfig> = {}) {
  const config: Partial<ArtifactsConfig> = {
    engine: "git",
    cloneRetries: 1,
    updateIntervalMs: 20,
    allowedHosts: [`127.0.0.1:${server.port}`],
    sshKeyFile: server.keyFile,
    sshKnownHostsFile: server.knownHostsFile,
    ...changes,
  };
  return openSync(playground, config, systemGitOptions(configFor(playground, config)));
}

interface SshServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  url(path: string): string;
}

async function openSshServer(root: string): Promise<SshServer> {
  const directory = join(root, "ssh keys");
  await Deno.mkdir(directory);
  const [hostKey, keyFile] = [join(directory, "host"), join(directory, "id")];
  await keygen(hostKey);
  await keygen(keyFile);
  // The server separates its privileges there when it has any.
  if (Deno.uid() === 0) await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const port = freePort();
  const config = join(directory, "config");
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey "${hostKey}"`,
    `AuthorizedKeysFile "${keyFile}.pub"`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "PidFile none",
  ];
  await Deno.writeTextFile(config, lines.join("\n"));
  const child = new Deno.Command("/usr/sbin/sshd", {
    args: ["-D", "-e", "-f", config],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const listening = Promise.withResolvers<void>();
  const said = (async () => {
    let text = "";
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.includes("Server listening")) listening.resolve();
    }
    listening.reject(new Error(text));
  })();
  await within(listening.promise);
  const publicKey = (await Deno.readTextFile(`${hostKey}.pub`)).split(" ").slice(0, 2).join(" ");
  const knownHostsFile = join(directory, "known hosts");
  await Deno.writeTextFile(knownHostsFile, `[127.0.0.1]:${port} ${publicKey}\n`);
  const id = await new Deno.Command("id", { args: ["-un"] }).output();
  const user = new TextDecoder().decode(id.stdout).trim();
  return {
    port,
    user,
    keyFile,
    knownHostsFile,
    url: (path) => `ssh://${user}@127.0.0.1:${port}${path}`,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
      await said;
    },
  };
}

async function keygen(path: string): Promise<void> {
  const args = ["-q", "-t", "ed25519", "-N", "", "-f", path];
  const { success } = await new Deno.Command("ssh-keygen", { args, stdin: "null" }).output();
  assert(success);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

function within<T>(promise: Promise<T>): Promise<T> {
  return withDeadline(promise, 30_000, () => new Error("it did not happen"), systemClock);
}
