import { cannot, reasonOf } from "../base/errors.ts";

/**
 * Makes the state directory fit for secrets and locks: it exists, and nobody else can look into it.
 *
 * @throws AgentError of kind `configuration` when it cannot be made or somebody else can write there:
 *   by its mode, or as its owner.
 */
export async function prepareStateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const { isDirectory, mode, uid } = await Deno.stat(path);
    if (!isDirectory) throw new Error("it is not a directory");
    if (mode !== null && (mode & 0o022) !== 0) {
      throw new Error("others may write there; take that away with: chmod go-w");
    }
    const own = await ownUser(path);
    if (uid !== own) {
      throw new Error(`it belongs to user ${uid}, who may write there; chown it to user ${own}`);
    }
    if (mode !== null && (mode & 0o055) !== 0) await Deno.chmod(path, 0o700);
  } catch (error) {
    const isRefused = error instanceof Deno.errors.NotCapable;
    const reason = isRefused
      ? "Deno does not grant this directory; choose another one with state.dir"
      : reasonOf(error);
    throw cannot("use the state directory", path, reason, {
      kind: "configuration",
      cause: error,
    });
  }
}

/** The user whose files the agent makes; asking the system for it would need a further permission. */
async function ownUser(directory: string): Promise<number | null> {
  const path = await Deno.makeTempFile({ dir: directory, prefix: "owner-" });
  try {
    return (await Deno.lstat(path)).uid;
  } finally {
    await Deno.remove(path);
  }
}
