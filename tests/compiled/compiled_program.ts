import { join } from "node:path";
import { compileProgram } from "../../scripts/compile.ts";
import { temporaryDirectory } from "../temporary_directory.ts";

/** A freshly built binary; disposing removes it. */
export interface CompiledProgram extends AsyncDisposable {
  /** Its absolute path. */
  readonly path: string;
}

/** Builds the binary in a directory of its own. */
export async function openCompiledProgram(): Promise<CompiledProgram> {
  const directory = await temporaryDirectory();
  try {
    const path = await compileProgram({ output: join(directory.path, "cartridge-agent") });
    return { path, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

/** What a program that ended left behind. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...options,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}
