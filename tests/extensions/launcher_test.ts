import assert from "node:assert/strict";
import { join } from "node:path";
import { peerTest, type SystemPeer } from "../system_peers.ts";
import {
  type ExtensionHome,
  isAlive,
  openExtensionHome,
  untilExists,
  untilGone,
} from "./extension_home.ts";

/** Shells that are `/bin/sh` somewhere. */
const shells: readonly (readonly [SystemPeer, ...string[]])[] = [
  ["sh"],
  ["dash"],
  ["busybox", "sh"],
  ["bash", "--posix"],
];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A test of the launcher in each shell. */
function inEachShell(
  name: string,
  fn: (
    home: ExtensionHome,
    start: (args: string[], env?: Env) => Deno.ChildProcess,
  ) => Promise<void>,
): void {
  for (const [program, ...options] of shells) {
    peerTest(`launcher in ${program}: ${name}`, [program], async () => {
      await using home = await openExtensionHome();
      await fn(home, (args, env = {}) => {
        return new Deno.Command(program, {
          args: [...options, home.launcher, ...args],
          env: { CARTRIDGE_AGENT_GRACE_MS: "300", ...env },
          stdin: args.join(" ") === "guard" ? "piped" : "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
      });
    });
  }
}

type Env = Readonly<Record<string, string>>;

async function end(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

inEachShell("runs a script in its folder and ends with its status", async (home, start) => {
  await home.script("bash/x.sh", 'echo "$PWD|$*|$#"; echo error >&2; cat; exit 7');
  const ended = await end(start(["run", "bash/x.sh", "a b", "*", ""]));
  assert.deepEqual(ended, {
    code: 7,
    stdout: `${home.extensionsDir}/bash|a b * |3\nerror\n`,
    stderr: "",
  });
});

inEachShell(
  "tells its own words from the script's by standard error alone",
  async (home, start) => {
    await home.script("x.sh", "echo mine >&2; exit 126");
    const ended = await end(start(["run", "x.sh"]));
    assert.deepEqual([ended.code, ended.stdout, ended.stderr], [126, "mine\n", ""]);
  },
);

inEachShell("runs a script without an interpreter line", async (home, start) => {
  await home.script("x.sh", "#!/bin/sh\n");
  await Deno.writeTextFile(join(home.extensionsDir, "x.sh"), "echo plain $1\n");
  assert.equal((await end(start(["run", "x.sh", "text"]))).stdout, "plain text\n");
});

inEachShell("refuses what is not a script inside its folder", async (home, start) => {
  await home.script("../outside.sh", "echo ran");
  await home.script("plain.sh", "echo ran", 0o644);
  await Deno.symlink("../outside.sh", join(home.extensionsDir, "link.sh"));
  await Deno.symlink(home.dir, join(home.extensionsDir, "folder"));
  await Deno.symlink("loop.sh", join(home.extensionsDir, "loop.sh"));
  const refused: readonly [string, number, RegExp][] = [
    ["../outside.sh", 126, /\.\./],
    ["bash/../../outside.sh", 126, /\.\./],
    ["bash/..", 126, /\.\./],
    [join(home.extensionsDir, "plain.sh"), 126, /must be a path inside/],
    ["", 126, /must be a path inside/],
    ["link.sh", 126, /leads outside/],
    ["folder/outside.sh", 126, /leads outside/],
    ["loop.sh", 126, /too many links/],
    ["bash", 126, /not a regular file/],
    ["bash/", 127, /not found|not a regular file/],
    ["plain.sh", 126, /not executable; chmod \+x/],
    ["missing.sh", 127, /not found/],
    ["missing/x.sh", 127, /not found/],
    ["-x", 127, /not found/],
  ];
  for (const [script, code, words] of refused) {
    const ended = await end(start(["run", script]));
    assert.equal(ended.stdout, "", script);
    assert.match(ended.stderr, words, script);
    if (script !== "bash/") assert.equal(ended.code, code, script);
  }
});

inEachShell("follows links that stay inside", async (home, start) => {
  await home.script("plugins/real.sh", 'echo "$PWD"');
  await Deno.symlink("../plugins/real.sh", join(home.extensionsDir, "bash", "x.sh"));
  await Deno.symlink(join(home.extensionsDir, "bash/x.sh"), join(home.extensionsDir, "y.sh"));
  const ended = await end(start(["run", "y.sh"]));
  assert.deepEqual([ended.stderr, ended.stdout], ["", `${home.extensionsDir}/plugins\n`]);
});

inEachShell("takes away the variables it is told to and its own", async (home, start) => {
  await home.script("x.sh", "env");
  const ended = await end(start(["run", "x.sh"], {
    KEPT: "kept value",
    SECRET: "taken",
    launcher_name: "kept too",
    UID: "odd",
    CARTRIDGE_AGENT_UNSET: "SECRET 1x a.b $(touch) UID",
  }));
  const lines = ended.stdout.split("\n");
  assert(lines.includes("KEPT=kept value"), ended.stdout);
  assert(!/SECRET|CARTRIDGE_AGENT|OLDPWD/.test(ended.stdout), ended.stdout);
});

inEachShell("has a search path of its own when PATH is taken away", async (home, start) => {
  await home.script("x.sh", "/bin/echo ran");
  const ended = await end(start(["run", "x.sh"], { CARTRIDGE_AGENT_UNSET: "PATH HOME IFS" }));
  assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
});

inEachShell(
  "makes the script the leader of a session and a group of its own",
  async (home, start) => {
    await home.script("x.sh", 'read -r stat </proc/$$/stat; echo "$$ ${stat##*) }"');
    const child = start(["run", "x.sh"]);
    const [pid, , , group, session] = (await end(child)).stdout.split(" ");
    assert.deepEqual([pid, group, session], Array(3).fill(`${child.pid}`));
  },
);

inEachShell(
  "stop: ends the whole group with TERM, and KILL after the grace",
  async (home, start) => {
    await home.script(
      "x.sh",
      "trap 'echo told' TERM\n(trap '' TERM; exec sleep 1000) &\necho $!\nwhile :; do sleep 0.05; done",
    );
    const child = start(["run", "x.sh"]);
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? "";
    const before = performance.now();
    const stopped = await end(start(["stop", `${child.pid}`]));
    assert.deepEqual(stopped, { code: 0, stdout: "", stderr: "" });
    assert(performance.now() - before >= 250, "no grace");
    assert.equal((await child.status).signal, "SIGKILL");
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    assert.match(text, /told/);
    await untilGone(Number(/^\d+/.exec(text)?.[0]));
    await child.stderr.cancel();
  },
);

inEachShell("stop: does not wait out the grace when nobody is left", async (home, start) => {
  await home.script("x.sh", "echo ready; exec sleep 1000");
  const child = start(["run", "x.sh"]);
  const reader = child.stdout.getReader();
  await reader.read();
  const before = performance.now();
  const stopping = start(["stop", `${child.pid}`], { CARTRIDGE_AGENT_GRACE_MS: "60000" });
  assert.equal((await end(stopping)).code, 0);
  assert(performance.now() - before < 10_000);
  assert.equal((await child.status).signal, "SIGTERM");
  await reader.cancel();
  await child.stderr.cancel();
});

inEachShell("stop: ends a launcher that has just begun", async (home, start) => {
  await home.script("x.sh", "exec sleep 1000");
  const child = start(["run", "x.sh"]);
  assert.equal((await end(start(["stop", `${child.pid}`]))).code, 0);
  assert.equal((await child.status).success, false);
  await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
});

inEachShell("stop: leaves alone who is no child of its caller", async (home, start) => {
  await home.script("x.sh", "exec setsid sh -c 'echo $$; exec sleep 1000' & wait");
  const child = start(["run", "x.sh"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const grandchild = Number((await reader.read()).value);
  for (const pid of [grandchild, 1]) {
    const ended = await end(start(["stop", `${pid}`]));
    assert.notEqual(ended.code, 0);
    assert.notEqual(ended.stderr, "");
  }
  assert(await isAlive(grandchild));
  Deno.kill(grandchild, "SIGKILL");
  await child.status;
  await reader.cancel();
  await child.stderr.cancel();
});

inEachShell("leaves background children alone and does not wait for them", async (home, start) => {
  await home.script("x.sh", "sleep 1000 & echo $!; exit 4");
  const child = start(["run", "x.sh"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const pid = Number((await reader.read()).value);
  assert.equal((await child.status).code, 4);
  assert(await isAlive(pid));
  Deno.kill(pid, "SIGKILL");
  assert((await reader.read()).done, "somebody else holds the output open");
  await child.stderr.cancel();
});

inEachShell("writes into what is no pipe as well", async (home) => {
  await home.script("x.sh", "echo text; exit 9");
  const out = join(home.dir, "out");
  const child = new Deno.Command("sh", {
    args: ["-c", '"$0" run x.sh >"$1"', home.launcher, out],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  assert.deepEqual(await end(child), { code: 9, stdout: "", stderr: "" });
  assert.equal(await Deno.readTextFile(out), "text\n");
});

/** A script that says "ready", waits for a file "go", and writes more than a pipe can hold. */
const talkative = `echo ready; until [ -e ../go ]; do sleep 0.02; done
  i=0; while [ $i -lt 3000 ]; do echo "more than a pipe can hold, by far, by far"; i=$((i+1)); done
  : >../done; exit 5`;

inEachShell(
  "run: the script does not die of its reader's end before a guard can help",
  async (home, start) => {
    await home.script(
      "x.sh",
      "echo ready; until [ -e ../go ]; do sleep 0.02; done; echo more; exit 5",
    );
    const child = start(["run", "x.sh"]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await Deno.writeTextFile(join(home.dir, "go"), "");
    const { code, signal } = await child.status;
    assert.deepEqual([code, signal], [5, null]);
    await child.stderr.cancel();
  },
);

inEachShell("guard: lets a script write on when its reader has gone", async (home, start) => {
  await home.script("x.sh", talkative);
  const guard = start(["guard"]);
  const orders = guard.stdin.getWriter();
  const child = start(["run", "x.sh"]);
  await orders.write(new TextEncoder().encode(`hold ${child.pid}\nnonsense\nhold x\nhold 1\n`));
  const reader = child.stdout.getReader();
  await reader.read();
  await orders.write(new TextEncoder().encode(`drain ${child.pid}\n`));
  await reader.cancel();
  await Deno.writeTextFile(join(home.dir, "go"), "");
  assert.equal((await child.status).code, 5);
  assert((await Deno.stat(join(home.dir, "done"))).isFile);
  await child.stderr.cancel();
  await orders.close();
  assert.equal((await end(guard)).code, 0);
});

inEachShell("guard: takes over from whoever is gone, late or daemonized", async (home, start) => {
  const body = talkative.replaceAll("'", "");
  await home.script("x.sh", `(${body}) & exit 0`);
  await home.script(
    "y.sh",
    `setsid sh -c '${body.replaceAll("../", "../y-")}' & sleep 0.3; exit 0`,
  );
  const guard = start(["guard"]);
  const orders = guard.stdin.getWriter();
  const [late, daemon] = [start(["run", "x.sh"]), start(["run", "y.sh"])];
  await orders.write(new TextEncoder().encode(`hold ${daemon.pid}\n`));
  await Promise.all([late.status, daemon.status]);
  await orders.write(new TextEncoder().encode(`hold ${late.pid}\nseek ${late.pid}\n`));
  await orders.close();
  await Promise.all([late, daemon].flatMap((c) => [c.stdout.cancel(), c.stderr.cancel()]));
  await guard.status;
  for (const name of ["go", "y-go"]) await Deno.writeTextFile(join(home.dir, name), "");
  await untilExists(join(home.dir, "done"));
  await untilExists(join(home.dir, "y-done"));
  await Promise.all([guard.stdout.cancel(), guard.stderr.cancel()]);
});

/**
 * A script whose output goes to a program of its own, which keeps it in `../log`, and its errors where
 * output goes: more of both than a pipe holds.
 */
const piped = `(until [ -e ../go ]; do sleep 0.02; done
  i=0; while [ $i -lt 3000 ]; do
    echo "more than a pipe can hold, $i"; echo "the same, by far, by far" >&2; i=$((i+1))
  done; : >../done)`;
const logged = Array.from({ length: 3000 }, (_, i) => `more than a pipe can hold, ${i}\n`).join("");

for (const [when, agentReads] of [["still", true], ["no longer", false]] as const) {
  inEachShell(
    `guard: takes nothing that a script's processes write to each other (the agent ${when} reads)`,
    async (home, start) => {
      await home.script("x.sh", `${piped} | { cat >../log; : >../logged; } & exit 0`);
      const guard = start(["guard"]);
      const orders = guard.stdin.getWriter();
      const child = start(["run", "x.sh"]);
      await child.status;
      if (!agentReads) await child.stdout.cancel();
      await orders.write(new TextEncoder().encode(`hold ${child.pid}\nseek ${child.pid}\n`));
      await orders.close();
      await guard.status;
      if (agentReads) await child.stdout.cancel();
      await Deno.writeTextFile(join(home.dir, "go"), "");
      await untilExists(join(home.dir, "logged"));
      assert.equal(await Deno.readTextFile(join(home.dir, "log")), logged);
      await Promise.all(
        [child.stderr, guard.stdout, guard.stderr].map((output) => output.cancel()),
      );
    },
  );
}

inEachShell(
  "guard: late, it takes no pipe that the script has chosen itself",
  async (home, start) => {
    await home.script(
      "x.sh",
      `mkfifo ../pipe; cat <../pipe >../log & exec >../pipe; : >../ready; ${piped}; exec >&-; wait`,
    );
    const guard = start(["guard"]);
    const orders = guard.stdin.getWriter();
    const child = start(["run", "x.sh"]);
    const errors = new Response(child.stdout).bytes();
    await untilExists(join(home.dir, "ready"));
    await orders.write(new TextEncoder().encode(`hold ${child.pid}\n`));
    await orders.close();
    await guard.status;
    await Deno.writeTextFile(join(home.dir, "go"), "");
    assert.equal((await child.status).code, 0);
    assert.equal(await Deno.readTextFile(join(home.dir, "log")), logged);
    assert.equal((await errors).length, 3000 * "the same, by far, by far\n".length);
    await Promise.all([child.stderr, guard.stdout, guard.stderr].map((output) => output.cancel()));
  },
);

inEachShell("prints the names of inherited variables, no values", async (_home, start) => {
  const ended = await end(start(["probe", "environment"], { ODD: "a\nSPY=b\nc", "a.b": "x" }));
  const names = ended.stdout.split("\n");
  assert(names.includes("ODD") && names.includes("a.b") && names.includes("PATH"), ended.stdout);
  assert(!names.includes("SPY"), ended.stdout);
});

inEachShell("says how it is used when it does not know the verb", async (_home, start) => {
  for (
    const args of [[], ["dance"], ["run"], ["stop"], ["stop", "x"], ["guard", "x"], ["probe"], [
      "probe",
      "x",
    ], ["probe", "cgroup", "x"]]
  ) {
    const ended = await end(start(args));
    assert.equal(ended.code, 64, args.join(" "));
    assert.match(ended.stderr, /^usage: launcher/);
  }
});

const cgroups: readonly [string, Env, string][] = [
  [
    "version 2 by path",
    {
      "proc/self/cgroup": "0::/system.slice/agent.service\n",
      "sys/fs/cgroup/system.slice/agent.service/memory.current": "1000\n",
      "sys/fs/cgroup/system.slice/agent.service/memory.max": "max\n",
      "sys/fs/cgroup/system.slice/agent.service/memory.stat": "anon 5\ninactive_file 70\nfile 9\n",
      "sys/fs/cgroup/system.slice/agent.service/cpu.max": "max 100000\n",
      "sys/fs/cgroup/system.slice/agent.service/cpu.stat": "usage_usec 12345\nuser_usec 1\n",
    },
    "memory.current 1000\nmemory.max max\nmemory.inactive_file 70\ncpu.max max 100000\ncpu.usage_usec 12345\n",
  ],
  ["version 2 in a container that sees its own group as root", {
    "proc/self/cgroup": "0::/docker/abc\n",
    "sys/fs/cgroup/memory.current": "1000\n",
    "sys/fs/cgroup/memory.max": "2000\n",
  }, "memory.current 1000\nmemory.max 2000\n"],
  ["version 2 with a path out of sight", {
    "proc/self/cgroup": "0::/../../other\n",
    "sys/fs/cgroup/memory.current": "1000\n",
    "other/memory.current": "666\n",
  }, "memory.current 1000\n"],
  [
    "version 1",
    {
      "proc/self/cgroup":
        "5:memory:/docker/a:b\n4:cpu,cpuacct:/docker/a:b\n1:name=systemd:/x\n0::/x\n",
      "sys/fs/cgroup/memory/docker/a:b/memory.usage_in_bytes": "10\n",
      "sys/fs/cgroup/memory/docker/a:b/memory.limit_in_bytes": "20\n",
      "sys/fs/cgroup/memory/docker/a:b/memory.stat": "inactive_file 1\ntotal_inactive_file 3\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "99\n",
    },
    "memory.usage_in_bytes 10\nmemory.limit_in_bytes 20\nmemory.total_inactive_file 3\n" +
    "cpu.cfs_quota_us -1\ncpu.cfs_period_us 100000\ncpuacct.usage 99\n",
  ],
  ["nothing at all", {}, ""],
];

for (const [name, files, printed] of cgroups) {
  inEachShell(`prints what health needs of its cgroup: ${name}`, async (home, start) => {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(home.dir, "root", path, ".."), { recursive: true });
      await Deno.writeTextFile(join(home.dir, "root", path), text);
    }
    const root = join(home.dir, "root");
    const ended = await end(start(["probe", "cgroup"], { CARTRIDGE_AGENT_ROOT: root }));
    assert.deepEqual(ended, { code: 0, stdout: printed, stderr: "" });
  });
}
