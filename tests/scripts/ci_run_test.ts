import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ciRun = fileURLToPath(new URL("../../.ci/run", import.meta.url));

interface Run {
  readonly code: number;
  readonly lines: readonly string[];
  /** What was asked of apt-get, one call a line. */
  readonly installed: string;
}

/**
 * Runs the script in a small project, without Deno on PATH.
 *
 * @param files Files of the project beside `deno.json`.
 * @param without Programs that are missing.
 */
async function runIn(
  files: Readonly<Record<string, string>>,
  without: readonly string[] = [],
): Promise<Run> {
  const dir = await Deno.makeTempDir({ prefix: "ci run " });
  try {
    const write = async (path: string, text: string, mode = 0o644) => {
      await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
      await Deno.writeTextFile(join(dir, path), text, { mode });
    };
    const script = (text: string) => `#!/bin/sh\n${text}\n`;
    const programs: Record<string, string> = {
      npx: `shift 2; exec "${Deno.execPath()}" "$@"`,
      "apt-get": `echo "$@" >>"${dir}/installed"; echo "from https://mirror.example.org/x" >&2`,
      sudo: `shift; exec "$@"`,
      ...Object.fromEntries(
        ["mosquitto", "git", "openssl", "shellcheck"].map((name) => [name, "exit 0"]),
      ),
    };
    for (const [name, text] of Object.entries(programs)) {
      if (!without.includes(name)) await write(`bin/${name}`, script(text), 0o755);
    }
    for (
      const tool of [
        "sh",
        "bash",
        "sed",
        "grep",
        "head",
        "tail",
        "tr",
        "id",
        "mkdir",
        "find",
        "dirname",
        "readlink",
        "env",
      ]
    ) {
      const found = [`/bin/${tool}`, `/usr/bin/${tool}`].find((path) => exists(path));
      await Deno.symlink(found ?? assert.fail(`no ${tool}`), join(dir, "bin", tool));
    }
    await write("project/scripts/get-denort.sh", `mkdir -p "$1" && echo stub >"$1/denort"\n`);
    await write("project/.ci/run", await Deno.readTextFile(ciRun), 0o755);
    const tasks = '{ "tasks": { "test": "deno test --no-lock tests/" } }';
    await write("project/deno.json", `${tasks}\n`);
    for (const [path, text] of Object.entries(files)) await write(`project/${path}`, text);
    const { HOME, DENO_DIR } = Deno.env.toObject();
    const { code, stdout, stderr } = await new Deno.Command(join(dir, "project/.ci/run"), {
      cwd: "/",
      clearEnv: true,
      env: {
        PATH: join(dir, "bin"),
        ...HOME === undefined ? {} : { HOME },
        ...DENO_DIR === undefined ? {} : { DENO_DIR },
      },
    }).output();
    const decoder = new TextDecoder();
    const lines = (decoder.decode(stdout) + decoder.decode(stderr)).trimEnd().split("\n");
    const installed = exists(`${dir}/installed`) ? Deno.readTextFileSync(`${dir}/installed`) : "";
    return { code, lines, installed };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

const passing = 'Deno.test("fine", () => {});\n';
const outcomes: readonly [string, Record<string, string>, string, number][] = [
  ["all tests pass", { "tests/a_test.ts": passing + passing }, "2 passed, 0 failed", 0],
  [
    "a test fails",
    {
      "tests/a_test.ts": `${passing}Deno.test("bad", () => {\n  throw new Error("no");\n});\n`,
    },
    "1 passed, 1 failed",
    1,
  ],
  [
    "a test is skipped",
    { "tests/a_test.ts": `${passing}Deno.test.ignore("later", () => {});\n` },
    "1 passed, 0 failed, 1 skipped",
    0,
  ],
  [
    "a test file cannot be loaded",
    { "tests/a_test.ts": passing, "tests/b_test.ts": 'throw new Error("no");\n' },
    "1 passed, 1 failed",
    1,
  ],
  ["there is no test", { "a.ts": "export const a = 1;\n" }, "0 passed, 1 failed", 1],
  [
    "tests print what looks like a summary",
    { "tests/a_test.ts": `console.log("ok | 70 passed | 0 failed (1s)");\n${passing}` },
    "1 passed, 0 failed",
    0,
  ],
  [
    "types are wrong",
    { "tests/a_test.ts": passing, "b.ts": 'export const b: number = "1";\n' },
    "1 passed, 1 failed",
    1,
  ],
  [
    "lint and format are wrong",
    { "tests/a_test.ts": passing, "b.ts": "export   let b: any;\n" },
    "1 passed, 2 failed",
    1,
  ],
];

for (const [title, files, line, code] of outcomes) {
  Deno.test(`.ci/run: ends with "${line}" when ${title}`, async () => {
    const run = await runIn(files);
    assert.equal(run.lines.at(-1), line, run.lines.join("\n"));
    assert.equal(run.code, code);
  });
}

Deno.test(".ci/run: fails when a shell script has a fault", async () => {
  const run = await runIn({
    "tests/a_test.ts": passing,
    "bad.sh": "#!/bin/sh\n",
    "../bin/shellcheck": '#!/bin/sh\necho "checked $*"\nexit 1\n',
  });
  assert.ok(run.lines.includes("FAILED: shell scripts"), run.lines.join("\n"));
  assert.equal(run.lines.at(-1), "1 passed, 1 failed");
  assert.equal(run.code, 1);
});

Deno.test(".ci/run: fails when there is no runtime stub to compile with", async () => {
  const run = await runIn({ "tests/a_test.ts": passing, "scripts/get-denort.sh": "exit 1\n" });
  assert.ok(run.lines.includes("FAILED: runtime stub"), run.lines.join("\n"));
  assert.equal(run.lines.at(-1), "1 passed, 1 failed");
});

Deno.test(".ci/run: tells the tests where the runtime stub is", async () => {
  const test = `Deno.test("stub", () => {
  const stub = Deno.env.get("DENORT_BIN");
  if (!stub?.endsWith("/project/dist/ci/denort/denort")) throw new Error();
});
`;
  const tasks = '{ "tasks": { "test": "deno test --no-lock --allow-env tests/" } }\n';
  const run = await runIn({ "tests/a_test.ts": test, "deno.json": tasks });
  assert.equal(run.lines.at(-1), "1 passed, 0 failed", run.lines.join("\n"));
});

Deno.test(".ci/run: installs the peers that are missing, and shows no address", async () => {
  const run = await runIn({ "tests/a_test.ts": passing }, ["mosquitto", "shellcheck"]);
  const [update, install] = run.installed.split("\n");
  // Peers that the machine has in /usr/sbin count as there.
  if (!exists("/usr/sbin/mosquitto")) assert.match(String(install), /mosquitto/);
  assert.match(String(update), /^-qq update/);
  assert.match(String(install), /install -y .*shellcheck/);
  assert.doesNotMatch(run.lines.join("\n"), /mirror\.example\.org/);
  assert.equal(run.lines.at(-1), "1 passed, 1 failed");
});
