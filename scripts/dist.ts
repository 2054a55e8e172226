/**
 * Makes what a release consists of, in dist/: archives of the binary and of the sources, the bill of
 * materials, and the checksums of all.
 *
 *     deno task dist [--output DIRECTORY] [--target TARGET] [--sources-only]
 *
 * The same sources, Deno and stub give the same files, byte for byte.
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { constants, gzipSync } from "node:zlib";
import project from "../deno.json" with { type: "json" };
import { billOfMaterials, type LockFile } from "./bill_of_materials.ts";
import { compileProgram } from "./compile.ts";
import { filesBelow } from "./files_below.ts";
import { project as root } from "./program_stage.ts";
import { type ArchivedFile, tarArchive } from "../src/base/tar_archive.ts";

/** For people, in both archives. */
const documents = ["README.md", "CHANGELOG.md", "LICENSE", "docs"];
/** What running from the sources takes. */
const sources = ["main.ts", "deno.json", "deno.lock", "src", "conf", "extensions", "scripts"];
/** What is made. */
export interface DistOptions {
  /** Default `dist` in the project. */
  readonly output?: string | undefined;
  /** One of those that `deno compile` knows. Default: the machine's own. */
  readonly target?: string | undefined;
  /** Leaves the binary out, which needs the runtime stub. */
  readonly sourcesOnly?: boolean | undefined;
}

/**
 * Makes the release's files.
 *
 * @returns Their absolute paths.
 */
export async function makeDist(options: DistOptions = {}): Promise<readonly string[]> {
  const directory = resolve(options.output ?? join(root, "dist"));
  await Deno.mkdir(directory, { recursive: true });
  const release = `${project.name}-${project.version}`;
  const bill = new TextEncoder().encode(`${JSON.stringify(await projectBill(), undefined, 2)}\n`);
  const billFile = { path: `${release}.cdx.json`, content: bill, mode: 0o644 };
  const made: ArchivedFile[] = [billFile];
  const add = (name: string, files: readonly ArchivedFile[]) => {
    const below = [...files, billFile].map((file) => ({ ...file, path: `${name}/${file.path}` }));
    const sorted = below.sort((a, b) => a.path < b.path ? -1 : 1);
    const content = gzipSync(tarArchive(sorted), { level: constants.Z_BEST_COMPRESSION });
    made.push({ path: `${name}.tar.gz`, content, mode: 0o644 });
  };
  const forPeople = await projectFiles(documents);
  add(`${release}-sources`, [...forPeople, ...await projectFiles(sources)]);
  if (options.sourcesOnly !== true) {
    const target = options.target ?? Deno.build.target;
    const binary = await compileProgram({
      target: options.target,
      output: join(directory, "cartridge-agent"),
    });
    const content = await Deno.readFile(binary);
    add(`${release}-${target}`, [...forPeople, {
      path: "cartridge-agent",
      content,
      mode: 0o755,
    }]);
  }
  const sums = made.map(({ path, content }) => `${sha256(content)}  ${path}\n`).sort();
  const sumsFile = new TextEncoder().encode(sums.join(""));
  made.push({ path: "SHA256SUMS", content: sumsFile, mode: 0o644 });
  for (const { path, content } of made) await Deno.writeFile(join(directory, path), content);
  return made.map(({ path }) => join(directory, path));
}

async function projectBill() {
  const lock: LockFile = JSON.parse(await Deno.readTextFile(join(root, "deno.lock")));
  return billOfMaterials({
    name: project.name,
    version: project.version,
    licence: project.license,
    denoVersion: Deno.version.deno,
    imports: await programImports(),
  }, lock);
}

/** The libraries that the program imports: what is left is for tests. */
async function programImports(): Promise<readonly string[]> {
  const modules = (await projectFiles(["main.ts", "src"])).filter(({ path }) => /\.ts$/.test(path));
  const texts = modules.map(({ content }) => new TextDecoder().decode(content));
  const isImported = (name: string) =>
    texts.some((text) => text.includes(`"${name}"`) || text.includes(`"${name}/`));
  return Object.entries(project.imports).flatMap(([name, specifier]) =>
    isImported(name) ? [specifier] : []
  );
}

/** Files of the project and those below its directories. */
async function projectFiles(names: readonly string[]): Promise<readonly ArchivedFile[]> {
  const paths = await Promise.all(names.map(async (name) => {
    const { isDirectory } = await Deno.stat(join(root, name));
    if (!isDirectory) return [name];
    return (await filesBelow(join(root, name))).map((path) => join(name, path));
  }));
  return await Promise.all(
    paths.flat().map(async (path) => {
      const content = await Deno.readFile(join(root, path));
      // What is executable differs with the user's mask and the file system; the first line does not.
      const isProgram = content[0] === 0x23 && content[1] === 0x21;
      return { path, content, mode: isProgram ? 0o755 : 0o644 };
    }),
  );
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      output: { type: "string" },
      target: { type: "string" },
      "sources-only": { type: "boolean" },
    },
  });
  const { output, target } = values;
  const made = await makeDist({ output, target, sourcesOnly: values["sources-only"] });
  console.log(made.join("\n"));
}
