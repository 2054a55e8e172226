/**
 * Builds one binary with everything that the agent is made of: program, workers, launcher, default
 * scripts and templates.
 *
 *     deno task compile [--output FILE] [--target TARGET] [--env NAME]...
 *
 * Needs Deno's runtime stub, which `deno compile` downloads, or DENORT_BIN, which names it.
 */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { environmentNames } from "../src/config/fields.ts";
import { layOutStage, project, runDeno, stagedMain } from "./program_stage.ts";

/** What is built. */
export interface CompileOptions {
  /** Default `dist/cartridge-agent` in the project. */
  readonly output?: string | undefined;
  /** One of those that `deno compile` knows. Default: the machine's own. */
  readonly target?: string | undefined;
  /** Environment variables that extension modules may be allowed to read. Default none. */
  readonly env?: readonly string[] | undefined;
}

/**
 * An agent lives long and does little: a small young generation keeps garbage from being resident.
 */
const engineFlags = "--v8-flags=--max-semi-space-size=1";

/**
 * What the binary may do. It is fixed before anybody knows the configuration, so whole kinds of
 * permissions are given, and the agent seals itself in a worker with those that its configuration
 * needs. Foreign functions, remote modules and other variables than the documented ones are never
 * given.
 */
export function bakedFlags(env: readonly string[] = []): readonly string[] {
  const wrong = env.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (wrong !== undefined) throw new Error(`"${wrong}" is no name of an environment variable`);
  return [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-run",
    "--allow-sys=loadavg,systemMemoryInfo",
    `--allow-env=${[...environmentNames, ...env].join(",")}`,
    "--ignore-env",
    "--no-prompt",
    "--no-remote",
    "--unstable-worker-options",
    // The cache would lie under a name that others can foresee, in a directory of everybody.
    "--no-code-cache",
    engineFlags,
  ];
}

/**
 * Builds the binary: the same sources, Deno and stub give the same bytes, wherever they lie.
 *
 * @returns Its absolute path.
 */
export async function compileProgram(
  { output, target, env }: CompileOptions = {},
): Promise<string> {
  const path = resolve(output ?? join(project, "dist/cartridge-agent"));
  const directory = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    const stage = join(directory, "stage");
    const files = await layOutStage(stage);
    // The name of the file becomes part of it, so it is built under its own and then copied.
    const built = join(directory, "cartridge-agent");
    await runDeno(stage, [
      "compile",
      "--quiet",
      "--no-check",
      ...bakedFlags(env),
      ...target === undefined ? [] : [`--target=${target}`],
      `--output=${built}`,
      // One by one, in order: a directory would be taken in the order of the file system.
      ...files.filter((file) => file !== "deno.json").map((file) => `--include=${file}`),
      stagedMain,
    ]);
    await Deno.mkdir(dirname(path), { recursive: true });
    // Beside and renamed: the binary may be running.
    const beside = `${path}.new`;
    await Deno.copyFile(built, beside);
    await Deno.chmod(beside, 0o755);
    await Deno.rename(beside, path);
    return path;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      output: { type: "string" },
      target: { type: "string" },
      env: { type: "string", multiple: true },
    },
  });
  console.log(await compileProgram(values));
}
