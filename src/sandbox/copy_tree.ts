import { join } from "node:path";

/**
 * Copies a directory; what begins with `#!` becomes executable.
 *
 * Modes are not copied: in a compiled program the files come out of the binary, which keeps none.
 * Symbolic links are left out.
 */
export async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(join(from, name), join(to, name));
    if (isFile) await copyFile(join(from, name), join(to, name));
  }
}

async function copyFile(from: string, to: string): Promise<void> {
  const content = await Deno.readFile(from);
  await Deno.writeFile(to, content);
  const isProgram = content[0] === 0x23 && content[1] === 0x21; // "#!"
  await Deno.chmod(to, isProgram ? 0o755 : 0o644);
}
