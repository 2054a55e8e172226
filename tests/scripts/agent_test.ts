import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentNames } from "../../src/config/fields.ts";

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url));

/** Stands in for the program: prints what it was started with, as one line of JSON. */
const stub = `
const [command, ...rest] = Deno.args;
const query = async (descriptor) => (await Deno.permissions.query(descriptor)).state === "granted";
if (command === "permissions" && rest[0] === "--format=flags") {
  console.error("asked " + JSON.stringify({ rest, home: await query({ name: "read", path: HOME }) }));
  if (rest.includes("--fail")) Deno.exit(78);
  console.log("--allow-read=" + HOME + "/state dir");
  console.log("--allow-net=broker.example:1883");
  console.log("--allow-sys=loadavg");
  console.log("--ignore-env");
  Deno.exit(0);
}
console.log(JSON.stringify({
  args: Deno.args,
  pid: Deno.pid,
  all: await query({ name: "write" }),
  home: await query({ name: "read", path: HOME }),
  stateDir: await query({ name: "read", path: HOME + "/state dir" }),
  secret: await query({ name: "read", path: HOME + "/a secret" }),
  systemLogs: await query({ name: "write", path: "/var/log/apache-stratos" }),
  net: await query({ name: "net" }),
  homeBroker: await query({ name: "net", host: "broker.example:1883" }),
  otherBroker: await query({ name: "net", host: "other.example:1999" }),
  outside: await query({ name: "read", path: HOME + "/../password file" }),
  run: await query({ name: "run" }),
  sys: await query({ name: "sys", kind: "loadavg" }),
  logLevel: await query({ name: "env", variable: "LOG_LEVEL" }) ? Deno.env.get("LOG_LEVEL") : "none",
  other: await query({ name: "env", variable: "OTHER" }),
}));
if (rest.includes("--wait")) {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(42));
  console.log("ready");
  setInterval(() => {}, 1000);
}
`;

interface Started {
  readonly code: number;
  readonly stderr: string;
  /** What the stub printed, absent when it was not reached. */
  readonly seen: Record<string, unknown> | undefined;
}

interface Place {
  readonly home: string;
  readonly script: string;
  readonly dir: string;
  readonly start: (
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    cwd?: string,
  ) => Promise<Started>;
}

