import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { AgentError } from "../../src/base/errors.ts";
import { environmentNames } from "../../src/config/fields.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { defaultLogDirectory } from "../../src/config/log_directory.ts";
import { renderCheck } from "../../src/config/render_check.ts";
import { identity } from "./sample_sources.ts";

const launch = Object.entries(identity).map(([key, value]) => `${key}=${value}`).join(",");

/** Runs a test in a home with these files, and removes it. */
async function withHome(
  files: Readonly<Record<string, string>>,
  test: (home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "config-test-" }));
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(home, name)), { recursive: true });
      await Deno.writeTextFile(join(home, name), content);
    }
    await test(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const load = (home: string, env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ home, cwd: "/", readEnv: (name) => env[name] });

async function failure(work: Promise<unknown>): Promise<AgentError> {
  const error = await work.then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof AgentError);
  return error;
}

const usual = { "agent.conf": "[agent]\nmb.urls = mb:1\n", "payload/launch-params": `${launch}\n` };

Deno.test("home: is --home, else AGENT_HOME, else the current directory", async () => {
  await withHome(usual, async (home) => {
    const options = { readEnv: () => undefined };
    const homeOf = async (loading: ReturnType<typeof loadConfig>) =>
      (await loading).config.paths.home;
    assert.equal(await homeOf(loadConfig({ ...options, home, cwd: "/" })), home);
    assert.equal(await homeOf(loadConfig({ ...options, cwd: home })), home);
    const readEnv = (name: string) => name === "AGENT_HOME" ? home : undefined;
    assert.equal(await homeOf(loadConfig({ cwd: "/", readEnv })), home);
    const other = (name: string) => name === "AGENT_HOME" ? "/nowhere" : undefined;
    assert.equal(await homeOf(loadConfig({ home, cwd: "/", readEnv: other })), home);
    const relative = { ...options, home: "payload/..", cwd: home };
    assert.equal(await homeOf(loadConfig(relative)), home);
  });
});

Deno.test("files: the first place in the home counts", async () => {
  const files = {
    "conf/agent.conf": "[agent]\nmb.urls = second:1\n",
    "payload/launch.params": launch.replace("MEMBER_ID=", "MEMBER_ID=second-"),
    "conf/logging.ini": "",
  };
  await withHome(files, async (home) => {
    const { config } = await load(home);
    assert.equal(config.broker.urls[0]?.host, "second");
    assert.equal(config.identity.memberId, `second-${identity["MEMBER_ID"]}`);
    assert.equal(config.paths.agentConf, join(home, "conf/agent.conf"));
    assert.equal(config.paths.launchParams, join(home, "payload/launch.params"));
    assert.equal(config.logging.file, join(home, "conf/logging.ini"));
  });
  await withHome({ ...files, ...usual, "logging.ini": "" }, async (home) => {
    const { config } = await load(home);
    assert.equal(config.broker.urls[0]?.host, "mb");
    assert.equal(config.identity.memberId, identity["MEMBER_ID"]);
    assert.equal(config.logging.file, join(home, "logging.ini"));
  });
});

Deno.test("files: none is needed when the environment says everything", async () => {
  await withHome({}, async (home) => {
    const { config } = await load(home, { ...identity, MB_IP: "mb", MB_PORT: "1" });
    assert.deepEqual(config.broker.urls, [{ host: "mb", port: 1 }]);
    assert.equal(config.paths.agentConf, undefined);
    assert.equal(config.paths.launchParams, undefined);
    assert.equal(config.logging.file, undefined);
  });
});

Deno.test("environment: empty and null variables count as not set", async () => {
  await withHome(usual, async (home) => {
    const { config } = await load(home, { MB_URLS: "", MEMBER_ID: "null", AGENT_HOME: "" });
    assert.equal(config.broker.urls[0]?.host, "mb");
    assert.equal(config.identity.memberId, identity["MEMBER_ID"]);
  });
});

Deno.test("secret files: lose the line end at their end, nothing else", async () => {
  const files = { ...usual, "pw": " pa ss\r\n", "key": "0123456789abcdef\n" };
  await withHome(files, async (home) => {
    const { config, filesLookedFor } = await load(home, {
      MB_USERNAME: "u",
      MB_PASSWORD_FILE: "pw",
      CEP_PASSWORD_FILE: join(home, "pw"),
      MONITORING_SERVER_ADMIN_PASSWORD_FILE: "pw",
      CARTRIDGE_KEY_FILE: "key",
    });
    assert.equal(config.broker.password?.open(), " pa ss");
    assert.equal(config.cep.password.open(), " pa ss");
    assert.equal(config.logPublisher.password.open(), " pa ss");
    assert.equal(config.artifacts.cartridgeKey?.open(), "0123456789abcdef");
    assert.ok(filesLookedFor.includes(join(home, "key")));
  });
});

