import { join } from "node:path";

/** The paths of the regular files below a directory, relative to it, sorted. */
export async function filesBelow(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string) => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(join(directory, below))) {
      const path = join(below, name);
      if (isDirectory) await walk(path);
      if (isFile) found.push(path);
    }
  };
  await walk("");
  return found.sort();
}
