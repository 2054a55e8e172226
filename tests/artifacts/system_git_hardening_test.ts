import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock, withDeadline } from "../../src/base/clock.ts";
import { makeTransfer, transferPath } from "../../src/artifacts/system_git_transfer.ts";
import { peerTest } from "../system_peers.ts";
import {
  canaryPassword,
  canarySpellings,
  filesHolding,
  Playground,
  repository,
  username,
} from "./playground.ts";
import { configFor, openSync, sourceFor } from "./sync_playground.ts";
import { engineFor, launcher, systemGitOptions } from "./system_git_playground.ts";

const never = new AbortController().signal;

peerTest(
  "system git: keeps the password out of arguments, environments and files, and ends all on abort",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    const loggedIn = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    await using front = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        if (request.method === "POST" && request.headers.has("authorization")) {
          loggedIn.resolve();
          await released.promise;
        }
        return await playground.remote.handle(request);
      },
    );
    const address = `127.0.0.1:${front.addr.port}`;
    const config = { engine: "git", allowedHosts: [address], cloneRetries: 1 } as const;
    const options = systemGitOptions(configFor(playground, config));
    const { sync, log } = openSync(playground, config, options);
    await using _ = sync;
    const abort = new AbortController();
    const repoUrl = `http://${address}/${repository}.git`;
    const outcome = sync.checkOut(sourceFor(playground, { repoUrl }), abort.signal);
    await within(loggedIn.promise);
    const running = processesOf(address);
    assert(running.some(({ text }) => text.includes("git-remote-http")), "git is not seen");
    for (const { pid, text } of running) {
      for (const secret of canarySpellings) assert(!text.includes(secret), `${pid}: ${text}`);
    }
    assert.deepEqual(filesHolding(playground.root, canarySpellings), []);
    abort.abort();
    assert.deepEqual(await outcome, { kind: "cancelled" });
    assert.deepEqual(processesOf(address), []);
    released.resolve();
    assert(!canarySpellings.some((secret) => log.text().includes(secret)));
  },
);

peerTest(
  "launcher git credential: answers for the origin it was given alone",
  ["git"],
  async () => {
    const record = `protocol=https\nhost=h:8443\nusername=u\\n\npassword= p \\t$x\n\n`;
    const ask = async (question: string, operation = "get") => {
      const script = 'exec 3<<EOF\n$RECORD\nEOF\n"$0" git credential "$1" 3<&3';
      const child = new Deno.Command("/bin/sh", {
        args: ["-c", script, launcher, operation],
        env: { RECORD: record },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      // It need not listen.
      await writer.write(new TextEncoder().encode(question)).catch(() => {});
      await writer.close().catch(() => {});
      return new TextDecoder().decode((await child.output()).stdout);
    };
    assert.equal(
      await ask("protocol=https\nhost=h:8443\n\n"),
      "username=u\\n\npassword= p \\t$x\n",
    );
    assert.equal(await ask("protocol=https\nhost=h\n\n"), "");
    assert.equal(await ask("protocol=http\nhost=h:8443\n\n"), "");
    assert.equal(await ask("protocol=https\nhost=h:8443.evil\n\n"), "");
    assert.equal(await ask("\n"), "");
    assert.equal(await ask("protocol=https\nhost=h:8443\n\n", "store"), "");
  },
);

peerTest(
  "launcher git: runs no hook and obeys no configuration of the directory",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    await playground.commit({ "a": "1" });
    makeTransfer(playground.gitDirectory, true);
    const directory = transferPath(playground.gitDirectory);
    const trace = join(playground.root, "executed");
    const evil = join(playground.root, "evil");
    await Deno.writeTextFile(evil, `#!/bin/sh\necho "$0 $*" >>'${trace}'\n`, { mode: 0o755 });
    await Deno.mkdir(join(directory, "hooks"));
    for (const hook of ["reference-transaction", "post-checkout", "pre-auto-gc"]) {
      await Deno.copyFile(evil, join(directory, "hooks", hook));
    }
    const settings =
      `[core]\n\tsshCommand = ${evil}\n\tfsmonitor = ${evil}\n\thooksPath = hooks\n` +
      `[credential]\n\thelper = "!${evil}"\n[url "ext::${evil} "]\n\tinsteadOf = http://\n` +
      `[include]\n\tpath = ${evil}\n[protocol "ext"]\n\tallow = always\n`;
    const child = new Deno.Command(launcher, {
      args: ["git", "fetch", directory, playground.remote.url(repository), "refs/heads/main"],
      clearEnv: true,
      env: {
        // Whatever the agent's own environment may hold.
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "core.sshCommand",
        GIT_CONFIG_VALUE_0: evil,
        GIT_EXEC_PATH: playground.root,
        GIT_TRACE: trace,
        GIT_ASKPASS: evil,
        HOME: playground.root,
      },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    });
    await Deno.writeTextFile(join(directory, "config"), settings);
    await Deno.writeTextFile(join(playground.root, ".gitconfig"), settings);
    const running = child.spawn();
    const writer = running.stdin.getWriter();
    const { host } = new URL(playground.remote.url(repository));
    const login =
      `protocol=http\nhost=${host}\nusername=${username}\npassword=${canaryPassword}\n\n`;
    await writer.write(new TextEncoder().encode(login));
    await writer.close();
    const { code, stderr } = await running.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.match(await Deno.readTextFile(join(directory, "refs", "fetched")), /^[0-9a-f]{40}\n$/);
    await assert.rejects(Deno.lstat(trace), Deno.errors.NotFound);
  },
);

peerTest(
  "system git: leaves no transfer behind, and takes no password with a line end",
  ["git"],
  async () => {
    await using playground = await Playground.open();
    const engine = engineFor();
    const options = { timeoutMs: 30_000, clock: systemClock, signal: never };
    await Deno.mkdir(playground.gitDirectory, { recursive: true });
    const job = playground.job({ password: "a\nhost=other" });
    await assert.rejects(engine.runJob(job, options), /hold a line end/);
    assert.equal(playground.remote.requests, 0);
    assert.deepEqual([...Deno.readDirSync(playground.gitDirectory)].map(({ name }) => name), []);
  },
);

/** Arguments and environment of every process that has to do with something. */
function processesOf(mark: string): { pid: string; text: string }[] {
  const found = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const read = (file: string) => Deno.readTextFileSync(`/proc/${name}/${file}`);
      const text = `${read("cmdline")}\n${read("environ")}`.replaceAll("\0", " ");
      if (text.includes(mark)) found.push({ pid: name, text });
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return found;
}

function within<T>(promise: Promise<T>): Promise<T> {
  return withDeadline(promise, 30_000, () => new Error("it did not happen"), systemClock);
}
