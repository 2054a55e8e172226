/**
 * Checks artifacts out of archives on this machine instead of a repository: the tenant's is
 * `<settings.directory>/<tenantId>.tar`, as `git archive` or `tar --format=ustar` makes it.
 *
 * To use it: put the directory of the archives into `settings.directory` and `permissions.read`,
 * APPLICATION_PATH into `permissions.read` and `permissions.write`, and
 * `unpack-archive,unpack-archive:read,unpack-archive:write` into `extension.modules.allow` of agent.conf.
 */
import type { CheckOutArtifacts } from "cartridge-agent/extension";

const mostBytes = 64 * 1024 * 1024;
const blockBytes = 512;

/** Unpacks the archive when it is another one than last time; files that it no longer has stay. */
export const checkOutArtifacts: CheckOutArtifacts = async (job, { settings, log }) => {
  const path = `${settings["directory"]}/${job.tenantId}.tar`;
  if ((await Deno.stat(path)).size > mostBytes) throw new Error(`${path} is larger than 64 MiB`);
  const archive = await Deno.readFile(path);
  const commit = new Uint8Array(await crypto.subtle.digest("SHA-256", archive)).toHex();
  // A worker is ended when it has no work: what must be known later is in a file.
  const data = new URL("./data/", import.meta.url);
  const seen = new URL(`${job.tenantId}`, data);
  if (!job.first && await Deno.readTextFile(seen).catch(() => "") === commit) {
    return { changed: false, commit };
  }
  const files = filesOf(archive);
  const root = await Deno.realPath(job.destination);
  for (const { name, content } of files) await writeInside(root, name, content);
  await Deno.mkdir(data, { recursive: true });
  await Deno.writeTextFile(seen, commit);
  log.info(`${files.length} files of ${path} are in ${job.destination}`);
  return { changed: true, commit };
};

/** Written beside and renamed: nobody reads half a file, or through a link to the outside. */
async function writeInside(root: string, name: string, content: Uint8Array): Promise<void> {
  const path = `${root}/${name}`;
  const parent = path.slice(0, path.lastIndexOf("/"));
  await Deno.mkdir(parent, { recursive: true });
  if (await Deno.realPath(parent) !== parent) throw new Error(`a link leads to ${name}`);
  await Deno.remove(`${path}.new`).catch(() => {});
  await Deno.writeFile(`${path}.new`, content, { createNew: true });
  await Deno.rename(`${path}.new`, path);
}

/** All files, or none when one of them could be anywhere else than below the destination. */
function filesOf(archive: Uint8Array): { readonly name: string; readonly content: Uint8Array }[] {
  const files = [];
  for (let at = 0; at + blockBytes <= archive.length && archive[at] !== 0;) {
    const text = (from: number, length: number) =>
      new TextDecoder().decode(archive.subarray(at + from, at + from + length)).replace(
        /\0.*/s,
        "",
      );
    const size = parseInt(text(124, 12), 8);
    const [type, prefix] = [text(156, 1), text(345, 155)];
    const name = (prefix === "" ? "" : `${prefix}/`) + text(0, 100);
    const start = at + blockBytes;
    if (!(size >= 0 && start + size <= archive.length)) throw new Error("the archive is damaged");
    at = start + Math.ceil(size / blockBytes) * blockBytes;
    // A global header holds the commit, a directory comes with its files.
    if (type === "g" || type === "5") continue;
    const isPlain = name.split("/").every((part) => !["", ".", "..", ".git"].includes(part));
    if (!["0", ""].includes(type) || !isPlain) throw new Error(`"${name}" is no plain file`);
    files.push({ name, content: archive.subarray(start, start + size) });
  }
  return files;
}