Deno.test("secret files: missing, empty, binary and huge ones are problems", async () => {
  await withHome({ ...usual, "empty": "\n", "huge": "x".repeat(70_000) }, async (home) => {
    await Deno.writeFile(join(home, "binary"), new Uint8Array([0xff, 0xfe]));
    const of = async (path: string) =>
      (await failure(load(home, { MB_PASSWORD_FILE: path }))).message;
    assert.match(await of("missing"), /\nmb\.password: .*missing\) does not exist; accepted/);
    assert.match(await of("empty"), /empty\) is empty; /);
    assert.match(await of("binary"), /binary\) is not UTF-8; /);
    assert.match(await of("huge"), /huge\) cannot be read: larger than 65536 bytes; /);
    assert.match(await of("."), /cannot be read: not a regular file; /);
  });
});

Deno.test("load: lists all problems in one error, one per line", async () => {
  await withHome({ "agent.conf": "[agent]\nmb.urls\nlog.format = xml\n" }, async (home) => {
    const error = await failure(load(home));
    assert.equal(error.kind, "configuration");
    const [first, ...rest] = error.message.split("\n");
    const lines = rest.slice(0, 12);
    assert.equal(first, `Cannot use the configuration of "${home}": 12 problems:`);
    assert.deepEqual(error.data["problems"], lines);
    assert.equal(lines[0], `${home}/agent.conf, line 2: neither a section nor key = value`);
    assert.deepEqual(rest.slice(12), ["Warnings:", ...error.data["warnings"] as string[]]);
  });
});

Deno.test("load: a file that is not a regular one is a problem, not a hang", async () => {
  await withHome({ "payload/launch-params": launch }, async (home) => {
    await Deno.mkdir(join(home, "agent.conf"));
    const error = await failure(load(home, { MB_URLS: "mb:1" }));
    const [, problem, title, warning] = error.message.split("\n");
    assert.match(error.message, /1 problem:\n/);
    assert.match(`${problem}`, /agent\.conf: cannot be read: not a regular file$/);
    assert.equal(title, "Warnings:");
    assert.match(`${warning}`, /^artifact\.allowed\.hosts is not set/);
  });
});

Deno.test("load: text that is not UTF-8 is read as far as it goes, with a warning", async () => {
  await withHome(usual, async (home) => {
    const bytes = new TextEncoder().encode("[agent]\n# ?\nmb.urls = mb:1\n");
    bytes[10] = 0xe9;
    await Deno.writeFile(join(home, "agent.conf"), bytes);
    const { warnings } = await load(home);
    assert.ok(warnings.some((line) => line.startsWith(`${home}/agent.conf is not UTF-8`)));
  });
});

Deno.test("log directory: is the system's when it is writable, else the home's", async () => {
  await withHome({ "file": "" }, async (home) => {
    assert.equal(await defaultLogDirectory("/h", home), home);
    assert.deepEqual([...Deno.readDirSync(home)].map(({ name }) => name), ["file"]);
    assert.equal(await defaultLogDirectory("/h", join(home, "missing")), "/h/logs");
    assert.equal(await defaultLogDirectory("/h", join(home, "file")), "/h/logs");
  });
});

Deno.test("log directory: log.dir is taken as it is", async () => {
  await withHome(usual, async (home) => {
    const { config } = await load(home, { LOG_DIR: "/somewhere/else" });
    assert.equal(config.paths.logDir, "/somewhere/else");
  });
});

