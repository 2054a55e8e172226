import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { renderFlags } from "../../src/scope/render_scope.ts";
import type { RuntimeScope } from "../../src/scope/runtime_scope.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

const scopeRoom = new URL("../../src/scope/", import.meta.url);
const configuration = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Runs code in a real Deno with exactly these flags; its only output is JSON. */
async function underFlags(dir: string, flags: readonly string[], code: string): Promise<unknown> {
  const file = `${dir}/under_flags.ts`;
  await Deno.writeTextFile(file, code);
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--config=${configuration}`, ...flags, file],
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function scopeIn(dir: string): RuntimeScope {
  return {
    net: ["*.example.com:443", "10.0.0.1:80", "[::1]:1883", "localhost:1884"],
    read: [`${dir}/home/state`, `${dir}/home/agent.conf`],
    write: [`${dir}/home/state`],
    run: [`${dir}/home/launcher`],
    sys: ["loadavg", "systemMemoryInfo"],
    env: ["LOG_LEVEL"],
  };
}

/** What a process with these flags finds in excess of the scope. */
async function excess(dir: string, flags: readonly string[]): Promise<unknown> {
  const module = JSON.stringify(new URL("excess_grants.ts", scopeRoom).href);
  const code = `import { excessGrants } from ${module};
    console.log(JSON.stringify(await excessGrants(${JSON.stringify(scopeIn(dir))})));`;
  return await underFlags(dir, flags, code);
}

const cases: readonly (readonly [string, (dir: string) => readonly string[], readonly string[]])[] =
  [
    ["the rendered flags", () => [], []],
    ["another port of a host", () => ["--allow-net=10.0.0.1"], ["net"]],
    ["all hosts", () => ["--allow-net"], ["net"]],
    ["the directory above", (dir) => [`--allow-read=${dir}/home`], ["read"]],
    ["the root", () => ["--allow-write=/"], ["write"]],
    ["all programs", () => ["--allow-run"], ["run"]],
    ["another system interface", () => ["--allow-sys=hostname"], ["sys"]],
    ["the environment", () => ["--allow-env"], ["env"]],
    ["everything", () => ["-A"], ["net", "read", "write", "run", "sys", "env", "ffi"]],
  ];
for (const [title, further, expected] of cases) {
  Deno.test(`excess: is ${expected.join(", ") || "none"} when granted ${title}`, async () => {
    await using dir = await temporaryDirectory();
    const flags = title === "everything" ? ["-A"] : merged(scopeIn(dir.path), further(dir.path));
    assert.deepEqual(await excess(dir.path, flags), expected);
  });
}

/** The flags of a scope, those of the same name replaced. */
function merged(scope: RuntimeScope, further: readonly string[]): readonly string[] {
  const nameOf = (flag: string) => flag.split("=")[0];
  const names = further.map(nameOf);
  const kept = renderFlags(scope).filter((flag) =>
    !names.includes(nameOf(flag)) && !(names.includes("--allow-env") && flag === "--ignore-env")
  );
  return [...kept, ...further];
}

Deno.test("seal: a worker with the permissions of a scope gets nothing else", async () => {
  await using dir = await temporaryDirectory();
  await Deno.mkdir(`${dir.path}/home/state`, { recursive: true });
  await Deno.writeTextFile(`${dir.path}/secret`, "not yours");
  const module = JSON.stringify(new URL("worker_permissions.ts", scopeRoom).href);
  const scope = { ...scopeIn(dir.path), net: [], run: [], sys: [] };
  await Deno.writeTextFile(
    `${dir.path}/worker.ts`,
    `const tries = {
       readOwn: () => Deno.readDirSync("${dir.path}/home/state"),
       writeOwn: () => Deno.writeTextFileSync("${dir.path}/home/state/file", "mine"),
       read: () => Deno.readTextFileSync("${dir.path}/secret"),
       write: () => Deno.writeTextFileSync("${dir.path}/file", "theirs"),
       net: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
       run: () => new Deno.Command("/bin/true").outputSync(),
       sys: () => Deno.hostname(),
       env: () => Deno.env.toObject(),
       ffi: () => Deno.dlopen("libc.so.6", {}),
     };
     const found = [];
     for (const [name, attempt] of Object.entries(tries)) {
       try { attempt(); found.push(name); } catch { /* refused */ }
     }
     postMessage(found);`,
  );
  const code = `import { workerPermissions } from ${module};
    const permissions = workerPermissions(${JSON.stringify(scope)});
    const worker = new Worker("file://${dir.path}/worker.ts", { type: "module", deno: { permissions } });
    worker.onmessage = ({ data }) => { console.log(JSON.stringify(data)); worker.terminate(); };`;
  assert.deepEqual(await underFlags(dir.path, ["-A"], code), ["readOwn", "writeOwn"]);
});
