import assert from "node:assert/strict";
import { openNotifySocket } from "../notify_socket.ts";
import { peerTest, type SystemPeer } from "../system_peers.ts";
import { type ExtensionHome, openExtensionHome } from "./extension_home.ts";

/** Shells that are `/bin/sh` somewhere. */
const shells: readonly (readonly [SystemPeer, ...string[]])[] = [
  ["dash"],
  ["busybox", "sh"],
  ["bash", "--posix"],
];

type Launch = (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<{
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}>;

function inEachShell(
  name: string,
  needs: readonly SystemPeer[],
  fn: (home: ExtensionHome, launch: Launch) => Promise<void>,
): void {
  for (const [program, ...options] of shells) {
    peerTest(`launcher in ${program}: ${name}`, [program, ...needs], async () => {
      await using home = await openExtensionHome();
      await fn(home, async (args, env = {}) => {
        const { code, stdout, stderr } = await new Deno.Command(program, {
          args: [...options, home.launcher, ...args],
          clearEnv: true,
          env: { PATH: "/usr/bin:/bin", ...env },
          stdin: "null",
        }).output();
        const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
        return { code, stdout: out ?? "", stderr: errors ?? "" };
      });
    });
  }
}

inEachShell(
  "tells systemd's socket what it is told",
  ["systemd", "python3"],
  async (home, launch) => {
    await using socket = await openNotifySocket(home.dir);
    const words = ["READY=1", "STATUS=a b; $(c) 'd'", "WATCHDOG=1", "STOPPING=1"];
    const ended = await launch(["notify", ...words], { NOTIFY_SOCKET: socket.path });
    assert.deepEqual(ended, { code: 0, stdout: "", stderr: "" });
    await socket.until("STOPPING=1");
    assert.deepEqual(socket.words, words);
  },
);

inEachShell("tells nothing that could change the service", [], async (_home, launch) => {
  const others = ["MAINPID=1", "READY=0", "--pid=1", "STATUS=", "STATUS=a\nMAINPID=1", "FDSTORE=1"];
  for (const word of others) {
    const { code, stderr } = await launch(["notify", "READY=1", word], { NOTIFY_SOCKET: "/x" });
    assert.equal(code, 64, word);
    assert.match(stderr, /^usage: launcher/);
  }
  assert.equal((await launch(["notify"])).code, 64);
  const { code, stderr } = await launch(["notify", "READY=1"]);
  assert.equal(code, 126);
  assert.match(stderr, /no NOTIFY_SOCKET/);
});

inEachShell("says what systemd wants of the caller", [], async (_home, launch) => {
  const NOTIFY_SOCKET = "/run/x";
  const ask = async (env: Readonly<Record<string, string>>) => {
    const { code, stdout } = await launch(["probe", "service"], env);
    assert.equal(code, 0);
    return stdout;
  };
  assert.equal(await ask({}), "");
  assert.equal(await ask({ WATCHDOG_USEC: "60000000" }), "");
  assert.equal(await ask({ NOTIFY_SOCKET }), "notify 1\n");
  assert.equal(await ask({ NOTIFY_SOCKET, WATCHDOG_USEC: "1; rm" }), "notify 1\n");
  const watched = { NOTIFY_SOCKET, WATCHDOG_USEC: "60000000" };
  const wish = "notify 1\nwatchdog_usec 60000000\n";
  assert.equal(await ask(watched), wish);
  assert.equal(
    await ask({ ...watched, WATCHDOG_PID: `${Deno.pid}` }),
    wish,
    "meant for the caller",
  );
  assert.equal(await ask({ ...watched, WATCHDOG_PID: "1" }), "notify 1\n", "meant for another");
});

inEachShell("lets no script speak for the agent", [], async (home, launch) => {
  await home.script("bash/x.sh", 'echo "<${NOTIFY_SOCKET-}${WATCHDOG_USEC-}${WATCHDOG_PID-}>"');
  const env = { NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
  assert.equal((await launch(["run", "bash/x.sh"], env)).stdout, "<>\n");
});
