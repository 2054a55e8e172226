import { join } from "node:path";

/**
 * Copies a directory; what begins with `#!`, or is executable where it is, becomes executable.
 *
 * Modes are not copied as they are: in a compiled program the files come out of the binary, which
 * keeps none. Symbolic links are left out.
 */
export async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(join(from, name), join(to, name));
    if (isFile) await copyFile(join(from, name), join(to, name));
  }
}

/** Copies a file that is to be executable, over what is there. */
export async function copyProgram(from: string, to: string): Promise<void> {
  await Deno.writeFile(to, await Deno.readFile(from));
  await Deno.chmod(to, 0o755);
}

async function copyFile(from: string, to: string): Promise<void> {
  const content = await Deno.readFile(from);
  const isProgram = content[0] === 0x23 && content[1] === 0x21; // "#!"
  const isExecutable = (((await Deno.stat(from)).mode ?? 0) & 0o111) !== 0;
  await Deno.writeFile(to, content);
  await Deno.chmod(to, isProgram || isExecutable ? 0o755 : 0o644);
}
