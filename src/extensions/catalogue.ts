import { join } from "node:path";
import { scriptCandidates, whyPassedOver } from "./script_names.ts";

/** Something that is installed for an event, in the order in which it runs. */
export type Installed =
  | {
    readonly kind: "script";
    /** Path below the extensions folder, e.g. `bash/StartServers.sh` or `StartServers.d/10-web`. */
    readonly script: string;
    /** Scripts that exist for the event too and do not run because of this one. */
    readonly hides: readonly string[];
  }
  /** It is there and cannot run; `reason` says what to do about it. */
  | { readonly kind: "unusable"; readonly script: string; readonly reason: string }
  /** It lies in the event's folder and is not meant to run. */
  | { readonly kind: "passedOver"; readonly script: string; readonly reason: string };

/** More than this in the folder of one event is a mistake, not an installation. */
const maxFolderEntries = 1_000;

/**
 * What runs for an event, in this order.
 *
 * One script, the first of {@link scriptCandidates} that exists, even when it cannot run: a script
 * that lost its executable bit is a fault to be told, not a reason to run another one. Then the
 * executables in `<event>.d/`, in the order of their names' code units, whatever the locale.
 *
 * Looks at the disk every time, so that what is installed while the agent runs is found; without
 * waiting, for a local file is looked at faster than a promise is kept.
 *
 * @param event Event name; one that cannot be a file name has nothing installed.
 * @param extensionsDir Absolute path of the extensions folder.
 * @throws Whatever the file system says, except that something is not there.
 */
export function findInstalled(event: string, extensionsDir: string): readonly Installed[] {
  if (!/^\w+$/.test(event)) return [];
  const [first, ...others] = scriptCandidates(event)
    .map((script) => findScript(script, extensionsDir))
    .filter((item) => item !== undefined);
  const folder = findInFolder(`${event}.d`, extensionsDir);
  if (!first) return folder;
  if (first.kind !== "script") return [first, ...folder];
  return [{ ...first, hides: others.map(({ script }) => script) }, ...folder];
}

function findInFolder(folder: string, extensionsDir: string): readonly Installed[] {
  const path = join(extensionsDir, folder);
  const found = statIfPresent(Deno.statSync, path);
  if (!found) return [];
  if (!found.isDirectory) {
    return [{ kind: "unusable", script: folder, reason: `${path} is not a folder` }];
  }
  const names: string[] = [];
  for (const { name } of Deno.readDirSync(path)) {
    names.push(name);
    if (names.length > maxFolderEntries) {
      const reason = `${path} holds more than ${maxFolderEntries} entries`;
      return [{ kind: "unusable", script: folder, reason }];
    }
  }
  return names.sort().flatMap((name) => {
    const script = `${folder}/${name}`;
    const reason = whyPassedOver(name) ??
      (statIfPresent(Deno.statSync, join(path, name))?.isDirectory ? "folder" : undefined);
    if (reason !== undefined) return [{ kind: "passedOver", script, reason }];
    return findScript(script, extensionsDir) ?? [];
  });
}

function findScript(script: string, extensionsDir: string): Installed | undefined {
  const path = join(extensionsDir, script);
  const unusable = (reason: string): Installed => ({ kind: "unusable", script, reason });
  const entry = statIfPresent(Deno.lstatSync, path);
  if (!entry) return undefined;
  const found = entry.isSymlink ? statIfPresent(Deno.statSync, path) : entry;
  if (!found) return unusable(`${path} is a link to nothing: remove it or mend it`);
  if (!found.isFile) return unusable(`${path} is not a file`);
  if (((found.mode ?? 0) & 0o111) === 0) {
    return unusable(`${path} is not executable: chmod +x ${path}`);
  }
  return { kind: "script", script, hides: [] };
}

function statIfPresent(
  stat: (path: string) => Deno.FileInfo,
  path: string,
): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
