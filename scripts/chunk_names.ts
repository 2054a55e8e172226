import { createHash } from "node:crypto";
import { join } from "node:path";
import { filesBelow } from "./files_below.ts";

/** What the bundler calls a shared part: a stem and eight characters. */
const chunkName = /(?<=\/)[\w.]+-[A-Z0-9]{8}\.js\b/g;

/**
 * Names the shared parts of a bundle by their content.
 *
 * The bundler derives the names from where the sources lie in relation to the cache of libraries, too,
 * so that the same sources would give another bundle in another directory.
 *
 * @param directory Where the bundle lies; its files are renamed, and rewritten where they name others.
 */
export async function renameChunks(directory: string): Promise<void> {
  const texts = new Map<string, string>();
  for (const path of await filesBelow(directory)) {
    texts.set(path, await Deno.readTextFile(join(directory, path)));
  }
  const names = contentNames(texts);
  for (const [path, text] of texts) {
    const name = names.get(path) ?? path;
    if (name !== path) await Deno.remove(join(directory, path));
    await Deno.writeTextFile(join(directory, name), renamed(text, names));
  }
}

/**
 * Names of the shared parts by their old names. Each depends on the content of the part and on the
 * names of those that it names, so names are made again until no more of them differ.
 *
 * @param texts The files of a bundle by their paths; shared parts lie at its top.
 */
export function contentNames(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const chunks = [...texts].filter(([path]) => `/${path}`.match(chunkName)?.[0] === path);
  const stemOf = (path: string) => path.replace(/-[A-Z0-9]{8}\.js$/, "");
  let names = new Map(chunks.map(([path]) => [path, stemOf(path)]));
  for (let distinct = 0;;) {
    const known = names;
    names = new Map(chunks.map(([path, text]) => {
      const hash = createHash("sha256").update(renamed(text, known)).digest("hex");
      return [path, `${stemOf(path)}-${hash.slice(0, 16)}.js`];
    }));
    const count = new Set(names.values()).size;
    if (count === chunks.length) return names;
    if (count === distinct) throw new Error("two parts of the bundle are the same");
    distinct = count;
  }
}

function renamed(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(chunkName, (name) => names.get(name) ?? name);
}
