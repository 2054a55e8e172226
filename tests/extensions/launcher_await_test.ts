import assert from "node:assert/strict";
import { join } from "node:path";
import { runOrder, takenWord } from "../../src/extensions/run_order.ts";
import { type ExtensionHome, until } from "./extension_home.ts";
import { rewriteLauncher, withEachShell } from "./waiting_home.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const taken = `${takenWord}\n`;

type Values = Readonly<Record<string, string>>;

/** Starts the launcher with an environment, gives it an input and waits for its end. */
async function launch(
  home: ExtensionHome,
  args: readonly string[],
  env: Values,
  input = new Uint8Array(),
): Promise<Ended> {
  const child = new Deno.Command(home.launcher, {
    args: [...args],
    cwd: home.extensionsDir,
    clearEnv: true,
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const orders = child.stdin.getWriter();
  const output = child.output();
  // A launcher that refuses does not read to the end.
  await orders.write(input).catch(() => {});
  await orders.close().catch(() => {});
  const { code, stdout, stderr } = await output;
  const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** The same run by both verbs: told at the start, and told to one that waits. */
async function both(
  home: ExtensionHome,
  args: readonly string[],
  inherited: Values,
  set: Values = {},
  unset: readonly string[] = [],
): Promise<readonly [run: Ended, waiting: Ended]> {
  const env = { ...inherited, ...set, CARTRIDGE_AGENT_UNSET: unset.join(" ") };
  const order = runOrder(args, { set, unset });
  assert(order);
  const run = await launch(home, ["run", ...args], env);
  const waiting = await launch(home, ["await"], { ...inherited, CARTRIDGE_AGENT_UNSET: "" }, order);
  assert(waiting.stderr.startsWith(taken));
  return [run, { ...waiting, stderr: waiting.stderr.slice(taken.length) }];
}

/** A script that prints its environment as it got it, no shell in between. */
async function installEnv(home: ExtensionHome): Promise<string> {
  await Deno.copyFile("/usr/bin/env", join(home.extensionsDir, "bash", "env"));
  await Deno.chmod(join(home.extensionsDir, "bash", "env"), 0o755);
  return "bash/env";
}

/**
 * Shell text that prints the numbers of the own descriptors. V8 opens these three without close-on-exec
 * when it makes an isolate: a program started while another thread does so inherits them.
 */
const listDescriptors = `for fd in /proc/$$/fd/*; do
  case $(readlink "$fd") in
  /dev/urandom | /proc/*/maps | '${Deno.execPath()}') ;;
  *) echo "\${fd##*/}" ;;
  esac
done`;

/** `NAME=value` of each variable, in order of names. */
function sorted(environment: string): string[] {
  return environment.split("\0").filter((line) => line !== "").sort();
}

const inheritedOnes: readonly Values[] = [
  {},
  {
    PATH: "/usr/bin:/bin",
    HOME: "/root",
    PWD: "/nowhere",
    PS4: "trace ",
    OLDPWD: "/usr",
    SHLVL: "3",
    _: "/usr/bin/deno",
    LANG: "C.UTF-8",
    IFS: "x",
    ENV: "/nonexistent",
    STRATOS_MEMBER_ID: "stale",
    STRATOS_STALE: "stale",
    MB_PASSWORD: "hidden",
    launcher_name: "odd",
    "a.b": "c",
  },
];

withEachShell("await: the script gets exactly the environment that run gives it", async (home) => {
  const script = await installEnv(home);
  const set = { STRATOS_EVENT: "StartServers", STRATOS_MEMBER_ID: "it's m-1", STRATOS_: "" };
  const unset = ["MB_PASSWORD", "STRATOS_STALE", "ODD.NAME"];
  for (const inherited of inheritedOnes) {
    const [run, waiting] = await both(home, [script, "-0"], inherited, set, unset);
    assert.deepEqual(sorted(waiting.stdout), sorted(run.stdout));
    assert.deepEqual([waiting.code, waiting.stderr, run.code, run.stderr], [0, "", 0, ""]);
    assert(sorted(run.stdout).includes("STRATOS_MEMBER_ID=it's m-1"), run.stdout);
    assert(!/stale|hidden|CARTRIDGE_AGENT/.test(run.stdout), run.stdout);
  }
});

withEachShell("await: the script is run as run does it", async (home) => {
  await home.script(
    "bash/x.sh",
    `echo "$0|$PWD|$#|$*"; cat; echo error >&2
     ${listDescriptors}
     read -r stat </proc/$$/stat; set -- $$ \${stat##*) }
     [ "$1.$1" = "$4.$5" ] && echo leader; umask; ulimit -a; trap; exit 7`,
  );
  const args = ["bash/x.sh", "a b", "*", "", "it's\n$x", "-"];
  const [run, waiting] = await both(home, args, { PATH: "/usr/bin:/bin" });
  assert.deepEqual(waiting, run);
  assert.equal(run.code, 7);
  assert.match(run.stdout, /\nleader\n/);
  for (const standard of ["0", "1", "2"]) assert(run.stdout.split("\n").includes(standard));
});

withEachShell("await: values arrive byte for byte", async (home) => {
  const script = await installEnv(home);
  let ascii = "";
  for (let code = 1; code < 128; code++) ascii += String.fromCharCode(code);
  let beyond = "";
  for (let code = 0x80; code < 0x900; code++) beyond += String.fromCharCode(code);
  const values = {
    STRATOS_ASCII: ascii,
    STRATOS_TWICE: [...ascii].map((character) => `${character}${character}'`).join(""),
    STRATOS_BEYOND: `${beyond}\u2028\ufeff\uffff😀`,
    STRATOS_QUOTES: `'"'"'\\'\\\\''\`\${HOME}$(exit 3)!!~#`,
    STRATOS_LINES: "\n\nfirst\r\n\tsecond\n\n",
    STRATOS_BRACES: "}\n}; exit 9\n{",
    STRATOS_EMPTY: "",
    STRATOS_LONG: "line of text, it's long\n".repeat(1_500),
  };
  const [run, waiting] = await both(home, [script, "-0"], {}, values);
  for (const [name, value] of Object.entries(values)) {
    assert(waiting.stdout.split("\0").includes(`${name}=${value}`), name);
  }
  assert.deepEqual(sorted(waiting.stdout), sorted(run.stdout));
});

withEachShell("await: an order larger than a pipe arrives byte for byte", async (home) => {
  const script = await installEnv(home);
  const value = `'${"é\n".repeat(43_000)}'`; // 128 KiB and more would be no environment
  const text = `{ export STRATOS_LONG='${value.replaceAll("'", "'\\''")}'\n` +
    `run_script '${script}' -0\n}\n`;
  const { stdout } = await launch(home, ["await"], {}, new TextEncoder().encode(text));
  assert(stdout.split("\0").includes(`STRATOS_LONG=${value}`));
});

withEachShell("await: a text that is cut does nothing", async (home) => {
  await home.script("x.sh", "echo ran $*; : >../ran");
  const set = { STRATOS_A: "it's", STRATOS_B: "two\nlines }\n" };
  const order = runOrder(["x.sh", "first", "second"], { set, unset: ["X"] });
  assert(order);
  const whole = await launch(home, ["await"], {}, order);
  assert.equal(whole.stdout, "ran first second\n");
  await Deno.remove(join(home.dir, "ran"));
  // The last two bytes are the brace that makes it whole, and the end of its line.
  for (let length = 0; length <= order.length - 2; length++) {
    const cut = await launch(home, ["await"], {}, order.subarray(0, length));
    assert.equal(cut.stdout, "", `${length}`);
    assert(!`\n${cut.stderr}`.includes(`\n${taken}`), `${length}`);
    assert.notEqual(cut.code, 0, `${length}`);
  }
  await assert.rejects(Deno.lstat(join(home.dir, "ran")), Deno.errors.NotFound);
});

withEachShell("await: ends without a word at the end of its input", async (home) => {
  assert.deepEqual(await launch(home, ["await"], {}), { code: 64, stdout: "", stderr: "" });
});

withEachShell("await: refuses what run refuses, in the same words", async (home) => {
  await home.script("plain.sh", "echo ran", 0o644);
  await home.script("../outside.sh", "echo ran");
  await Deno.symlink("../outside.sh", join(home.extensionsDir, "link.sh"));
  for (const script of ["plain.sh", "missing.sh", "../outside.sh", "link.sh", "/bin/ls", "bash"]) {
    const [run, waiting] = await both(home, [script], {});
    assert.deepEqual(waiting, run, script);
    assert(run.code === 126 || run.code === 127);
    assert.notEqual(run.stderr, "");
  }
});

withEachShell(
  "await: another launcher in its place does not change one that waits",
  async (home) => {
    await home.script("x.sh", "echo ran");
    const child = new Deno.Command(home.launcher, {
      args: ["await"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // Its input is open a second time when the shell reads it as a text.
    await until("the text is open", async () => await timesOpen(child.pid, 0) > 1);
    await rewriteLauncher(home, () => "#!/bin/sh\necho other\n".repeat(2_000));
    const orders = child.stdin.getWriter();
    await orders.write(runOrder(["x.sh"], { set: {}, unset: [] })!);
    await orders.close();
    const { stdout, stderr } = await child.output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.deepEqual([decode(stdout), decode(stderr)], ["ran\n", taken]);
  },
);

withEachShell("await: its output is the script's while it says that it was told", async (home) => {
  await home.script("x.sh", "echo ran");
  // A standard error that is full holds it up at the word.
  const errors = join(home.dir, "errors");
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      'mkfifo "$1"; exec 2<>"$1"; head -c 65536 /dev/zero >&2; exec "$2" await',
      "sh",
      errors,
      home.launcher,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await until("the text is open", async () => await timesOpen(child.pid, 0) > 1);
  const [, output] = await openPipes(child.pid);
  const bytesBefore = await bytesRead(child.pid);
  const order = runOrder(["x.sh"], { set: {}, unset: [] })!;
  const orders = child.stdin.getWriter();
  await orders.write(order);
  await orders.close();
  await until("it is held up", async () => {
    const isRead = await bytesRead(child.pid) >= bytesBefore + order.length;
    return isRead && await isAsleep(child.pid);
  });
  assert.deepEqual((await openPipes(child.pid))[1], output);
  assert.match(output ?? "", /^pipe:/);

  using full = await Deno.open(errors, { read: true });
  let said = 0;
  while (said < 65536 + taken.length) said += await full.read(new Uint8Array(65536)) ?? 0;
  assert.equal(await new Response(child.stdout).text(), "ran\n");
  assert.equal((await child.status).code, 0);
});

/** Whether a process waits for something. */
async function isAsleep(pid: number): Promise<boolean> {
  return / S /.test((await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/.*\)/, ""));
}

/** Bytes that a process has read since it was started. */
async function bytesRead(pid: number): Promise<number> {
  return Number(/^rchar: (\d+)/.exec(await Deno.readTextFile(`/proc/${pid}/io`))?.[1]);
}

/** What the descriptors of a process lead to, in their order. */
async function openPipes(pid: number): Promise<string[]> {
  const numbers = (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).map(({ name }) => +name);
  return await Promise.all(
    numbers.sort((a, b) => a - b).map((n) => Deno.readLink(`/proc/${pid}/fd/${n}`).catch(() => "")),
  );
}

/** How many descriptors of a process lead to where a descriptor does. */
async function timesOpen(pid: number, descriptor: number): Promise<number> {
  const open = await openPipes(pid);
  return open.filter((target) => target === open[descriptor]).length;
}