/** The scripts and the stub in a folder with blanks, beside a home with blanks. */
async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "a place " });
  try {
    const home = join(dir, "the home");
    const script = join(dir, "the program", "scripts", "agent");
    await Deno.mkdir(join(dir, "the program", "scripts"), { recursive: true });
    await Deno.mkdir(home);
    await Deno.copyFile(join(scripts, "agent"), script);
    await Deno.copyFile(
      join(scripts, "environment_names"),
      join(dir, "the program/scripts/environment_names"),
    );
    await Deno.writeTextFile(
      join(dir, "the program", "main.ts"),
      stub.replaceAll("HOME", JSON.stringify(home)),
    );
    const start: Place["start"] = async (args, env = {}, cwd = dir) => {
      const { code, stdout, stderr } = await new Deno.Command(script, {
        args: [...args],
        cwd,
        env: { ...inherited(), DENO: Deno.execPath(), LOG_LEVEL: "DEBUG", OTHER: "x", ...env },
        clearEnv: true,
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      return {
        code,
        stderr: new TextDecoder().decode(stderr),
        seen: text === "" ? undefined : JSON.parse(text),
      };
    };
    await work({ dir, home, script, start });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Enough for a shell and Deno's cache; nothing that the agent reads. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "TMPDIR"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

const nothing = {
  all: false,
  home: false,
  stateDir: false,
  secret: false,
  systemLogs: false,
  net: false,
  homeBroker: false,
  otherBroker: false,
  outside: false,
  run: false,
  sys: false,
  logLevel: "none",
  other: false,
};

function assertSeen(started: Started, expected: Record<string, unknown>): void {
  assert.equal(started.code, 0, started.stderr);
  const { pid: _, ...seen } = started.seen ?? {};
  assert.deepEqual(seen, { ...nothing, ...expected });
}

Deno.test("scripts/agent run: grants exactly what the program asks for, and hands all arguments on", async () => {
  await inPlace(async ({ home, start }) => {
    const started = await start(["run", "--home", home, "--set", "a b=c;*"]);
    assertSeen(started, {
      args: ["run", "--home", home, "--set", "a b=c;*"],
      stateDir: true,
      homeBroker: true,
      sys: true,
    });
    const asked = JSON.parse(started.stderr.replace("asked ", ""));
    assert.deepEqual(asked.rest, ["--format=flags", "--home", home, "--set", "a b=c;*"]);
    assert.equal(asked.home, true);
  });
});

Deno.test("scripts/agent run: ends with the status of permissions and starts nothing when that fails", async () => {
  await inPlace(async ({ home, start }) => {
    const { code, seen } = await start(["run", "--home", home, "--fail"]);
    assert.equal(code, 78);
    assert.equal(seen, undefined);
  });
});

Deno.test("scripts/agent run: is replaced by the agent, so that signals reach it", async () => {
  await inPlace(async ({ home, script }) => {
    const child = new Deno.Command(script, {
      args: ["run", `--home=${home}`, "--wait"],
      env: { ...inherited(), DENO: Deno.execPath() },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (!text.endsWith("ready\n")) continue;
      assert.equal(JSON.parse(text.split("\n")[0] ?? "").pid, child.pid);
      child.kill("SIGTERM");
    }
    assert.equal((await child.status).code, 42);
  });
});

for (const command of ["check", "permissions"]) {
  Deno.test(`scripts/agent ${command}: may read the home and the documented variables, no more`, async () => {
    await inPlace(async ({ home, start }) => {
      const started = await start([command, `--home=${home}`]);
      assertSeen(started, {
        args: [command, `--home=${home}`],
        home: true,
        stateDir: true,
        secret: true,
        systemLogs: true,
        logLevel: "DEBUG",
      });
    });
  });
}

for (const args of [["version"], ["help"], [], ["nonsense", "x"]]) {
  Deno.test(`scripts/agent ${args[0] ?? "alone"}: may do nothing`, async () => {
    await inPlace(async ({ start }) => assertSeen(await start(args), { args }));
  });
}

const emitted = ["emit", "MemberActivatedEvent", "--set", "memberId=m"];

Deno.test("scripts/agent emit: may reach the home's peers when no broker is named", async () => {
  await inPlace(async ({ home, start }) => {
    const { seen, stderr } = await start([...emitted, "--home", home]);
    assert.match(stderr, /asked .*"--home"/);
    assert.doesNotMatch(stderr, /memberId/);
    const { args, ...may } = seen ?? {};
    assert.deepEqual(args, [...emitted, "--home", home]);
    assert.ok(may["homeBroker"] && may["stateDir"] && may["home"], JSON.stringify(may));
    assert.ok(!may["net"] && !may["otherBroker"] && !may["run"] && !may["sys"] && !may["all"]);
  });
});

Deno.test("scripts/agent emit: may reach the named broker alone, and read the password file", async () => {
  await inPlace(async ({ home, start }) => {
    const named = ["--broker=other.example:1999", "--password-file", "password file"];
    const { seen, stderr } = await start([...emitted, "--home", home, ...named]);
    assert.doesNotMatch(stderr, /asked/);
    assert.ok(seen?.["otherBroker"] && seen["outside"], JSON.stringify(seen));
    assert.ok(!seen["homeBroker"] && !seen["net"] && !seen["run"] && !seen["all"]);
  });
});

for (const broker of ["a:1,b:2", "", "nonsense", "a:b"]) {
  Deno.test(`scripts/agent emit: grants no network when the broker is "${broker}"`, async () => {
    await inPlace(async ({ home, start }) => {
      const { seen, code } = await start([...emitted, "--home", home, "--broker", broker]);
      assert.equal(code, 0);
      assert.ok(seen && !seen["net"] && !seen["homeBroker"] && !seen["otherBroker"]);
    });
  });
}

Deno.test("scripts/agent emit: needs no network when it lists the events", async () => {
  await inPlace(async ({ home, start }) => {
    const { seen, stderr } = await start(["emit", "--list"], {}, home);
    assert.doesNotMatch(stderr, /asked/);
    assert.ok(seen && !seen["net"] && !seen["homeBroker"]);
  });
});

Deno.test("scripts/agent sandbox: may do everything", async () => {
  await inPlace(async ({ start }) => {
    const { seen, code } = await start(["sandbox", "--x"]);
    assert.equal(code, 0);
    assert.deepEqual(seen?.["args"], ["sandbox", "--x"]);
    assert.ok(seen?.["all"] && seen["net"] && seen["run"]);
  });
});

Deno.test("scripts/agent: takes the home from AGENT_HOME, else from where it is started", async () => {
  await inPlace(async ({ dir, home, start }) => {
    const granted = async (started: Promise<Started>) => (await started).seen?.["home"];
    assert.equal(await granted(start(["check"], { AGENT_HOME: home })), true);
    assert.equal(await granted(start(["check"], { AGENT_HOME: "the home" })), true);
    assert.equal(await granted(start(["check"], { AGENT_HOME: "null" }, home)), true);
    assert.equal(await granted(start(["check"], {}, home)), true);
    assert.equal(await granted(start(["check", "--home", "../the home"], {}, home)), true);
    assert.equal(
      await granted(start(["check", "--home", join(dir, "other")], { AGENT_HOME: home })),
      false,
    );
  });
});

Deno.test("scripts/agent: grants the file that a variable names, relative to the home", async () => {
  await inPlace(async ({ dir, home, start }) => {
    const other = ["check", "--home", join(dir, "other")];
    const secret = async (env: Record<string, string>) =>
      (await start(other, env)).seen?.["secret"];
    assert.equal(await secret({}), false);
    assert.equal(await secret({ MB_PASSWORD_FILE: join(home, "a secret") }), true);
    assert.equal(await secret({ CARTRIDGE_KEY_FILE: "../the home/a secret" }), true);
    assert.equal(await secret({ OTHER_FILE: join(home, "a secret") }), false);
  });
});

Deno.test("scripts/agent: refuses with 78 what Deno cannot grant", async () => {
  await inPlace(async ({ start }) => {
    for (
      const [args, env] of [
        [["run", "--home", "/tmp/a,/b"], {}],
        [["check", "--home", "/tmp/a\n/b"], {}],
        [["run"], { MB_PASSWORD_FILE: "/run/x,/" }],
      ] as const
    ) {
      const { code, stderr, seen } = await start(args, env);
      assert.equal(code, 78, stderr);
      assert.match(stderr, /cannot grant/);
      assert.equal(seen, undefined);
    }
  });
});

Deno.test("scripts/agent: works through a link to it", async () => {
  await inPlace(async ({ dir, script }) => {
    await Deno.symlink(script, join(dir, "agent link"));
    const { code, stdout } = await new Deno.Command(join(dir, "agent link"), {
      args: ["version"],
      env: { DENO: Deno.execPath() },
      cwd: "/",
      stdin: "null",
    }).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stdout), /"version"/);
  });
});

/** A PATH with what the script needs, and these programs. */
async function pathWith(dir: string, programs: Readonly<Record<string, string>>): Promise<string> {
  const bin = join(dir, "bin");
  await Deno.mkdir(bin);
  for (const tool of ["sh", "readlink", "dirname", "head", "tr", "sed"]) {
    const found = ["/bin", "/usr/bin"].map((place) => join(place, tool)).find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
    await Deno.symlink(found ?? assert.fail(`no ${tool}`), join(bin, tool));
  }
  for (const [name, text] of Object.entries(programs)) {
    await Deno.writeTextFile(join(bin, name), text, { mode: 0o755 });
  }
  return bin;
}

const wrapper = `#!/bin/sh\n"${Deno.execPath()}" "$@"\n`;

for (
  const [title, programs] of [
    ["Deno behind the wrapper on PATH", { deno: wrapper }],
    [
      "Deno behind npx when none is on PATH",
      { npx: `#!/bin/sh\n[ "$1 $2" = "-y deno@2.9.6" ] && shift 2 && "${Deno.execPath()}" "$@"\n` },
    ],
  ] as const
) {
  Deno.test(`scripts/agent: starts the real ${title}`, async () => {
    await inPlace(async ({ dir, script }) => {
      const child = new Deno.Command(script, {
        args: ["version"],
        env: { ...inherited(), PATH: await pathWith(dir, programs) },
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const { stdout, code } = await child.output();
      assert.equal(code, 0);
      assert.equal(JSON.parse(new TextDecoder().decode(stdout)).pid, child.pid);
    });
  });
}

Deno.test("scripts/agent: ends with 127 and says what to do when there is no Deno", async () => {
  await inPlace(async ({ dir, start }) => {
    const none = await start(["version"], { DENO: "", PATH: await pathWith(dir, {}) });
    assert.equal(none.code, 127);
    assert.match(none.stderr, /no Deno: set DENO/);
    const wrong = await start(["version"], { DENO: "/nowhere/deno" });
    assert.equal(wrong.code, 127);
    assert.match(wrong.stderr, /\/nowhere\/deno/);
  });
});

Deno.test("scripts/environment_names: are the names that the configuration reads", async () => {
  const listed = (await Deno.readTextFile(join(scripts, "environment_names"))).trimEnd().split(
    "\n",
  );
  assert.deepEqual(
    listed,
    environmentNames,
    "write environmentNames of src/config/fields.ts into scripts/environment_names, one a line",
  );
});
