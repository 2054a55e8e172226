/** What isomorphic-git asks of a file system, answered synchronously: fastest in a worker. */
import { join } from "node:path";
import type { GitDirectory } from "./git_directory.ts";

/** The calls that isomorphic-git makes, each returning a promise as it expects. */
export interface GitFileSystem {
  readonly promises: Readonly<Record<string, (...parameters: never[]) => Promise<unknown>>>;
}

/**
 * A file system for the negotiation of a fetch.
 *
 * Packs are hidden, or isomorphic-git would load and verify each to look for a few commits; which
 * objects there are is answered from our own index, in the form of a loose object's file.
 *
 * @param isKnown Whether an object is in a pack.
 */
export function gitFileSystem(
  directory: GitDirectory,
  isKnown: (id: string) => boolean,
): GitFileSystem {
  const looseObject = new RegExp(
    `^${RegExp.escape(join(directory.path, "objects"))}/([0-9a-f]{2})/([0-9a-f]{38})$`,
  );
  const calls = {
    readFile: (path: string | undefined, options?: string | { encoding?: string }) => {
      // The library finds out in this way whether it is given promises.
      if (path === undefined) throw new TypeError("a path is missing");
      const encoding = typeof options === "string" ? options : options?.encoding;
      return encoding ? Deno.readTextFileSync(path) : Deno.readFileSync(path);
    },
    writeFile: (path: string, data: string | Uint8Array) =>
      typeof data === "string"
        ? Deno.writeTextFileSync(path, data, { mode: 0o600 })
        : Deno.writeFileSync(path, data, { mode: 0o600 }),
    unlink: (path: string) => Deno.removeSync(path),
    readdir: (path: string) =>
      path === directory.packs ? [] : [...Deno.readDirSync(path)].map(({ name }) => name),
    mkdir: (path: string) => Deno.mkdirSync(path, { mode: 0o700 }),
    rmdir: (path: string) => Deno.removeSync(path),
    rm: (path: string) => Deno.removeSync(path),
    stat: (path: string) => {
      const [, first, rest] = looseObject.exec(path) ?? [];
      // Any file will do: only whether there is one matters.
      const asked = first && rest && isKnown(first + rest) ? directory.packs : path;
      return statistics(Deno.statSync(asked));
    },
    lstat: (path: string) => statistics(Deno.lstatSync(path)),
    readlink: (path: string) => Deno.readLinkSync(path),
    symlink: () => {
      throw new Deno.errors.NotSupported("links are not made here");
    },
  };
  const promises = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      // A synchronous failure must reach the library as a rejection.
      (...parameters: never[]) =>
        new Promise((resolve) =>
          resolve((call as (...parameters: never[]) => unknown)(...parameters))
        ),
    ]),
  );
  return { promises };
}

function statistics(info: Deno.FileInfo) {
  return {
    isFile: () => info.isFile,
    isDirectory: () => info.isDirectory,
    isSymbolicLink: () => info.isSymlink,
    mode: info.mode ?? 0,
    size: info.size,
    ino: info.ino ?? 0,
    dev: info.dev,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    mtimeMs: info.mtime?.getTime() ?? 0,
    ctimeMs: info.ctime?.getTime() ?? 0,
  };
}
