import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readIfPresent, replaceFile } from "../base/durable_file.ts";
import { cannot, reasonOf } from "../base/errors.ts";

/** What became of one file of a home. */
export interface LaidOut {
  /** Below the home. */
  readonly path: string;
  /** `kept`: it is there with another content, which stays. */
  readonly outcome: "made" | "same" | "kept" | "replaced";
}

/** Files that a home begins with: where they lie in the program, and in the home. */
const templates: readonly (readonly [string, string])[] = [
  ["conf/agent.conf", "agent.conf"],
  ["conf/logging.ini", "logging.ini"],
  ["conf/launch-params.example", "payload/launch-params.example"],
];
const extensions = "extensions";

/**
 * Lays out a home: configuration templates, an example of launch parameters, the launcher and the
 * default extensions. Done again, it brings what is missing.
 *
 * @param replaces Says of a file that is there with another content whether it is replaced.
 * @throws AgentError of kind `configuration` when something cannot be written.
 */
export async function layOutHome(
  home: string,
  replaces: (path: string) => boolean,
): Promise<readonly LaidOut[]> {
  const files = [...templates];
  for await (const path of filesBelow(programFile(extensions))) {
    files.push([join(extensions, path), join(extensions, path)]);
  }
  const laidOut: LaidOut[] = [];
  for (const [from, path] of files.sort(([, one], [, other]) => one < other ? -1 : 1)) {
    const text = await Deno.readTextFile(programFile(from));
    try {
      laidOut.push({ path, outcome: await place(join(home, path), text, replaces(path)) });
    } catch (error) {
      throw cannot("lay out", join(home, path), reasonOf(error), {
        kind: "configuration",
        cause: error,
      });
    }
  }
  return laidOut;
}

/**
 * Whether a home's launcher is the one that comes with this program.
 *
 * @returns `undefined` when either cannot be read.
 */
export async function isOwnLauncher(path: string): Promise<boolean | undefined> {
  try {
    const own = await Deno.readTextFile(programFile("extensions/launcher"));
    return await Deno.readTextFile(path) === own;
  } catch {
    return undefined;
  }
}

async function place(path: string, text: string, replace: boolean): Promise<LaidOut["outcome"]> {
  const present = await readIfPresent(path);
  if (present === text) return "same";
  if (present !== undefined && !replace) return "kept";
  await Deno.mkdir(dirname(path), { recursive: true });
  // A compiled program keeps no modes of its files.
  const mode = text.startsWith("#!") ? 0o755 : path.endsWith("agent.conf") ? 0o640 : 0o644;
  // In one step, executable: an agent may be starting the launcher at this moment.
  await replaceFile(path, text, mode);
  // The user's mask may have taken something away.
  await Deno.chmod(path, mode);
  return present === undefined ? "made" : "replaced";
}

/** A file beside `src`, on disk or in the compiled binary. */
function programFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

async function* filesBelow(directory: string, below = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(join(directory, below))) {
    const path = join(below, name);
    if (isDirectory) yield* filesBelow(directory, path);
    if (isFile) yield path;
  }
}