Deno.test("check: prints value and source of every setting, and the warnings", async () => {
  await withHome({ ...usual, "logging.ini": "" }, async (home) => {
    const loaded = await loadConfig({
      home,
      cwd: "/",
      readEnv: (name) => ({ CEP_PASSWORD: "hidden-pw", LB_PUBLIC_IP: "1.2.3.4" })[name],
      set: { "shutdown.timeout": "3" },
    });
    const text = renderCheck(loaded);
    const line = (key: string) =>
      text.split("\n").find((row) => row.startsWith(`  ${key} `))?.trim().split(/ {2,}/);
    assert.deepEqual(line("mb.urls"), ["mb.urls", "mb:1", `${home}/agent.conf, line 2`]);
    assert.deepEqual(line("lb.public.ip"), ["lb.public.ip", "1.2.3.4", "environment LB_PUBLIC_IP"]);
    assert.deepEqual(line("shutdown.timeout"), [
      "shutdown.timeout",
      "3",
      "command line (shutdown.timeout)",
    ]);
    assert.deepEqual(line("MEMBER_ID"), [
      "MEMBER_ID",
      "app.php.domain-1",
      `${home}/payload/launch-params (MEMBER_ID)`,
    ]);
    assert.deepEqual(line("mb.tls"), ["mb.tls", "false", "default"]);
    assert.deepEqual(line("mb.username"), ["mb.username", "-", "not set"]);
    assert.deepEqual(line("monitoring.server.ip"), [
      "monitoring.server.ip",
      "mb",
      "from the first broker",
    ]);
    assert.equal(line("thrift.server.admin.password")?.[1], "***");
    assert.ok(!text.includes("hidden-pw"));
    assert.ok(text.includes(`read: ${home}/agent.conf, ${home}/payload/launch-params, `));
    assert.match(text, /\nWarnings\n {2}artifact\.allowed\.hosts is not set, /);
    assert.ok(text.endsWith("\n"));
  });
});

/** Loads the configuration of a home in a program of its own, with exactly these permissions. */
async function loadUnder(home: string, permissions: readonly string[], env = {}) {
  const program = `
    import { loadConfig } from ${
    JSON.stringify(import.meta.resolve("../../src/config/load_config.ts"))
  };
    import { readProcessEnvironment } from ${
    JSON.stringify(import.meta.resolve("../../src/config/sources.ts"))
  };
    try {
      const { config } = await loadConfig({ home: ${
    JSON.stringify(home)
  }, cwd: "/", readEnv: readProcessEnvironment });
      console.log(JSON.stringify({ level: config.logging.level, url: config.broker.urls[0] }));
    } catch (error) { console.log(error.message); }`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--no-lock", ...permissions, file],
      env: { LOG_LEVEL: "DEBUG", ...env },
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("permissions: loading needs the files looked for and the documented names alone", async () => {
  await withHome({ ...usual, "pw": "x" }, async (home) => {
    const { filesLookedFor } = await load(home, { MB_PASSWORD_FILE: "pw" });
    const env = `--allow-env=${environmentNames.join(",")}`;
    const read = `--allow-read=${filesLookedFor.join(",")}`;
    const output = await loadUnder(home, [env, read], { MB_PASSWORD_FILE: "pw" });
    assert.equal(output.trim(), '{"level":"DEBUG","url":{"host":"mb","port":1}}');
    const ignoring = await loadUnder(home, ["--allow-env=LOG_LEVEL", "--ignore-env", read]);
    assert.equal(ignoring.trim(), '{"level":"DEBUG","url":{"host":"mb","port":1}}');
  });
});

Deno.test("permissions: what is not granted is named with its flag, not asked for", async () => {
  await withHome(usual, async (home) => {
    const output = await loadUnder(home, ["--allow-env=LOG_LEVEL"]);
    assert.match(output, /\nenvironment: not granted; run with --allow-env=AGENT_HOME,/);
    const path = join(home, "agent.conf");
    assert.ok(output.includes(`\n${path}: not granted; run with --allow-read=${path}\n`), output);
  });
});

Deno.test("load: says warnings after the problems when the configuration is refused", async () => {
  const conf = "[agent]\nmb.urls = mb:1\nartifact.allowed.hosts = h\n";
  await withHome(
    { ...usual, "agent.conf": `${conf}log.format = xml\nmb.prot = 1\n` },
    async (home) => {
      const { message } = await failure(load(home));
      assert.equal(message.split("\n")[2], "Warnings:");
      assert.match(`${message.split("\n")[3]}`, /unknown key "mb\.prot"/);
      assert.equal(message.split("\n").length, 4);
    },
  );
  await withHome({ ...usual, "agent.conf": `${conf}log.format = xml\n` }, async (home) => {
    assert.equal((await failure(load(home))).message.split("\n").length, 2);
  });
});

Deno.test("application path: a repository over the program itself is a problem", async () => {
  const root = new URL("../../", import.meta.url).pathname;
  await withHome(usual, async (home) => {
    const load = (path: string) =>
      loadConfig({
        home,
        cwd: "/",
        set: { APPLICATION_PATH: path, "artifact.allowed.hosts": "h" },
        readEnv: () => undefined,
      });
    for (const path of [root, `${root}src/agent`, `${root}main.ts`, `${root}scripts`]) {
      assert.match((await failure(load(path))).message, /1 problem:\nAPPLICATION_PATH: /);
    }
    assert.ok(await load(`${root}application`));
  });
});
