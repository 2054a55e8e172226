import { basename, dirname, join } from "node:path";
import { runProgram } from "./compiled_program.ts";

/** Lays out what a minimal image has: busybox, the libraries of the binary, and the binary. */
export async function layOutMinimalRoot(root: string, binary: string): Promise<void> {
  for (const directory of ["bin", "usr/bin", "dev", "proc", "tmp"]) {
    await Deno.mkdir(join(root, directory), { recursive: true });
  }
  await Deno.writeTextFile(join(root, "dev/null"), "");
  await Deno.copyFile(binary, join(root, "usr/bin/cartridge-agent"));
  const busybox = (await output("sh", ["-c", "command -v busybox"])).trim();
  await Deno.copyFile(busybox, join(root, "bin/busybox"));
  for (const applet of (await output(busybox, ["--list-full"])).trim().split("\n")) {
    const path = join(root, /^(usr\/)?bin\//.test(applet) ? applet : `bin/${basename(applet)}`);
    if (!await exists(path)) await Deno.symlink("/bin/busybox", path);
  }
  for (const program of [binary, busybox]) {
    for (const library of await libraries(program)) {
      const path = join(root, library);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.copyFile(library, path);
    }
  }
}

/** The dynamic libraries of a program, its loader too; none when it is static. */
async function libraries(program: string): Promise<readonly string[]> {
  const { out } = await runProgram("ldd", [program]);
  return [...out.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path]) => path!);
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { code, out, err } = await runProgram(program, args);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${err}`);
  return out;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
