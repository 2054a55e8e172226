import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { environmentNames } from "../../src/config/fields.ts";
import { bakedFlags } from "../../scripts/compile.ts";
import { filesBelow } from "../../scripts/files_below.ts";
import { project, resourceDirectories, workerModules } from "../../scripts/program_stage.ts";

async function sources(): Promise<ReadonlyMap<string, string>> {
  const paths = (await filesBelow(join(project, "src"))).filter((path) => path.endsWith(".ts"));
  const texts = paths.map(async (path): Promise<[string, string]> => [
    join("src", path),
    await Deno.readTextFile(join(project, "src", path)),
  ]);
  return new Map(await Promise.all(texts));
}

Deno.test("compiled stage: holds the module of every worker that the program starts", async () => {
  const started = new Set<string>();
  for (const [path, text] of await sources()) {
    const starts = text.split("new Worker(").length - 1;
    const named = [...text.matchAll(/new Worker\(\s*import\.meta\.resolve\("(\.[^"]+)"\)/g)];
    assert.equal(named.length, starts, `${path}: name the module of a worker in its place`);
    for (const [, specifier] of named) started.add(normalize(join(dirname(path), specifier!)));
  }
  assert.ok(started.size > 0);
  assert.deepEqual([...started].sort(), [...workerModules].sort());
});

Deno.test("compiled stage: gives every worker a name of its own beside the parts that start it", () => {
  const names = workerModules.map((path) => path.slice(path.lastIndexOf("/") + 1));
  assert.equal(new Set(names).size, names.length);
});

Deno.test("compiled stage: lies as deep as the modules that read files of the project", async () => {
  for (const [path, text] of await sources()) {
    for (const [, url] of text.matchAll(/new URL\(["'`]([^"'`]+)["'`],\s*import\.meta\.url\)/g)) {
      const target = normalize(join(dirname(path), url!.replace(/\$\{.*/, "x")));
      assert.equal(path.split("/").length, 3, `${path} reads ${url}`);
      assert.ok(/^(x|src\/)$/.test(target), `${path} reads ${url}: is it in the binary?`);
    }
  }
  for (const name of resourceDirectories) {
    assert.ok((await filesBelow(join(project, name))).length > 0);
  }
});

Deno.test("compiled permissions: documented variables, no foreign functions, nothing from elsewhere", () => {
  const flags = bakedFlags();
  assert.ok(flags.includes(`--allow-env=${environmentNames.join(",")}`));
  for (const flag of ["--ignore-env", "--no-prompt", "--no-remote", "--no-code-cache"]) {
    assert.ok(flags.includes(flag), flag);
  }
  assert.doesNotMatch(flags.join("\n"), /^(-A|--allow-(all|ffi|import|scripts|sys|env))$/m);
});

Deno.test("compiled permissions: hold further variables by name, and nothing that is none", () => {
  const [env] = bakedFlags(["HOOK_TOKEN"]).filter((flag) => flag.startsWith("--allow-env="));
  assert.equal(env, `--allow-env=${environmentNames.join(",")},HOOK_TOKEN`);
  for (const wrong of ["", "A,B", "A*", "*"]) {
    assert.throws(() => bakedFlags([wrong]), /is no name/);
  }
});
