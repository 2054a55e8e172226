/** The directories a checkout needs, made by the main thread so that its worker may do less. */
import { dirname, join } from "node:path";
import { cannot, reasonOf } from "../base/errors.ts";
import { currentTree, treesOf } from "./published_trees.ts";
import { invalidPathReason } from "./repository_path.ts";

/**
 * Makes the destination and what is missing above it, below APPLICATION_PATH without following links.
 *
 * @returns Whether the destination was made just now; APPLICATION_PATH itself does not count.
 * @throws AgentError of kind `refused` when a link or a file stands in the way, `permission` when the
 *   system says no.
 */
export async function makeDestination(
  applicationPath: string,
  destination: string,
): Promise<boolean> {
  try {
    await Deno.mkdir(applicationPath, { recursive: true });
    let isMade = false;
    for (const path of directoriesTo(applicationPath, destination)) {
      isMade = await makeDirectory(path, 0o755);
      // The checkout makes it a directory.
      if (path === destination && currentTree(destination) !== undefined) continue;
      if (!(await Deno.lstat(path)).isDirectory) {
        throw inTheWay("check out into", destination, path);
      }
    }
    return isMade;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw cannot("check out into", destination, `${invalidPathReason}: ${reasonOf(error)}`, {
      kind: "permission",
      retryable: true,
    });
  }
}

/**
 * Makes what is missing above a destination that is or becomes a link (artifact.publish=symlink);
 * nothing where it is APPLICATION_PATH itself.
 *
 * @returns Whether nothing is at the destination yet; APPLICATION_PATH itself does not count.
 * @throws AgentError as {@link makeDestination}.
 */
export async function makeWayTo(applicationPath: string, destination: string): Promise<boolean> {
  if (destination === applicationPath) return false;
  await makeDestination(applicationPath, dirname(destination));
  return await lstatIfPresent(destination) === undefined;
}

/**
 * Makes sure that no link is on the way from APPLICATION_PATH to the destination, as far as that is
 * there.
 *
 * @returns Whether the destination is there.
 * @throws AgentError of kind `refused` when a link or a file stands in the way.
 */
export async function isDestinationThere(
  applicationPath: string,
  destination: string,
): Promise<boolean> {
  if (!await isDirectory(applicationPath)) return false;
  for (const path of directoriesTo(applicationPath, destination)) {
    const found = await lstatIfPresent(path);
    if (found === undefined) return false;
    // The removal makes it a directory before it does anything else.
    if (path === destination && currentTree(destination) !== undefined) continue;
    if (!found.isDirectory) throw inTheWay("remove the artifacts in", destination, path);
  }
  return true;
}

/** Whether a directory is there, reached through a link or not. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Where the Git directory of a tenant is. */
export function gitDirectoryPath(stateDir: string, tenantId: number): string {
  return join(stateDir, "git", String(tenantId));
}

/**
 * Makes the Git directory of a tenant.
 *
 * @throws AgentError of kind `permission` when the system says no.
 */
export async function makeGitDirectory(stateDir: string, tenantId: number): Promise<string> {
  const path = gitDirectoryPath(stateDir, tenantId);
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw cannot("make", path, reasonOf(error), { kind: "permission", retryable: true });
  }
}

/**
 * Reads the certificates of a private authority.
 *
 * @param caFile artifact.ca.file.
 * @throws AgentError of kind `configuration` when it cannot be read.
 */
export async function readCertificates(caFile: string): Promise<string> {
  try {
    return await Deno.readTextFile(caFile);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = `${reasonOf(error)} (artifact.ca.file)`;
    throw cannot("read", caFile, reason, { kind: "configuration", retryable: true });
  }
}

/**
 * The directory beside APPLICATION_PATH under which files are written before they are published:
 * there while a job runs, entered by nobody else.
 */
export class StagingDirectory {
  readonly #path: string;
  #users = 0;
  /** What has only the name is left alone, in the end too. */
  #isUsable = false;
  #cleaned: Promise<void> | undefined;
  #removed: Promise<void> = Promise.resolve();

  constructor(applicationPath: string) {
    this.#path = `${applicationPath}.agent`;
  }

  /**
   * Makes it.
   *
   * @param holdsTrees Whoever serves the files passes through it, to a tree that he knows the name of.
   * @returns Where one tenant may write; `undefined` when it cannot be made or is not ours alone.
   *   Call {@link leave} afterwards in either case.
   */
  async enter(tenantId: number, holdsTrees = false): Promise<string | undefined> {
    this.#users++;
    await this.#removed;
    try {
      await makeDirectory(this.#path, 0o700);
      this.#isUsable = await this.#isOurs();
      if (!this.#isUsable) return undefined;
      await Deno.chmod(this.#path, holdsTrees ? 0o711 : 0o700);
      await (this.#cleaned ??= this.#clean().catch((error) => {
        this.#cleaned = undefined; // tried again by the next who enters
        throw error;
      }));
      return join(this.#path, String(tenantId));
    } catch (error) {
      // Its parent may well be closed to us; the destination itself has room then.
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** Removes it when nobody needs it any more. */
  async leave(): Promise<void> {
    if (--this.#users > 0 || !this.#isUsable) return;
    await (this.#removed = this.#remove());
  }

  async #remove(): Promise<void> {
    try {
      await Deno.remove(this.#path);
    } catch (error) {
      // What an ended worker left in it goes the next time.
      if (!isSystemError(error)) throw error;
    }
  }

  /** Somebody who made it before us could still enter it. */
  async #isOurs(): Promise<boolean> {
    const { isDirectory, uid } = await Deno.lstat(this.#path);
    if (!isDirectory) return false;
    // What we make is ours; asking the system who we are would need a permission.
    const probe = await Deno.makeTempDir({ dir: this.#path, prefix: "probe" });
    const own = await Deno.lstat(probe);
    await Deno.remove(probe);
    return own.uid === uid;
  }

  /** Once per process: what an agent that crashed left behind. */
  async #clean(): Promise<void> {
    for await (const { name } of Deno.readDir(this.#path)) {
      if (/^(?:-?\d+|probe\w*)$/.test(name)) {
        await Deno.remove(join(this.#path, name), { recursive: true });
      }
    }
  }
}

/**
 * Where the trees of a destination are; `undefined` when it neither is published by a link nor was.
 *
 * @param publish artifact.publish.
 */
export async function treesFor(
  destination: string,
  publish: "files" | "symlink",
): Promise<string | undefined> {
  const trees = treesOf(destination);
  return publish === "symlink" || await isDirectory(trees) ? trees : undefined;
}

/** @returns Whether it was missing. */
async function makeDirectory(path: string, mode: number): Promise<boolean> {
  try {
    await Deno.mkdir(path, { mode });
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return false;
  }
}

/** The destination and the directories above it up to APPLICATION_PATH, which is left out. */
function directoriesTo(applicationPath: string, destination: string): string[] {
  const parts = destination.slice(applicationPath.length).split("/").filter(Boolean);
  return parts.map((_, index) => join(applicationPath, ...parts.slice(0, index + 1)));
}

async function lstatIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function inTheWay(action: string, destination: string, path: string) {
  return cannot(action, destination, `"${path}" is a link or a file`, { kind: "refused" });
}

/** Refusals of the operating system or of Deno's permissions, not faults of ours. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && ("code" in error || error instanceof Deno.errors.NotCapable);
}
