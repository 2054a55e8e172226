/**
 * The program as it goes into a binary: bundled, beside the files that it reads.
 *
 * The bundle leaves out what the libraries bring and nobody loads.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renameChunks } from "./chunk_names.ts";
import { filesBelow } from "./files_below.ts";

/** The directory that holds `main.ts`. */
export const project = fileURLToPath(new URL("../", import.meta.url));

/** Modules that run in workers of their own: nothing imports them, so they are named. */
export const workerModules = [
  "src/artifacts/git_worker.ts",
  "src/artifacts/second_worker.ts",
  "src/cli/sealed_agent.ts",
  "src/extensions/module_worker.ts",
] as const;

/** Directories of the project that the program reads beside its modules. */
export const resourceDirectories = ["conf", "extensions"] as const;

/** The module of a stage that starts the program. */
export const stagedMain = "src/bundle/main.js";

/** As deep as the modules lie in the project: they find the resources two levels above. */
const bundleDirectory = "src/bundle";

/**
 * Bundled CommonJS modules ask a global function for the system's own modules, and what is old in them
 * would be warned about on the terminal of somebody who can do nothing about it.
 */
const requireModule = `import { createRequire } from "node:module";
import process from "node:process";
globalThis.require = createRequire(import.meta.url);
process.noDeprecation = true;
`;

/**
 * Lays out the bundled program and its resources. The same sources give the same files.
 *
 * @param directory Must not exist yet.
 * @returns The paths of all files below it, sorted.
 */
export async function layOutStage(directory: string): Promise<readonly string[]> {
  const bundle = join(directory, bundleDirectory);
  await Deno.mkdir(bundle, { recursive: true });
  await runDeno(project, [
    "bundle",
    "--quiet",
    "--platform=deno",
    "--minify",
    "--keep-names",
    "--code-splitting",
    `--outdir=${bundle}`,
    "main.ts",
    ...workerModules,
  ]);
  await renameChunks(bundle);
  await Deno.writeTextFile(join(bundle, "require.js"), requireModule);
  const main = join(directory, stagedMain);
  await Deno.writeTextFile(main, `import "./require.js";\n${await Deno.readTextFile(main)}`);
  for (const worker of workerModules) {
    // The parts that start a worker lie together now, and look for it beside themselves.
    const name = worker.slice(worker.lastIndexOf("/") + 1);
    const bundled = worker.replace(/\.ts$/, ".js");
    const imports = `import "./require.js";\nimport "./${bundled}";\n`;
    await Deno.writeTextFile(join(bundle, name), imports);
  }
  for (const name of resourceDirectories) {
    for (const path of await filesBelow(join(project, name))) {
      const target = join(directory, name, path);
      await Deno.mkdir(join(target, ".."), { recursive: true });
      await Deno.writeFile(target, await Deno.readFile(join(project, name, path)));
    }
  }
  const configuration = { nodeModulesDir: "none", unstable: ["worker-options"] };
  await Deno.writeTextFile(join(directory, "deno.json"), JSON.stringify(configuration));
  const files = await filesBelow(directory);
  // The times of files would become part of the binary.
  for (const path of files) await Deno.utime(join(directory, path), 0, 0);
  return files;
}

/** Runs a subcommand of this Deno; its output goes where this program's goes. */
export async function runDeno(cwd: string, args: readonly string[]): Promise<void> {
  const { success, code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    stdin: "null",
  }).spawn().status;
  if (!success) throw new Error(`deno ${args[0]} ended with status ${code}`);
}
